"""Self-attention over the steps of a sequence, before another encoder reads them."""

import math

import torch
from torch import Tensor, nn

from emorec.encoders.base import Encoder
from emorec.errors import UserError


class TransformerSequenceEncoder(Encoder):
    """A transformer encoder over the steps of a sequence, and another encoder after it.

    Liang et al. 2020 (https://arxiv.org/abs/2009.02598) have one of 2 layers and 4 heads before
    the convolutions of their lexical encoder and, as a variant, one of 2 layers and 3 heads before
    those of the visual one. As in the authors' public code: layers as wide as the input, four times
    that in between, normalised before each part and once at the end, without dropout; the input is
    multiplied by the root of its width and gets sinusoidal codes of position (Vaswani et al. 2017,
    https://arxiv.org/abs/1706.03762, section 3.5).

    Steps of zeros only are padding: no other step attends to them, and they come out as zeros.

    Args:
        encoder: Reads what comes out, of the shape that came in, such as a ConvSequenceEncoder.
        inputs: Features a step.
        heads: Of the attention.
        layers: Of the transformer.
        feedforward: Units between the two fully connected layers of each; None: 4 x ``inputs``.
        dropout: Share of values left out in training, 0 to 1.

    Raises:
        UserError: ``inputs`` is no multiple of ``heads``, or a size is below 1.
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
        # A nested tensor would come back as long as the longest row of the batch.
        self.transformer = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(inputs), enable_nested_tensor=False
        )
        self.encoder, self.inputs, self.dim = encoder, inputs, encoder.dim

    def forward(self, x: Tensor) -> Tensor:
        r"""Return features (B, \*T, dim) of standardised sequences (B, steps, inputs).

        Raises:
            UserError: The input has another shape.
        """
        if x.ndim != 3 or x.shape[2] != self.inputs:
            raise UserError(
                f"TransformerSequenceEncoder reads sequences of steps x inputs, inputs: "
                f"{self.inputs}, but the data brings {' x '.join(map(str, x.shape[1:]))} a window"
            )
        padded = (x == 0).all(2)
        places = sinusoids(x.shape[1], self.inputs, x.device).to(x.dtype)
        attended = self.transformer(
            x * math.sqrt(self.inputs) + places,
            # A row of padding alone attends to all of it.
            src_key_padding_mask=padded & ~padded.all(1, keepdim=True),
        )
        features: Tensor = self.encoder(attended.masked_fill(padded.unsqueeze(2), 0))
        return features

    def check_weights(self) -> None:
        """Check the weights of the encoder behind."""
        self.encoder.check_weights()

    def load_initial_weights(self) -> None:
        """Read the weights of the encoder behind."""
        self.encoder.load_initial_weights()


def sinusoids(steps: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return codes of position, float32 (steps, width), made on the device where they are used.

    Sine in even columns and cosine in odd ones, of wavelengths from 2 pi to 20 000 pi steps:
    Vaswani et al. 2017, section 3.5.
    """
    column = torch.arange(width, device=device)
    angle = torch.arange(steps, device=device).unsqueeze(1) / 10000 ** (column // 2 * 2 / width)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos())
