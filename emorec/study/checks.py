"""Whether a study's options change what they say, and nothing is trained on what is tested."""

from emorec.study.config import FILES, Grid, Options, Study, StudyError

SIDES = ("greater", "less")
FREE = ("scores", "case", "rate")  # what relations name besides axes


def changes_pretraining(study: Study, key: str) -> bool:
    """Return whether pre-training must know of an option: data, encoders, its own stages.

    ``data.labelled_only`` does not count (pre-training on labelled clips only is the paper's way),
    nor does ``data.augment``, which leaves the clips and their parts as they are.
    """
    if key in ("data.labelled_only", "data.augment"):
        return False
    if key.startswith("stages."):
        return key.split(".")[1] in study.pretrain
    return key in FILES or key.startswith(("data.", "model.encoders"))


def check_options(study: Study, where: str) -> None:
    """Check that each option changes what it says.

    Raises:
        StudyError: An option is of no stage, is set by the protocol as well, or must be known to
            the pre-training, which several choices share.
    """
    _check_stages(study, where)
    for name, protocol in study.protocols.items():
        taken = {
            *protocol.options,
            "seed_everything",
            "data.fold" if protocol.folds else "data.seed",
        }
        for options in (study.options, *(part for g in study.grids.values() for part in _parts(g))):
            both = sorted(taken & set(options))
            if both:
                raise StudyError(
                    f"{where}: {both[0]} is set by protocol {name} (its folds and seeds included), "
                    "which would win; set it in one place"
                )
    for name, grid in study.grids.items():
        apart = [axis for axis in grid.axes if study.pretrain and axis not in grid.pretrain_axes]
        for axis in apart:
            for key in (key for options in grid.axes[axis].values() for key in options):
                if changes_pretraining(study, key):
                    raise StudyError(
                        f"{where}, {name}: axis {axis} sets {key}, which pre-training must know "
                        f"of (test clips could be trained on): add {axis} to pretrain_axes"
                    )


def check_relation_names(study: Study, where: str) -> None:
    """Check that relations name what there is: when they are compared, days may have passed.

    Raises:
        StudyError: A relation lacks a part, or names an axis or a choice that no grid has.
    """
    named: dict[str, set[object]] = {"grid": set(study.grids), "protocol": set(study.protocols)}
    for grid in study.grids.values():
        for axis, choices in grid.axes.items():
            named.setdefault(axis, set()).update(choices)
    for relation in study.relations:
        if set(relation) != {"say", "greater", "less"}:
            raise StudyError(f"{where}: a relation has say, greater and less; got {dict(relation)}")
        for axis, choice in (pair for side in SIDES for pair in relation[side].items()):
            if axis in FREE:
                continue
            if axis not in named:
                raise StudyError(f"{where}: relation {relation['say']!r} names {axis!r}: no axis")
            if choice not in named[axis]:
                raise StudyError(
                    f"{where}: relation {relation['say']!r} names {axis} {choice!r}; there are "
                    f"{', '.join(map(repr, sorted(map(str, named[axis]))))}"
                )


def _parts(grid: Grid) -> list[Options]:
    choices = [options for axis in grid.axes.values() for options in axis.values()]
    return [grid.options, *choices]


def _check_stages(study: Study, where: str) -> None:
    parts = [study.options, *(protocol.options for protocol in study.protocols.values())]
    parts += [part for grid in study.grids.values() for part in _parts(grid)]
    for key in (key for options in parts for key in options if key.startswith("stages.")):
        _, _, rest = key.partition(".")
        if rest.partition(".")[0] not in study.stages or "." not in rest:
            raise StudyError(
                f"{where}: {key} is no option of a stage (stages: {', '.join(study.stages)}); "
                "one is such as stages.joint.epochs"
            )
