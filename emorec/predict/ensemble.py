"""Finished models as one: the members' votes, weighted class by class."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from emorec.errors import ModelError
from emorec.evaluation.decision import ClassDecision
from emorec.extractors import Extractor
from emorec.extractors.statistics import SpeakerStatistics
from emorec.media import MediaError
from emorec.predict.checkpoint import (
    CheckpointError,
    Saved,
    load_model,
    make_model,
    read_checkpoint,
)
from emorec.predict.fused_timeline import fuse_timelines
from emorec.predict.prediction import ClassPrediction, Prediction
from emorec.predict.predictor import Predictor
from emorec.predict.timeline import Timeline
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Target, Window

KEY = "ensemble"  # of a checkpoint's "emorec" entry


class Ensemble(Predictor):
    """Applies several trained models to recordings and fuses what they say.

    score[c] = sum over members m of w[m, c] p_m(c), where p_m is the calibrated vote of a member's
    windows (emotion-adaptive fusion, Kim et al. 2017; reconstructed, the paper's exact rule is not
    public). A member that cannot use a recording is left out, and the weights of the others are
    renormalised for each class. The members may have other windows, modalities and networks; they
    have the same classes.

    Args:
        members: Name -> predictor.
        weights: float (members, classes), in that order; columns of sum 1.

    Raises:
        ModelError: The members' classes differ, or one predicts values over time.
    """

    def __init__(self, members: Mapping[str, Predictor], weights: Tensor) -> None:
        self.members, self.weights = dict(members), weights.double()
        first = next(iter(self.members))
        self._classes = self.members[first].need_classes(f"a member of an ensemble ({first})")
        for name, each in self.members.items():
            names = each.need_classes(f"a member of an ensemble ({name})").names
            if list(names) != list(self._classes.names):
                raise ModelError(
                    f"the members of an ensemble must have the same classes in the same order; "
                    f"{first} has {', '.join(self._classes.names)}, {name} {', '.join(names)}"
                )
        self.device = self.members[first].device
        speaks = any(each.within == "speaker" for each in self.members.values())
        self.within = "speaker" if speaks else "corpus"

    @property
    @override
    def target(self) -> Target:
        return self._classes

    @property
    @override
    def shown(self) -> dict[str, Extractor]:
        """``MEMBER/MODALITY`` -> extractor."""
        return {
            f"{member}/{name}": extractor
            for member, each in self.members.items()
            for name, extractor in each.shown.items()
        }

    def fuse(self, votes: Mapping[str, Sequence[float]]) -> list[float]:
        """Return the probabilities of the classes from the calibrated votes of members.

        Args:
            votes: Name of each member that has one -> (classes,).
        """
        return fused(votes, list(self.members), self.weights)

    @override
    def measure(self, named: Iterable[str | Path | Clip]) -> SpeakerStatistics:
        """Measure a speaker's inputs for each member that needs it; see :class:`Predictor`."""
        every = list(named)
        clips: dict[str, int] = {}
        moments: dict[str, Any] = {}
        for member, each in self.members.items():
            if each.within == "speaker":
                found = each.measure(every)
                clips |= {f"{member}/{name}": count for name, count in found.clips.items()}
                moments |= {f"{member}/{name}": one for name, one in found.moments.items()}
        return SpeakerStatistics(clips, moments)

    @override
    def for_speaker(self, statistics: SpeakerStatistics | None) -> None:
        for member, each in self.members.items():
            if each.within == "speaker" or statistics is not None:
                each.for_speaker(None if statistics is None else _of(statistics, member))

    @override
    def predict(
        self, named: str | Path | Clip, progress: Callable[[int, int], None] | None = None
    ) -> Prediction:
        """Return the fused vote; ``alone`` has each member's own.

        Raises:
            MediaError: No member can use the recording.
        """
        found: dict[str, ClassPrediction] = {}
        errors: dict[str, MediaError] = {}
        for number, (name, each) in enumerate(self.members.items()):
            try:
                found[name] = each.vote(named)
            except MediaError as error:
                errors[name] = error
            if progress is not None:
                progress(number + 1, len(self.members))
        if not found:
            raise next(iter(errors.values()))
        votes = {name: list(each.probabilities.values()) for name, each in found.items()}
        shares = self.fuse(votes)
        some = next(iter(found.values()))
        every = [window for each in found.values() for window in each.windows]
        span = Window(min(w.start for w in every), max(w.end for w in every))
        classes = list(self._classes.names)
        seen = (crop for each in found.values() for crop in each.crops if crop is not None)
        crop = next(seen, None)
        return ClassPrediction(
            file=some.file,
            label=classes[max(range(len(classes)), key=shares.__getitem__)],
            probabilities=dict(zip(classes, shares, strict=True)),
            windows=[span],
            scores=[shares],
            modalities={
                f"{member}/{name}": count
                for member, each in found.items()
                for name, count in each.modalities.items()
            },
            alone={name: each.probabilities for name, each in found.items()},
            findings=_findings(found, errors),
            crops=[] if crop is None else [crop],
            title=some.title,
        )

    @override
    def timeline(
        self,
        named: str | Path | Clip,
        hop: float = 0.5,
        progress: Callable[[int, int], None] | None = None,
    ) -> Timeline:
        """Return the members' timelines, fused: see :func:`fuse_timelines`.

        Raises:
            MediaError: No member can use the recording.
        """
        found: dict[str, Timeline] = {}
        errors: dict[str, MediaError] = {}
        count = len(self.members)
        for number, (name, each) in enumerate(self.members.items()):

            def step(done: int, total: int, number: int = number) -> None:
                if progress is not None:
                    progress(number * total + done, count * total)

            try:
                found[name] = each.timeline(named, hop, step)
            except MediaError as error:
                errors[name] = error
        if not found:
            raise next(iter(errors.values()))
        calibrated = {name: self._calibrated(name, each) for name, each in found.items()}
        whole = fuse_timelines(calibrated, self.fuse, hop)
        return replace(whole, findings=_findings(found, errors))

    def _calibrated(self, name: str, timeline: Timeline) -> Timeline:
        """Return a member's timeline at its temperature."""
        decision = self.members[name].model.decision
        assert isinstance(decision, ClassDecision)
        scores = torch.tensor([row.scores for row in timeline.rows], dtype=torch.float64)
        decided = decision.decide(scores.to(self.device)).tolist()
        rows = [row._replace(scores=each) for row, each in zip(timeline.rows, decided, strict=True)]
        return replace(timeline, rows=rows)


def fused(
    votes: Mapping[str, Sequence[float]], names: Sequence[str], weights: Tensor
) -> list[float]:
    """Return probabilities (classes,) from members' votes; see :class:`Ensemble`.

    Args:
        votes: Name of each member that has one -> (classes,).
        names: All members, in the order of the weights.
        weights: float (members, classes).
    """
    p = torch.tensor([list(votes[name]) for name in names if name in votes], dtype=torch.float64)
    w = weights.double()[[name in votes for name in names]]
    # If none of them has weight for a class, they are weighted equally for it.
    w = torch.where(w.sum(0) > 0, w, 1.0)
    scores = (w / w.sum(0) * p).sum(0)
    shares: list[float] = (scores / scores.sum().clamp(min=1e-12)).tolist()
    return shares


def pack(members: Sequence[tuple[str, Saved]], weights: Tensor) -> dict[str, Any]:
    """Return an ensemble as tensors and plain values, to be written as a checkpoint."""
    return {
        "hyper_parameters": {},
        "emorec": {
            KEY: {
                "members": [{"name": name, "options": each.options} for name, each in members],
                "weights": weights.tolist(),
            }
        },
        "state_dict": {
            f"{number}.{name}": value
            for number, (_, each) in enumerate(members)
            for name, value in each.model.state_dict().items()
        },
    }


def unpack(
    saved: Mapping[str, Any], path: Path, *, trust: bool = False
) -> tuple[list[tuple[str, Saved]], Tensor]:
    """Return members and weights from what :func:`pack` made.

    Args:
        saved: The content of the checkpoint.
        path: Its file, for error messages.
        trust: See :func:`~emorec.predict.checkpoint.load_model`.

    Raises:
        CheckpointError: It is damaged, or names a foreign class and is not trusted.
    """
    try:
        tree = saved["emorec"][KEY]
        listed = [(str(each["name"]), dict(each["options"])) for each in tree["members"]]
        weights = torch.tensor(tree["weights"], dtype=torch.float64)
        if weights.ndim != 2 or len(weights) != len(listed) or not listed:
            raise ValueError(f"weights of shape {tuple(weights.shape)} for {len(listed)} members")
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is a damaged ensemble ({type(error).__name__}: {error}); make it again with "
            "emorec ensemble"
        ) from error
    members = [
        (name, make_model(options, saved["state_dict"], path, trust=trust, prefix=f"{number}."))
        for number, (name, options) in enumerate(listed)
    ]
    return members, weights


def _findings(found: Mapping[str, Any], errors: Mapping[str, MediaError]) -> list[Finding]:
    seen = [finding for each in found.values() for finding in each.findings]
    left_out = [
        Finding(FindingKind.OTHER, detail=f"{name} was left out: {error}")
        for name, error in errors.items()
    ]
    return list(dict.fromkeys([*seen, *left_out]))


def _of(statistics: SpeakerStatistics, member: str) -> SpeakerStatistics | None:
    start = f"{member}/"
    own = [name for name in statistics.moments if name.startswith(start)]
    if not own:
        return None
    return SpeakerStatistics(
        {name.removeprefix(start): statistics.clips[name] for name in own},
        {name.removeprefix(start): statistics.moments[name] for name in own},
    )


def load_predictor(
    path: str | Path, device: str = "auto", batch_size: int | None = None, *, trust: bool = False
) -> Predictor:
    """Load a checkpoint of ``emorec fit`` or ``emorec ensemble``.

    Args:
        path: Such as ``runs/demo/checkpoints/best.ckpt``.
        device: See :meth:`Predictor.from_checkpoint`.
        batch_size: See :class:`Predictor`.
        trust: See :meth:`Predictor.from_checkpoint`.

    Raises:
        CheckpointError: It cannot be loaded, or names foreign classes and is not trusted.
    """
    saved = read_checkpoint(Path(path))
    if KEY not in saved["emorec"]:
        return Predictor.from_saved(load_model(Path(path), saved, trust=trust), device, batch_size)
    members, weights = unpack(saved, Path(path), trust=trust)
    made = {name: Predictor.from_saved(each, device, batch_size) for name, each in members}
    return Ensemble(made, weights)
