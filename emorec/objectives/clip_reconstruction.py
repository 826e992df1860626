"""The decoder of a 3-D auto-encoder of face clips."""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.modules.batchnorm import _BatchNorm
from typing_extensions import override

from emorec.errors import UserError
from emorec.networks.volume import channels, convolution, normed
from emorec.objectives.base import Objective, mean_over_rows
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class ClipReconstruction(Objective):
    """Binary cross-entropy between a clip of a face and what a decoder makes of its code.

    The decoder of the public code of Kim et al. 2017 (``s3dae.py``), from the side ``map`` of
    :class:`~emorec.encoders.S3DAE`: three times doubled in each direction, with 3 x 3 x 3
    convolutions, batch norm and ReLU, at last a sigmoid. The loss is the mean over pixels, and over
    all clips that have the modality, with a label or without; with every clip labelled that is the
    public code's. Its part in a semi-supervised training is ours: the paper's abstract names it,
    the released script has only the labelled case.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: Name of the encoder.
        frames: As of the encoder.
        size: As of the encoder.
        width: As of the encoder.
        weight: Factor in the total loss.

    Raises:
        UserError: There is no such encoder with a map, or the sizes do not fit it.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        frames: int = 40,
        size: int = 112,
        width: float = 1.0,
        *,
        weight: float = 0.7,
    ) -> None:
        super().__init__(sizes, weight=weight)
        self.feature, self.code = feature, f"{feature}-map"
        a, b, c = channels(width, 32, 64, 128)
        self.shape = (c, frames // 8, size // 8, size // 8)
        expected, got = torch.Size(self.shape).numel(), sizes.features.get(self.code)
        if got != expected:
            raise UserError(
                f"ClipReconstruction of {feature!r} needs the encoder S3DAE with the same frames, "
                f"size and width: a map of {expected} values, got {got or 'none'}"
            )
        self.decoder = nn.Sequential(
            nn.Upsample(scale_factor=2.0),
            *normed(c, c),
            *normed(c, b),
            nn.Upsample(scale_factor=2.0),
            *normed(b, a),
            nn.Upsample(scale_factor=2.0),
            convolution(a, 1),
            nn.BatchNorm3d(1),
        )

    def decode(self, code: Tensor) -> Tensor:
        """Return logits of the pixels, (B, frames, 1, size, size), from maps (B, values)."""
        decoded: Tensor = self.decoder(code.view(len(code), *self.shape))
        return decoded.transpose(1, 2)

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss.

        Raises:
            UserError: The clips have another size than the decoder's.
        """
        code, rows = bundle.features[self.code], bundle.present[self.code]
        read = bundle.inputs.get(self.feature)
        if read is None:  # the modality is not active in this stage
            return 0 * code.sum()
        norms = [m for m in self.decoder.modules() if isinstance(m, _BatchNorm) and m.training]
        plain = [norm for norm in norms if not isinstance(norm, nn.SyncBatchNorm)]
        if rows.any():  # statistics of clips that are there
            decoded, read = self.decode(code[rows]), read[rows]
        else:  # without any, none; over ranks, nothing is added to those of the others
            for norm in plain:
                norm.eval()
            decoded = self.decode(code[:0] if norms and not plain else code)
            for norm in plain:
                norm.train()
            return 0 * decoded.sum() + mean_over_rows(code.sum(1) * 0, rows)
        if decoded.shape != read.shape:
            raise UserError(
                f"ClipReconstruction makes {tuple(decoded.shape[1:])} of {self.feature}, which is "
                f"{tuple(read.shape[1:])}: set its frames and size to those of FaceClip"
            )
        losses = binary_cross_entropy_with_logits(
            decoded.float(), read.detach().float().clamp(0, 1), reduction="none"
        )
        return mean_over_rows(losses.flatten(1).mean(1), torch.ones_like(rows[rows]))
