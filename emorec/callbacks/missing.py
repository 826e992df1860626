"""Tests a trained model with missing modalities."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.errors import UserError
from emorec.evaluation.clips import clip_metrics
from emorec.evaluation.gather import ClipVote
from emorec.model import EmotionModel
from emorec.system.files import digest
from emorec.tasks import task_of
from emorec.types import Classes, DataPart, FeatureBundle

EITHER = "either"


class MissingModality(Callback):
    """Tests again with a modality's features set to zero in a share of the test clips.

    Ma et al. 2020, figure 7: the trained model is unchanged, and the feature vector of a missing
    modality is replaced by zeros before the fusion. One case per modality, and ``either``: each is
    missing in an equal part of the share, never two at once (the paper's "both at half the rate
    each"). A row's only modality is kept. The paper does not state what is sampled; here it is
    whole clips or single segments: exactly the share of the labelled ones that have another
    modality, in an order determined by (seed, id, window), so that smaller shares are subsets of
    larger ones. The results include the actual share of all labelled ones.

    Args:
        rates: Shares to test, 0 to 1, such as the paper's 0.2, 0.5, 0.8; None or empty: no test.
        unit: What loses a modality: whole clips (as if a camera failed), or segments.
        seed: Seed of the order.

    Attributes:
        results: Case -> rate -> clip-level metrics of the fused output in the last test, and
            ``share``: the share of labelled clips (or segments) that lost a modality, 0 to 1.
    """

    def __init__(
        self,
        rates: list[float] | None = None,
        unit: Literal["clip", "segment"] = "clip",
        seed: int = 0,
    ) -> None:
        self.rates, self.unit, self.seed = sorted(set(rates or [])), unit, seed
        if any(not 0 <= rate <= 1 for rate in self.rates):
            raise UserError(f"missing.rates must be shares from 0 to 1, got {rates}")
        self.results: dict[str, dict[float, dict[str, Any]]] = {}
        self._votes: dict[tuple[str, float], ClipVote] = {}
        # Case -> (clip,) or (clip, window) -> its position among those that can lose a modality,
        # and which one it loses.
        self._order: dict[str, dict[tuple[int, ...], tuple[int, str]]] = {}
        self._count = 0  # of all labelled clips or segments

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check before training that the test is possible.

        Raises:
            UserError: Rates are given, but the task has no classes.
        """
        if self.rates and not isinstance(task_of(pl_module).model.target, Classes):
            raise UserError(
                "missing.rates needs a task with classes, which this task does not have: remove it"
            )

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prepare the cases, if at least two modalities are active."""
        self._votes = {}
        task = task_of(pl_module)
        model = task.model
        modalities = model.modalities
        if not self.rates or len(modalities) < 2:
            return
        self._order, self._count = self._draw(task.data.parts["test"], model)
        for case in (*modalities, EITHER):
            for rate in self.rates:
                self._votes[case, rate] = ClipVote().to(pl_module.device)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Fuse again without the missing features."""
        if not self._votes:
            return
        model = task_of(pl_module).model
        pairs = zip(batch.clip.tolist(), batch.index.tolist(), strict=True)
        keys = [self._key(clip, window) for clip, window in pairs]
        target = batch.classes(model.target_name)
        for (case, rate), vote in self._votes.items():
            lost = self._lost(case, rate, keys, batch.clip.device)
            bundle = _without(outputs, lost, model)
            rows = bundle.present["fused"]
            scores = model.decision.link(bundle.output)
            vote.update(scores[rows], target[rows], batch.clip[rows], batch.index[rows])

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Decide the clips and store the metrics."""
        if not self._votes:
            return
        target = task_of(pl_module).model.target
        self.results = {}
        for (case, rate), vote in self._votes.items():
            metrics = clip_metrics(vote.compute(), len(target))
            self.results.setdefault(case, {})[rate] = {
                "clips": metrics.clips,
                **metrics.scores,
                "share": self._lost_count(case, rate) / self._count if self._count else None,
            }

    def _lost_count(self, case: str, rate: float) -> int:
        """Return how many clips or segments lose a modality."""
        return round(rate * len(self._order[case]))

    def _lost(
        self, case: str, rate: float, keys: Sequence[tuple[int, ...]], device: torch.device
    ) -> dict[str, Tensor]:
        """Return modality -> bool (B,), rows that lose it."""
        count, order = self._lost_count(case, rate), self._order[case]
        lost = [
            name if position < count else ""
            for position, name in (order.get(k, (count, "")) for k in keys)
        ]
        return {
            name: torch.tensor([each == name for each in lost], device=device)
            for name in sorted({name for _, name in order.values()})
        }

    def _key(self, clip: int, window: int) -> tuple[int, ...]:
        return (clip,) if self.unit == "clip" else (clip, window)

    def _draw(
        self, data: DataPart, model: EmotionModel
    ) -> tuple[dict[str, dict[tuple[int, ...], tuple[int, str]]], int]:
        """Return the order of all that can lose a modality, and how many are labelled."""
        modalities = model.modalities
        removable: dict[tuple[int, ...], set[str]] = {}  # present together with another one
        for clip, window in data.items:
            if model.target_name in data.labels[clip]:
                present = {name for name in modalities if data.present[clip][name][window]}
                key = self._key(clip, window)
                more = present if len(present) > 1 else set()
                removable[key] = removable.get(key, set()) | more
        keys = sorted(removable, key=lambda key: self._rank(data.ids[key[0]], key[1:]))
        order: dict[str, dict[tuple[int, ...], tuple[int, str]]] = {
            name: {
                key: (position, name)
                for position, key in enumerate(key for key in keys if name in removable[key])
            }
            for name in modalities
        }
        order[EITHER], counts = {}, dict.fromkeys(sorted(modalities), 0)
        for key in keys:
            if removable[key]:  # in turns, so that each has an equal part of any share
                name = min((n for n in counts if n in removable[key]), key=counts.__getitem__)
                counts[name] += 1
                order[EITHER][key] = len(order[EITHER]), name
        return order, len(removable)

    def _rank(self, clip_id: str, window: tuple[int, ...]) -> bytes:
        """Return a sort key that depends only on seed, clip and window."""
        content = "\0".join([str(self.seed), clip_id, *map(str, window)])
        return digest(content, 16)


def _without(bundle: FeatureBundle, lost: dict[str, Tensor], model: EmotionModel) -> FeatureBundle:
    """Return the bundle without the lost modalities, except a row's only one."""
    removed = {}
    for name, rows in lost.items():
        others = [bundle.present[n] for n in model.encoders if model.reads[n] != name]
        removed[name] = rows & torch.stack(others).any(0)
    return model.without(bundle, removed)
