"""Matches the feature distributions of two modalities."""

import torch
from torch import Tensor
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import mmd, sum_over_ranks, world_size
from emorec.objectives.pairs import PairObjective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class MMD(PairObjective):
    """Maximum mean discrepancy between the features of modalities; see ``functional.mmd``.

    Liang et al. 2020 (https://arxiv.org/abs/2009.02598). Unlike soft-HGR it compares sets, without
    pairing their rows. ``negative`` subtracts the discrepancy of unpaired segments, one modality
    from some clips and the other from others, as in the authors' public code; we do not know
    whether the paper does, nor how they draw unpaired segments: here labelled rows are split by
    class and unlabelled ones by clip, anew for each batch.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss; beta = 0.1 or 0.3 in the public code.
        negative: Weight of the unpaired term relative to the paired one, at least 0; 1 in the
            public code, 0 disables it.
        apart: Compare labelled and unlabelled rows separately and add both values, as in the
            public code; else all rows together.
        target: Target that decides which rows are labelled.
    """

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 0.1,
        negative: float = 0.0,
        apart: bool = False,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, pairs, weight=weight)
        if negative < 0 or target not in sizes.outputs:
            raise UserError(
                f"negative must be at least 0, got {negative}; target must be one of "
                f"{', '.join(sizes.outputs)}, got {target!r}"
            )
        self.negative, self.apart, self.target = negative, apart, target
        self.classes = sizes.outputs[target]

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the discrepancy of one pair."""
        value = mmd(f[rows], g[rows])
        return value, {"mmd": value.detach()}

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        labelled = batch.labelled[self.target]
        sources = {"labelled": labelled, "unlabelled": ~labelled}
        if not self.apart:
            sources = {"all": torch.ones_like(labelled)}
        side = self._sides(batch) if self.negative else None
        total = bundle.output.new_zeros(())
        for source, rows in sources.items():
            for a, b in self.pairs:
                rows_a, rows_b = bundle.present[a] & rows, bundle.present[b] & rows
                value, _ = self.compare(bundle.features[a], bundle.features[b], rows_a & rows_b)
                name = f"{a}+{b}/mmd" if source == "all" else f"{a}+{b}/mmd_{source}"
                self.parts[name] = value.detach()
                total = total + value
                if side is not None:
                    x = bundle.features[a][rows_a & side]
                    unpaired = mmd(x, bundle.features[b][rows_b & ~side])
                    self.parts[name.replace("/mmd", "/unpaired")] = unpaired.detach()
                    total = total - self.negative * unpaired
        return total

    def _sides(self, batch: SegmentBatch) -> Tensor:
        """Return bool (B,): each row's side, half of the classes on each; equal on all ranks."""
        device = batch.clip.device
        seed = torch.zeros((), dtype=torch.long, device=device)
        if self.training:
            drawn = torch.randint(2**16, (), device=device)
            first = world_size() == 1 or torch.distributed.get_rank() == 0
            seed = sum_over_ranks(drawn * first)
        order = _hash(2 * torch.arange(self.classes, device=device) + 1, seed).argsort()
        upper = torch.zeros(self.classes, dtype=torch.bool, device=device)
        upper[order[: self.classes // 2]] = True
        target = batch.targets[self.target]
        target = target.argmax(-1) if target.is_floating_point() else target
        by_clip = _hash(2 * batch.clip, seed) % 2 == 1
        return torch.where(batch.labelled[self.target], upper[target], by_clip)


def _hash(numbers: Tensor, seed: Tensor) -> Tensor:
    """Return a 16-bit hash of each number and the seed (Knuth's multiplicative hash)."""
    hashed = ((numbers + 65537 * seed) * 2654435761) % 2**32
    hashed = ((hashed ^ (hashed >> 15)) * 2246822519) % 2**32
    return hashed >> 16
