"""Soft-HGR correlation that excludes what features share because of the speaker."""

from typing import ClassVar, Literal

import torch
from torch import Tensor
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional.conditional import centre_within
from emorec.objectives.compared import (
    compared_widths,
    make_projections,
    make_scales,
    project_and_scale,
)
from emorec.objectives.hgr import compare_pair, name_terms, stack_pairs, worth_stacking
from emorec.objectives.pairs import PairObjective, Rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class ConditionalSoftHGR(PairObjective):
    """Soft-HGR of features centred within each speaker, so that it cannot reward identity.

    Ours, not the papers': face and voice share above all the speaker's identity, and features of
    identity are the easiest way to correlate them. See
    :func:`emorec.functional.conditional.conditional_soft_hgr`. All pairs are treated alike, also
    those with the label. Rows of unknown speakers are ignored, and a speaker's only row in a batch
    contributes nothing: with few rows per speaker in a batch, little is left to learn from.
    ``scale: calibrated`` also measures the variance between speakers.

    A task sets the speakers (:meth:`set_speakers`) when it trains or validates on a data module.
    If they are not set, as in a test of the loss alone, all rows have one speaker, which is plain
    soft-HGR.

    Args:
        sizes: Feature dimensions, given by the task.
        pairs: This and the following as for :class:`~emorec.objectives.hgr.SoftHGR`.
        weight: Factor in the total loss.
        unbiased: Divide covariances by rows minus speakers (else by rows).
        scale: ``none``, ``calibrated`` or ``learned``.
        projection: Dimension of a linear layer before the comparison.
        rows: ``all`` or ``unlabelled``.
    """

    of_epoch: ClassVar[bool] = True

    speaker_of_clip: Tensor

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        unbiased: bool = True,
        scale: Literal["none", "calibrated", "learned"] = "none",
        projection: int | None = None,
        rows: Rows = "all",
    ) -> None:
        compared = compared_widths(sizes, projection)
        super().__init__(sizes, pairs, weight=weight, compared=compared, rows=rows)
        self.unbiased = unbiased
        self.projections = make_projections(sizes, self.names, projection)
        self.scales = make_scales(self.names, scale)
        # Belongs to the data, not the weights: a checkpoint must fit other data too.
        self.register_buffer("speaker_of_clip", torch.empty(0, dtype=torch.int64), persistent=False)
        self.speakers = 1
        self._groups = self.speaker_of_clip

    @override
    def set_speakers(self, speaker_of_clip: Tensor) -> None:
        """Store each clip's speaker.

        Raises:
            UserError: No clip's speaker is known.
        """
        if not (speaker_of_clip >= 0).any():
            raise UserError(
                "ConditionalSoftHGR needs the speaker of each clip: the group column of a "
                "manifest, or Clip.group of a data module; no clip of this data set has one. Add "
                "it, or use SoftHGR"
            )
        self.speaker_of_clip = speaker_of_clip.to(self.speaker_of_clip.device)
        # An int, not a tensor, which would make the CPU wait for a GPU in each step.
        self.speakers = int(speaker_of_clip.max()) + 1

    @override
    def total(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return -S summed over the pairs."""
        groups = torch.zeros_like(batch.clip)
        if len(self.speaker_of_clip):
            groups = self.speaker_of_clip[batch.clip.clamp(min=0)]
        self._groups = groups.masked_fill(batch.clip < 0, -1)
        features = [bundle.features[name] for name in self.names]
        if not worth_stacking(features, bool(self.projections)):
            return super().total(bundle, batch)
        prepared = {n: self.prepare(n, bundle.features[n], bundle.present[n]) for n in self.names}
        pairs = [
            self._centre(prepared[a], prepared[b], bundle.present[a] & bundle.present[b])
            for a, b in self.pairs
        ]
        terms = stack_pairs(pairs, unbiased=self.unbiased)
        self.parts |= name_terms(self.pairs, terms)
        return -terms[0].sum()

    @override
    def prepare(self, name: str, features: Tensor, rows: Tensor) -> Tensor:
        """Apply the projection and scale, if any."""
        return project_and_scale(name, features, rows, self.projections, self.scales)

    @override
    def compare(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return -S within speakers, and its terms."""
        return compare_pair(*self._centre(f, g, rows), unbiased=self.unbiased)

    def _centre(self, f: Tensor, g: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features centred within speakers over the pair's rows, and those rows."""
        return centre_within(f, g, self._groups, self.speakers, rows, unbiased=self.unbiased)
