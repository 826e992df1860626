"""What finished runs say on the clips of their data sets, for an ensemble."""

from collections.abc import Mapping

import torch
import yaml
from torch import Tensor

from emorec.commands.parser import EmorecParser, made_of
from emorec.data import EmotionDataModule
from emorec.data.splits.file import read_split
from emorec.data.splits.parts import Part
from emorec.errors import UserError
from emorec.evaluation.clips import Votes
from emorec.evaluation.decision import ClassDecision
from emorec.evaluation.gather import ClipVote
from emorec.predict import Predictor
from emorec.predict.checkpoint import Saved
from emorec.runs.directory import RunDirectory

Clips = dict[str, tuple[Tensor, int, int]]
"""Id of a clip -> calibrated vote (classes,), class or -1, windows."""


class EnsembleError(UserError):
    """The runs cannot be put together."""


def data_of_run(run: RunDirectory) -> EmotionDataModule:
    """Return the data module of a finished run, with its split.

    Raises:
        UserError: Its config or its data cannot be read.
    """
    tree = yaml.safe_load(run.config_file.read_text("utf-8"))
    parser = EmorecParser(exit_on_error=False)
    parser.add_subclass_arguments(EmotionDataModule, "data", required=True)
    data: EmotionDataModule = made_of(parser, parser.parse_object({"data": tree["data"]})).data
    data.for_run(
        resumed_split=read_split(run.split_file),
        select_on_test=bool(tree.get("select_on_test", False)),
    )
    data.prepare_data()
    data.setup("test")
    return data


@torch.inference_mode()
def votes_of(predictor: Predictor, data: EmotionDataModule, part: Part) -> Clips:
    """Return a model's calibrated votes on the clips of a part; empty if there are none."""
    dataset, vote = data.parts[part], ClipVote()
    model, decision = predictor.model, predictor.model.decision
    assert isinstance(decision, ClassDecision)
    if not len(dataset):
        return {}
    for start in range(0, len(dataset), data.batch_size):
        batch = dataset.__getitems__(range(start, min(start + data.batch_size, len(dataset))))
        batch = batch.to(predictor.device)
        scores = predictor.run.scores(batch)
        rows = torch.stack([batch.present[name] for name in model.modalities]).any(0)
        target = batch.classes(model.target_name)
        vote.update(
            scores[rows].cpu(), target[rows].cpu(), batch.clip[rows].cpu(), batch.index[rows].cpu()
        )
    found: Votes = vote.compute()
    decided = decision.decide(found.scores.double().to(predictor.device)).cpu()
    return {
        data.all_clips[position].id: (scores, target, segments)
        for position, scores, target, segments in zip(
            found.clip.tolist(),
            decided,
            found.target.tolist(),
            found.segments.tolist(),
            strict=True,
        )
    }


def check_splits(datas: Mapping[str, EmotionDataModule]) -> None:
    """Check that no clip is trained on by one member and tested, or validated on, by another.

    Raises:
        EnsembleError: One is, or two members have no test clip in common.
    """
    part_of: dict[str, tuple[Part, str]] = {}
    for name, data in datas.items():
        moved = [i for i, part in data.part_of_clip.items() if part_of.get(i, (part,))[0] != part]
        if moved:
            clip = min(moved)
            part, first = part_of[clip]
            raise EnsembleError(
                f"clip {clip!r} is in {part} of {first} and in {data.part_of_clip[clip]} of {name} "
                f"({len(moved)} such clips): train all on one split (the same data.split, "
                "data.seed and data.fold)"
            )
        tested = {i for i, part in data.part_of_clip.items() if part == "test"}
        if part_of and not any(part_of.get(i, ("",))[0] == "test" for i in tested):
            raise EnsembleError(f"{name} has no test clip in common with {', '.join(datas)}")
        part_of |= {i: (part, name) for i, part in data.part_of_clip.items() if i not in part_of}


def common_classes(members: Mapping[str, Saved]) -> list[str]:
    """Return the members' classes.

    Raises:
        EnsembleError: They differ.
    """
    (first, one), *others = members.items()
    classes = list(one.model.target.names)
    for name, each in others:
        if list(each.model.target.names) != classes:
            raise EnsembleError(
                f"{first} has the classes {', '.join(classes)} and {name} "
                f"{', '.join(each.model.target.names)}: expected the same, in the same order"
            )
    return classes
