"""Says where a loss on pairs of features cannot work."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from torch import Tensor

from emorec.callbacks.averaging import stage_of
from emorec.callbacks.spectrum import by_clip
from emorec.callbacks.staged import StagedTraining
from emorec.functional import world_size
from emorec.model import EmotionModel
from emorec.objectives import SoftHGR
from emorec.objectives.pairs import PairObjective
from emorec.tasks import data_of, task_of
from emorec.types import FeatureBundle

Kept = tuple[Tensor, Tensor, Tensor, Tensor]
"""Both features of a pair (B, k), bool (B,) where both are present, and each row's clip, (B,)."""

LEAST = 30  # validation clips, to judge by
PAGE = "docs/common_information.md explains it"


class CommonInformation(Callback):
    """Warns where the correlation of features, or another loss on pairs of them, cannot work.

    At the start of a stage: soft-HGR of more features than a batch has rows, where pairs that share
    nothing reach as high an S as pairs that do. After the last validation of a stage, for each pair
    of modalities: features that are (almost) constant, and features whose canonical correlations on
    validation clips are within those of the same features with clips exchanged at random. A clip is
    one row, the mean of its windows; fewer than :data:`LEAST` are not judged by.

    Args:
        permutations: Exchanges of the null.
        components: Leading principal components that are compared; one per ten clips at most.
    """

    def __init__(self, permutations: int = 199, components: int = 16) -> None:
        self.permutations, self.components = permutations, components
        self.stage = ""
        self._kept: dict[str, list[Kept]] = {}

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare features with rows of a batch, once a stage."""
        stage, data = stage_of(trainer), data_of(trainer)
        if stage == self.stage or data is None:
            return
        self.stage = stage
        rows = int(getattr(data, "batch_size", 0)) * world_size()
        for name, objective in _of_pairs(task_of(pl_module).model).items():
            width = max(objective.widths.values(), default=0)
            if isinstance(objective, SoftHGR) and 0 < rows < width:
                rank_zero_warn(
                    f"stage {stage}, objective {name}: soft-HGR of {width} features in batches of "
                    f"{rows} rows: with fewer rows than features any pairs correlate perfectly, "
                    "also those that share nothing. Encoders of 8 to 16 features and batches of "
                    f"hundreds of rows find more; {PAGE}"
                )

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Drop what an earlier validation collected."""
        self._kept = {}

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the pairs of modalities, in the last epoch of a stage."""
        if not isinstance(outputs, FeatureBundle) or not _is_last(trainer):
            return
        model = task_of(pl_module).model
        pairs = {pair for objective in _of_pairs(model).values() for pair in objective.pairs}
        for a, b in sorted(pairs):
            f, g = outputs.features.get(a), outputs.features.get(b)
            if f is None or g is None or {a, b} - set(model.encoders) or f.ndim != 2:
                continue
            rows = outputs.present[a] & outputs.present[b]
            kept = f.detach().float(), g.detach().float(), rows, batch.clip
            self._kept.setdefault(f"{a}+{b}", []).append(kept)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare the correlations with their null."""
        data = data_of(trainer)
        if data is None:
            return
        for pair, kept in self._kept.items():
            f, g, rows, clip = (torch.cat(each) for each in zip(*kept, strict=True))
            f, g = by_clip(f, g, clip, rows, len(data.all_clips))
            self._judge(pair, f, g)
        self._kept = {}

    def _judge(self, pair: str, f: Tensor, g: Tensor) -> None:
        if len(f) < LEAST:
            return
        for name, x in zip(pair.split("+"), (f, g), strict=True):
            if x.var(0).sum() < 1e-8:
                rank_zero_warn(
                    f"stage {self.stage}: the features of {name} are the same for all validation "
                    "clips: near 0 the gradient of a correlation vanishes. Start from pre-trained "
                    f"or classifying encoders, or use scale: calibrated; {PAGE}"
                )
                return
        count = min(self.components, len(f) // 10)
        s, chance = common(f, g, count, self.permutations)
        share = (1 + int((chance >= s).sum())) / (1 + len(chance))
        words = f"S {s:.2f} on {len(f)} validation clips, {chance.median():.2f} by chance"
        if share > 0.05:
            rank_zero_warn(
                f"stage {self.stage}: {pair} share nothing that can be measured ({words}, "
                f"p {share:.2f}): a loss on this pair cannot help. Let encoders see something "
                "first (pre-trained weights, or a stage of classification), use fewer features, "
                f"or leave the loss out; {PAGE}"
            )
        else:
            rank_zero_info(f"stage {self.stage}: {pair} share {words}, p {share:.3f}")


def common(f: Tensor, g: Tensor, components: int, permutations: int) -> tuple[float, Tensor]:
    """Return half the squared canonical correlations, summed, and the same of exchanged rows.

    Args:
        f: (n, k) features.
        g: (n, m) features of the same rows.
        components: Leading principal components of each that are compared.
        permutations: Random exchanges.

    Returns:
        S of the best linear maps, and (permutations,) of the null, float64.
    """
    bases = []
    for x in (f.double(), g.double()):
        u, s, _ = torch.linalg.svd(x - x.mean(0), full_matrices=False)
        bases.append(u[:, : min(components, int((s > 1e-7 * s[0]).sum()))])
    left, right = bases
    random = torch.Generator().manual_seed(0)

    def half(other: Tensor) -> float:
        return float((left.T @ other).square().sum()) / 2

    orders = (torch.randperm(len(right), generator=random) for _ in range(permutations))
    null = [half(right[order.to(right.device)]) for order in orders]
    return half(right), torch.tensor(null, dtype=torch.float64)


def _of_pairs(model: EmotionModel) -> dict[str, PairObjective]:
    """Return the active objectives on pairs of features, by name."""
    active = {n: model.objective(n) for n, w in model.in_force.objectives.items() if w != 0}
    return {name: each for name, each in active.items() if isinstance(each, PairObjective)}


def _is_last(trainer: Trainer) -> bool:
    """Return whether training is in the last epoch of a stage."""
    if trainer.state.fn != TrainerFn.FITTING or trainer.sanity_checking:
        return False
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, StagedTraining):
            name, first = callback.stage_at(trainer.current_epoch)
            return trainer.current_epoch + 1 == first + callback.length(name)
    return False
