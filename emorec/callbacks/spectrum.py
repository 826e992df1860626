"""Correlation between the features of modalities on validation clips."""

from itertools import combinations
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.functional import hgr_spectrum, sum_over_ranks
from emorec.tasks import data_of, task_of
from emorec.types import FeatureBundle

Kept = tuple[Tensor, Tensor, Tensor]
"""Features (B, D), bool (B,) where they are present, and position of each row's clip, (B,)."""


class Spectrum(Callback):
    """Logs the estimated HGR singular values of each pair of encoded features after validation.

    ``val/spectrum/audio+face/1`` is the largest canonical correlation of the two feature sets,
    ``/2`` the next, and so on; unlike S they do not depend on the features' scale, and unlike the
    loss they are measured on clips not used for training. With the label's features they measure
    how linearly separable the classes are.

    A clip is one row, the mean of its windows where both features are present: windows of a clip
    are similar and must not count as separate observations.
    ``val/spectrum/audio+face/permuted/1`` is the same for pairs from different clips: the chance
    level for as many pairs.

    Args:
        count: Number of singular values; six classes can share at most five with anything.
        components: Maximum number of leading principal components of each set, and never more than
            one per ten clips: with all 512, a few hundred clips would correlate perfectly whatever
            they show.
    """

    def __init__(self, count: int = 5, components: int = 16) -> None:
        self.count, self.components = count, components
        self.kept: dict[str, list[Kept]] = {}

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Drop what an earlier validation collected."""
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
        """Collect the batch's features."""
        if isinstance(outputs, FeatureBundle):
            # Maps on an encoder's way have thousands of dimensions, and say what it says.
            others = {"fused", *task_of(pl_module).model.sides}
            for name, features in outputs.features.items():
                if name not in others and features.ndim == 2:
                    kept = features.detach().float(), outputs.present[name], batch.clip
                    self.kept.setdefault(name, []).append(kept)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the values, except of pairs that never occur together."""
        data = data_of(trainer)
        if data is None:
            return
        sets = {name: [torch.cat(p) for p in zip(*v, strict=True)] for name, v in self.kept.items()}
        for a, b in combinations(sorted(sets), 2):
            (f, present_f, clip), (g, present_g, _) = sets[a], sets[b]
            f, g = by_clip(f, g, clip, present_f & present_g, len(data.all_clips))
            components = min(self.components, len(f) // 10)
            if components == 0:
                continue
            # A random order, as lists of clips are periodic (each speaker says the same sentences).
            order = torch.randperm(len(g), generator=torch.Generator().manual_seed(0))
            for name, paired in (("", g), ("permuted/", g[order.to(g.device)])):
                sigma = hgr_spectrum(f, paired, components=components)[: self.count].float()
                numbered = enumerate(sigma, start=1)
                pl_module.log_dict({f"val/spectrum/{a}+{b}/{name}{i}": s for i, s in numbered})
        self.kept = {}


def by_clip(f: Tensor, g: Tensor, clip: Tensor, rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the mean of each clip's valid rows, over all ranks: (clips, D) of both sets.

    Args:
        f: (B, k).
        g: (B, m).
        clip: int64 (B,), positions of clips.
        rows: bool (B,), the valid rows.
        count: Number of clips of the data module.
    """
    local = torch.cat([f, g, torch.ones_like(f[:, :1])], 1)[rows].double()
    total = local.new_zeros(count, local.shape[1]).index_add_(0, clip[rows], local)
    total = sum_over_ranks(total)
    total = total[total[:, -1] > 0]
    mean = total[:, :-1] / total[:, -1:]
    return mean[:, : f.shape[1]], mean[:, f.shape[1] :]
