"""Labels: their classes, and which training clips keep them in semi-supervised studies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lightning.pytorch.utilities import rank_zero_info

from emorec.data.splits.parts import Part, drawn_place
from emorec.errors import DataError
from emorec.types import Clip, Target

PerClass = int | dict[str, int]
"""The most labelled clips of each class, or of the classes that are named."""


def check_shares(labelled: float, unlabelled: float, per_class: PerClass | None) -> None:
    """Check the options ``labelled_share``, ``unlabelled_share`` and ``labels_per_class``.

    Raises:
        DataError: A share is not from 0 to 1, or a number is below 0.
    """
    numbers = per_class.values() if isinstance(per_class, dict) else [per_class or 0]
    if min(numbers, default=0) < 0:
        raise DataError(f"labels_per_class is {per_class}; it must be at least 0")
    for name, share in (("", labelled), ("un", unlabelled)):
        if not 0 <= share <= 1:
            raise DataError(f"{name}labelled_share is {share}; it must be from 0 to 1")


def keep_labels(
    clips: Iterable[Clip],
    share: float,
    seed: int,
    per_class: PerClass | None = None,
    targets: Mapping[str, Target] | None = None,
) -> set[str]:
    """Draw the clips that keep their labels; the others take part as unlabelled clips.

    Ma et al. 2020 (table 7) train with 20, 50, 80 and 100 % of the labels. They do not state how
    the clips are drawn; here it is by class, each keeping at least one clip, so that a small
    share leaves no class out. For one seed, a smaller share is a subset of a larger one.

    Args:
        clips: The training clips; their order does not matter.
        share: Share of each class's labelled clips, 0 to 1, rounded half to even.
        seed: Seed of the draw.
        per_class: The most labelled clips of each class, or of some classes by name; None: no
            limit.
        targets: Name -> target, for the names of classes.

    Returns:
        Ids of the clips that keep their labels.

    Raises:
        DataError: A class that is named does not exist.
    """
    named = per_class if isinstance(per_class, dict) else {}
    known = {name for each in (targets or {}).values() for name in each.names}
    if set(named) - known:
        raise DataError(
            f"labels_per_class names {min(set(named) - known)!r}; the classes are "
            f"{', '.join(sorted(known))}"
        )
    classes: dict[str, list[str]] = defaultdict(list)
    most: dict[str, int | None] = {}
    for clip in clips:
        if clip.labels:
            labels = repr(sorted(clip.labels.items()))
            classes[labels].append(clip.id)
            most[labels] = _limit(clip, per_class, targets or {})
    kept: set[str] = set()
    for name in sorted(classes):
        # In an order that does not depend on the other clips.
        ids = sorted(classes[name], key=lambda i: drawn_place(f"{seed} labels", i))
        kept.update(ids[: max(1, round(share * len(ids)))][: most[name]] if share > 0 else ())
    return kept


def _limit(clip: Clip, per_class: PerClass | None, targets: Mapping[str, Target]) -> int | None:
    """Return the most labelled clips of a clip's class; None: no limit."""
    if not isinstance(per_class, dict):
        return per_class
    own = [targets[t].names[c] for t, c in clip.labels.items() if isinstance(c, int)]
    return min((per_class[name] for name in own if name in per_class), default=None)


def hide_labels(
    clips: Sequence[Clip],
    parts: Mapping[str, Part],
    share: float,
    seed: int,
    per_class: PerClass | None = None,
    targets: Mapping[str, Target] | None = None,
) -> list[Clip]:
    """Return the clips, some training ones without their labels; see :func:`keep_labels`.

    Args:
        clips: All clips.
        parts: Clip id -> part, of usable and unusable clips.
        share: Share of the training clips that keep their labels.
        seed: Seed of the draw.
        per_class: The most labelled training clips of each class; None: no limit.
        targets: Name -> target, for the names of classes.
    """
    train = [clip for clip in clips if parts.get(clip.id) == "train"]
    kept = keep_labels(train, share, seed, per_class, targets)
    hidden = {clip.id for clip in train if clip.labels} - kept
    if hidden:
        rank_zero_info(f"{len(kept)} of {len(train)} training clips keep their label")
    return [replace(clip, labels={}) if clip.id in hidden else clip for clip in clips]


def keep_unlabelled(clips: Sequence[Clip], share: float, seed: int) -> set[str]:
    """Return the ids of the clips to train on: all labelled ones, and a share of the others.

    Args:
        clips: The training clips; their order does not matter.
        share: Share of those without a label, 0 to 1. For one seed, a smaller share is a subset
            of a larger one.
        seed: Seed of the draw.
    """
    bare = [clip.id for clip in clips if not clip.labels]
    bare.sort(key=lambda i: drawn_place(f"{seed} unlabelled", i))
    return {clip.id for clip in clips if clip.labels} | set(bare[: round(share * len(bare))])


def positions_of(
    part: Part, clips: Sequence[Clip], parts: Mapping[str, Part], share: float, seed: int
) -> list[int]:
    """Return the positions of a part's clips among all.

    Args:
        part: The part.
        clips: All clips.
        parts: Clip id -> part, of usable clips.
        share: Share of the training clips without a label that are kept, see
            :func:`keep_unlabelled`.
        seed: Seed of the draw.
    """
    positions = [p for p, clip in enumerate(clips) if parts.get(clip.id) == part]
    if part != "train":
        return positions
    kept = keep_unlabelled([clips[p] for p in positions], share, seed)
    return [p for p in positions if clips[p].id in kept]


def class_names(given: Sequence[str | int | bool]) -> list[str]:
    """Return classes as names: numbers as written, true and false as yes and no.

    A config cannot tell ``[yes, no]`` from ``[true, false]``: YAML reads both as booleans.

    Raises:
        DataError: Two have the same name.
    """
    names = [("no", "yes")[name] if isinstance(name, bool) else str(name) for name in given]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"classes has {twice[0]!r} twice: {', '.join(names)}")
    return names


def boolean_word(label: str) -> str:
    """Return ``yes`` or ``no`` for a word that means it; any other label as it is."""
    words = {"yes": ("yes", "true", "on"), "no": ("no", "false", "off")}
    return next((word for word, like in words.items() if label.casefold() in like), label)


def class_index(label: str, classes: Sequence[str], where: str) -> int:
    """Return the position of a label among the classes.

    Raises:
        DataError: It is not one of them; the message says where it was found.
    """
    if label not in classes:
        raise DataError(
            f"{where}: unknown emotion {label!r}; the classes are {', '.join(classes)}. Correct "
            "the label, leave it empty (an unlabelled clip), or name your classes in data.classes"
        )
    return list(classes).index(label)
