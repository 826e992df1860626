"""Self-attention over the steps of a sequence, before another encoder reads them."""

import torch
from torch import Tensor, nn

from emorec.encoders.base import Encoder
from emorec.errors import UserError


class TransformerSequenceEncoder(Encoder):
    """A transformer encoder over the steps of a sequence, and another encoder after it.

    Liang et al. 2020 (https://arxiv.org/abs/2009.02598) have one of 2 layers and 4 heads before
    the convolutions of their lexical encoder and, as a variant, one of 2 layers and 3 heads before
    those of the visual one (sizes from the authors' public code). Layers are torch's
    ``TransformerEncoderLayer``, as wide as the input. Steps have no codes of their position: the
    convolutions behind see the order (whether the authors add any is not known).

    Steps of zeros only are padding: no other step attends to them, and they come out as zeros.

    Args:
        encoder: Reads what comes out, of the shape that came in, such as a ConvSequenceEncoder.
        inputs: Features a step.
        heads: Of the attention.
        layers: Of the transformer.
        feedforward: Units between the two fully connected layers of each; 2048 is torch's own.
        dropout: Share of values left out in training; 0.1 is torch's own.

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
        feedforward: int = 2048,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if min(inputs, heads, layers, feedforward) < 1 or inputs % heads:
            raise UserError(
                "TransformerSequenceEncoder needs inputs that are a multiple of heads, and layers "
                f"and feedforward of at least 1; got inputs {inputs}, heads {heads}, layers "
                f"{layers}, feedforward {feedforward}"
            )
        layer = nn.TransformerEncoderLayer(inputs, heads, feedforward, dropout, batch_first=True)
        # A nested tensor would come back as long as the longest row of the batch.
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.encoder, self.inputs, self.dim = encoder, inputs, encoder.dim

    def forward(self, x: Tensor) -> Tensor:
        r"""Return features (B, \*T, dim) of standardised sequences (B, steps, inputs).

        Raises:
            UserError: The sequences have another shape.
        """
        if x.ndim != 3 or x.shape[2] != self.inputs:
            raise UserError(
                f"TransformerSequenceEncoder has inputs: {self.inputs}, but the data brings "
                f"{' x '.join(map(str, x.shape[1:]))} a window"
            )
        padded = (x == 0).all(2)
        first = torch.zeros_like(padded[:, :1])  # a row of padding alone attends to its first step
        attended = self.transformer(
            x, src_key_padding_mask=torch.cat([first, padded[:, 1:]], dim=1)
        )
        features: Tensor = self.encoder(attended.masked_fill(padded.unsqueeze(2), 0))
        return features

    def check_weights(self) -> None:
        """Check the weights of the encoder behind."""
        self.encoder.check_weights()

    def load_initial_weights(self) -> None:
        """Read the weights of the encoder behind."""
        self.encoder.load_initial_weights()
