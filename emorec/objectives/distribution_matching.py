"""The distributions of two modalities' features are drawn together."""

import torch
from torch import Tensor

from emorec.errors import UserError
from emorec.functional import mmd, sum_over_ranks, world_size
from emorec.objectives.pairs import PairObjective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class MMD(PairObjective):
    """Maximum mean discrepancy between the features of modalities; see ``functional.mmd``.

    Liang et al. 2020 (https://arxiv.org/abs/2009.02598). It compares sets, so which row belongs to
    which does not matter, unlike in soft-HGR. ``negative`` subtracts the discrepancy of features of
    unpaired segments, one modality of some clips and the other of others, as the authors' public
    code does; whether their paper does is not known. How they draw the unpaired ones is not known
    either: here labelled rows are parted by class and unlabelled ones by clip, anew for each batch.

    Args:
        sizes: Widths, given by the task.
        pairs: As for :class:`SoftHGR`.
        weight: Factor in the total loss; beta = 0.1 or 0.3 in the public code.
        negative: Weight of the unpaired term beside the paired one, at least 0; 1 in the public
            code, 0 leaves it out.
        apart: Labelled and unlabelled rows are compared apart, and both values added, as there;
            else all rows together.
        target: Whose labels tell labelled rows from unlabelled ones.
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
                f"negative is at least 0, got {negative}; target is one of "
                f"{', '.join(sizes.outputs)}, got {target!r}"
            )
        self.negative, self.apart, self.target = negative, apart, target
        self.classes = sizes.outputs[target]

    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the discrepancy of one pair."""
        found = mmd(f[rows], g[rows])
        return found, {"mmd": found.detach()}

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the sum over pairs and sources; see the class."""
        labelled = batch.labelled[self.target]
        sources = {"labelled": labelled, "unlabelled": ~labelled}
        if not self.apart:
            sources = {"all": torch.ones_like(labelled)}
        side = self._sides(batch) if self.negative else None
        total = bundle.output.new_zeros(())
        for source, where in sources.items():
            for a, b in self.pairs:
                there_a, there_b = bundle.present[a] & where, bundle.present[b] & where
                value, _ = self.compare(bundle.features[a], bundle.features[b], there_a & there_b)
                name = f"{a}+{b}/mmd" if source == "all" else f"{a}+{b}/mmd_{source}"
                self.parts[name] = value.detach()
                total = total + value
                if side is not None:
                    x = bundle.features[a][there_a & side]
                    apart = mmd(x, bundle.features[b][there_b & ~side])
                    self.parts[name.replace("/mmd", "/unpaired")] = apart.detach()
                    total = total - self.negative * apart
        return total

    def _sides(self, batch: SegmentBatch) -> Tensor:
        """Return bool (B,): the side of each row, half of the classes on each; alike on ranks."""
        device = batch.clip.device
        seed = torch.zeros((), dtype=torch.long, device=device)
        if self.training:
            drawn = torch.randint(2**16, (), device=device)
            first = world_size() == 1 or torch.distributed.get_rank() == 0
            seed = sum_over_ranks(drawn * first)
        order = _mixed(2 * torch.arange(self.classes, device=device) + 1, seed).argsort()
        upper = torch.zeros(self.classes, dtype=torch.bool, device=device)
        upper[order[: self.classes // 2]] = True
        target = batch.targets[self.target]
        target = target.argmax(-1) if target.is_floating_point() else target
        by_clip = _mixed(2 * batch.clip, seed) % 2 == 1
        return torch.where(batch.labelled[self.target], upper[target], by_clip)


def _mixed(numbers: Tensor, seed: Tensor) -> Tensor:
    """Return 16 bits that look random, the same for the same number and seed (Knuth's hash)."""
    mixed = ((numbers + 65537 * seed) * 2654435761) % 2**32
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) % 2**32
    return mixed >> 16
