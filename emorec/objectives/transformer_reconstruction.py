"""A decoder of sequences that goes step by step: a transformer behind transposed convolutions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.objectives.sequence_reconstruction import CONVOLUTIONS, SequenceReconstruction
from emorec.types import Sizes


class TransformerReconstruction(SequenceReconstruction):
    """Rebuilds a sequence from its last step to its first, step by step.

    A causal transformer decoder behind the transposed convolutions: it attends to all that they
    made and to the steps that it has had, the real ones, and says the next. The lexical decoder of
    Liang et al. 2020 (https://arxiv.org/abs/2009.02598; 2 layers, 4 heads, reversed order: the
    authors' public code) and, with 3 heads, the variant of their visual one. That it is shown the
    real steps, a layer after it, and torch's ``TransformerDecoderLayer`` are ours.

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        steps: Of the sequence.
        outputs: Numbers a step.
        heads: Of the attention.
        layers: Of the transformer.
        feedforward: Units between the two fully connected layers of each; 2048 is torch's own.
        dropout: Share of values left out in training; 0.1 is torch's own.
        convolutions: Channels, kernel and stride of each of the encoder's.
        batch_norm: Normalise between the transposed convolutions.
        hidden: Units, ReLU, of a layer after the features; 0 for none.
        weight: Factor in the total loss.
        target: Whose labels tell labelled rows from unlabelled ones.

    Raises:
        UserError: ``outputs`` is no multiple of ``heads``, or a size is too small.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        steps: int = 22,
        outputs: int = 1024,
        heads: int = 4,
        layers: int = 2,
        *,
        feedforward: int = 2048,
        dropout: float = 0.1,
        convolutions: Sequence[tuple[int, int, int]] = CONVOLUTIONS,
        batch_norm: bool = False,
        hidden: int = 0,
        weight: float = 0.2,
        target: str = "emotion",
    ) -> None:
        super().__init__(
            sizes,
            feature,
            steps,
            outputs,
            convolutions=convolutions,
            batch_norm=batch_norm,
            hidden=hidden,
            weight=weight,
            target=target,
        )
        if min(heads, layers, feedforward) < 1 or outputs % heads:
            raise UserError(
                "TransformerReconstruction needs outputs that are a multiple of heads, and layers "
                f"and feedforward of at least 1; got outputs {outputs}, heads {heads}, layers "
                f"{layers}, feedforward {feedforward}"
            )
        layer = nn.TransformerDecoderLayer(outputs, heads, feedforward, dropout, batch_first=True)
        self.transformer = nn.TransformerDecoder(layer, layers)
        self.last = nn.Linear(outputs, outputs)
        later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        self.register_buffer("later", later, persistent=False)

    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs), each step from the real ones after it; see the base class."""
        memory = super().decode(features, read)
        if read.shape != memory.shape:
            return memory  # of the size asked for: the base class tells the difference
        # Zeros start a row; then its steps from the last on, which padding may precede.
        start = torch.zeros_like(read[:, :1])
        had = torch.cat([start, read.detach().flip(1)[:, :-1]], 1)
        padded = (had == 0).all(2)
        padded[:, 0] = False
        said = self.transformer(
            had.to(memory.dtype), memory, self.get_buffer("later"), tgt_key_padding_mask=padded
        )
        made: Tensor = self.last(said).flip(1)
        return made
