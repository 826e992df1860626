"""Self-attention over the steps of a sequence, before another encoder."""

import math

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError


class TransformerSequenceEncoder(Encoder):
    """A transformer encoder over the steps of a sequence, followed by another encoder.

    Liang et al. 2020 (https://arxiv.org/abs/2009.02598) put one of 2 layers and 4 heads before
    the convolutions of their lexical encoder and, as a variant, one of 2 layers and 3 heads before
    those of the visual one. As in the authors' public code: model dimension as the input, four
    times that in the feed-forward layers, pre-norm with a final norm, no dropout; the input is
    multiplied by the square root of its dimension, plus sinusoidal position encodings (Vaswani et
    al. 2017, https://arxiv.org/abs/1706.03762, section 3.5).

    All-zero steps are padding: no other step attends to them, and their output is zero.

    Args:
        encoder: Reads the output, of the same shape as the input, such as a ConvSequenceEncoder.
        inputs: Input features per step.
        heads: Attention heads.
        layers: Transformer layers.
        feedforward: Hidden units of each feed-forward block; None: 4 x ``inputs``.
        dropout: Dropout probability, 0 to 1.

    Raises:
        UserError: ``inputs`` is not a multiple of ``heads``, or a size is below 1.
    """

    def __init__(
        self,
        encoder: Encoder,
        inputs: int = 1024,
        heads: int = 4,
        layers: int = 2,
        *,
        feedforward: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        units = 4 * inputs if feedforward is None else feedforward
        if min(inputs, heads, layers, units) < 1 or inputs % heads or not 0 <= dropout <= 1:
            raise UserError(
                "TransformerSequenceEncoder needs inputs that are a multiple of heads, layers and "
                f"feedforward of at least 1 and dropout from 0 to 1; got inputs {inputs}, heads "
                f"{heads}, layers {layers}, feedforward {feedforward}, dropout {dropout}"
            )
        layer = nn.TransformerEncoderLayer(
            inputs, heads, units, dropout, batch_first=True, norm_first=True
        )
        # A nested tensor's output would be cut to the longest row of the batch.
        self.transformer = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(inputs), enable_nested_tensor=False
        )
        self.encoder, self.inputs, self.dim = encoder, inputs, encoder.dim

    @override
    def forward(self, x: Tensor) -> Tensor:
        r"""Return features (B, \*T, dim) of standardised sequences (B, steps, inputs).

        Raises:
            UserError: The shape of the input is not (B, steps, inputs).
        """
        if x.ndim != 3 or x.shape[2] != self.inputs:
            raise UserError(
                f"TransformerSequenceEncoder reads sequences of steps x inputs, inputs: "
                f"{self.inputs}, but the data has {' x '.join(map(str, x.shape[1:]))} per window"
            )
        padded = (x == 0).all(2)
        positions = sinusoids(x.shape[1], self.inputs, x.device).to(x.dtype)
        attended = self.transformer(
            x * math.sqrt(self.inputs) + positions,
            # A row of only padding attends to all of it: a softmax over nothing is NaN.
            src_key_padding_mask=padded & ~padded.all(1, keepdim=True),
        )
        features: Tensor = self.encoder(attended.masked_fill(padded.unsqueeze(2), 0))
        return features

    @override
    def check_weights(self) -> None:
        """Check the weights of the inner encoder."""
        self.encoder.check_weights()

    @override
    def load_initial_weights(self) -> None:
        """Read the weights of the inner encoder."""
        self.encoder.load_initial_weights()


def sinusoids(steps: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return position encodings, float32 (steps, width), on the given device.

    Sine in even columns and cosine in odd ones, with wavelengths from 2 pi to 20 000 pi steps:
    Vaswani et al. 2017, section 3.5.
    """
    column = torch.arange(width, device=device)
    angle = torch.arange(steps, device=device).unsqueeze(1) / 10000 ** (column // 2 * 2 / width)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())
