"""How a trained model does where a modality is missing."""

import hashlib
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.errors import UserError
from emorec.metrics import ClipVote, clip_metrics
from emorec.tasks import ClassificationTask
from emorec.types import Clip, FeatureBundle, SegmentBatch

EITHER = "either"


class MissingModality(Callback):
    """Tests again with features of a modality set to zero in a share of the test clips.

    Ma et al. 2020, figure 7: the trained model is unchanged, and the feature vector of a missing
    modality is replaced by zeros before the fusion. One case a modality, and ``either``: each is
    missing with an equal part of the rate, never two at once (the paper's "both at half the rate
    each"). A modality that is a row's only one stays. The paper does not state what is drawn; here
    it is whole clips or single segments, from (seed, id, window) alone, and a smaller rate is a
    part of a larger one.

    Args:
        rates: Shares to try, 0 to 1, such as the paper's 0.2, 0.5, 0.8; none: nothing is done.
        unit: What loses a modality: whole clips (a camera that failed), or segments.
        seed: Another seed, other clips.

    Attributes:
        results: Case -> rate -> clip-level metrics of the fused output, of the last test.
    """

    def __init__(
        self,
        rates: list[float] | None = None,
        unit: Literal["clip", "segment"] = "clip",
        seed: int = 0,
    ) -> None:
        self.rates, self.unit, self.seed = sorted(set(rates or [])), unit, seed
        if any(not 0 <= rate <= 1 for rate in self.rates):
            raise UserError(f"missing.rates are shares from 0 to 1, got {rates}")
        self.results: dict[str, dict[float, dict[str, Any]]] = {}
        self._votes: dict[tuple[str, float], ClipVote] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse what cannot be done, before training.

        Raises:
            UserError: Rates are given, and the task has no classes.
        """
        if self.rates and not isinstance(pl_module, ClassificationTask):
            raise UserError(
                "missing.rates tests classes without a modality; this task has none: leave it out"
            )

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting, if the weights are of a model that fuses."""
        self._votes = {}
        task = pl_module
        if not isinstance(task, ClassificationTask) or len(task.shown) < 2:
            return
        for case in (*task.shown, EITHER):
            for rate in self.rates:
                self._votes[case, rate] = ClipVote().to(task.device)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Fuse again without the features that are missing."""
        if not self._votes:
            return
        assert isinstance(pl_module, ClassificationTask)
        data: Any = getattr(trainer, "datamodule", None)
        chance = self._chance(batch, data.all_clips)
        target = batch.targets[pl_module.target]
        target = target.masked_fill(~batch.labelled[pl_module.target], -1)
        for (case, rate), vote in self._votes.items():
            bundle = _without(outputs, self._lost(case, rate, chance, pl_module.shown), pl_module)
            rows = bundle.present["fused"]
            scores = bundle.output.float().softmax(-1)
            vote.update(scores[rows], target[rows], batch.clip[rows], batch.index[rows])

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Decide and keep the metrics."""
        if not self._votes:
            return
        assert isinstance(pl_module, ClassificationTask)
        self.results = {}
        for (case, rate), vote in self._votes.items():
            metrics = clip_metrics(vote.compute(), len(pl_module.classes))
            self.results.setdefault(case, {})[rate] = {
                "clips": metrics.clips,
                "accuracy": metrics.accuracy,
                "uar": metrics.uar,
                "macro_f1": metrics.macro_f1,
            }

    def _lost(
        self, case: str, rate: float, chance: Tensor, modalities: list[str]
    ) -> dict[str, Tensor]:
        """Return modality -> bool (B,), where it is missing."""
        if case != EITHER:
            return {case: chance < rate}
        part = rate / len(modalities)
        return {
            name: (chance >= i * part) & (chance < (i + 1) * part)
            for i, name in enumerate(modalities)
        }

    def _chance(self, batch: SegmentBatch, clips: list[Clip]) -> Tensor:
        """Return a number in [0, 1) for each row, the same wherever and whenever it is drawn."""
        keys = [
            f"{self.seed}\0{clips[clip].id if clip >= 0 else ''}"
            + (f"\0{index}" if self.unit == "segment" else "")
            for clip, index in zip(batch.clip.tolist(), batch.index.tolist(), strict=True)
        ]
        drawn = [int.from_bytes(hashlib.blake2b(k.encode(), digest_size=6).digest()) for k in keys]
        return torch.tensor(drawn, dtype=torch.float64, device=batch.clip.device) / 2**48


def _without(
    bundle: FeatureBundle, lost: dict[str, Tensor], task: ClassificationTask
) -> FeatureBundle:
    """Return the bundle as it is without some modalities, where another one is left."""
    names = sorted(task.encoders)
    features = {name: bundle.features[name] for name in names}
    present = {name: bundle.present[name] for name in names}
    for name, rows in lost.items():
        others = torch.stack([bundle.present[n] for n in names if n != name]).any(0)
        gone = rows & others
        wide = gone.view(-1, *[1] * (features[name].ndim - 1))
        features[name] = features[name].masked_fill(wide, 0)
        present[name] = present[name] & ~gone
    return task.fuse(features, present)
