"""How much the features of two modalities have in common, on validation clips."""

from itertools import combinations
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.functional import hgr_spectrum, sum_over_ranks
from emorec.types import FeatureBundle

Kept = tuple[Tensor, Tensor]


class Spectrum(Callback):
    """Logs the estimated HGR singular values of each pair of encoded features after validation.

    ``val/spectrum/audio+face/1`` is the largest canonical correlation of the two feature sets,
    ``/2`` the next, and so on; unlike S they do not depend on the features' scale, and unlike the
    loss they are measured on clips that were not trained on. With the label's features they say
    how well the class can be read off linearly.

    Args:
        count: How many singular values; five is what six classes can share with anything.
        components: How many leading principal directions of each set are compared at most, and
            never more than one for ten segments: with all 512, a few hundred segments would
            correlate perfectly whatever they show.
    """

    def __init__(self, count: int = 5, components: int = 16) -> None:
        self.count, self.components = count, components
        self.kept: dict[str, list[Kept]] = {}

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget what an earlier validation kept."""
        self.kept = {}

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch's features."""
        if isinstance(outputs, FeatureBundle):
            for name, features in outputs.features.items():
                if name != "fused" and features.ndim == 2:
                    kept = features.detach().float(), outputs.present[name]
                    self.kept.setdefault(name, []).append(kept)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log; pairs that never occur together are left out."""
        sets = {name: [torch.cat(p) for p in zip(*v, strict=True)] for name, v in self.kept.items()}
        for a, b in combinations(sorted(sets), 2):
            (f, there_f), (g, there_g) = sets[a], sets[b]
            rows = there_f & there_g
            components = min(self.components, int(sum_over_ranks(rows.sum())) // 10)
            if components > 0:
                sigma = hgr_spectrum(f, g, rows, components=components)[: self.count].float()
                numbered = enumerate(sigma, start=1)
                pl_module.log_dict({f"val/spectrum/{a}+{b}/{i}": s for i, s in numbered})
        self.kept = {}
