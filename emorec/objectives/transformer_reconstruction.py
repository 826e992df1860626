"""An autoregressive sequence decoder: a transformer after transposed convolutions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.objectives.mirror import CONVOLUTIONS, Mirror, make_mirror, unfold
from emorec.objectives.reconstruction import ReconstructionObjective
from emorec.types import Sizes


class TransformerReconstruction(ReconstructionObjective):
    """Reconstructs a sequence step by step, from its last step to its first.

    A causal transformer decoder after the transposed convolutions: it attends to their whole output
    and to the true previous steps (teacher forcing), and predicts the next. The lexical decoder of
    Liang et al. 2020 (https://arxiv.org/abs/2009.02598; 2 layers, 4 heads, reversed order,
    feed-forward layers of four times the dimension, no dropout: the authors' public code) and, with
    3 heads, the variant of their visual one. Theirs gets the steps from the output of their
    encoder's transformer and copies the last one from there; the true steps, zeros as the start and
    a final layer are ours.

    Args:
        sizes: Feature dimensions, given by the task.
        feature: Name of the modality.
        steps: Steps of the sequence.
        outputs: Values per step.
        heads: Attention heads.
        layers: Transformer layers.
        feedforward: Hidden units of each feed-forward block; None: 4 x ``outputs``.
        dropout: Dropout probability, 0 to 1.
        convolutions: Channels, kernel and stride of each convolution of the encoder.
        hidden: Units of a layer after the features; 0: none.
        activate: ReLU after the fully connected layers.
        weight: Factor in the total loss.
        target: Target that decides which rows are labelled.

    Raises:
        UserError: ``outputs`` is not a multiple of ``heads``, or a size is too small.
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
        feedforward: int | None = None,
        dropout: float = 0.0,
        convolutions: Sequence[tuple[int, int, int]] = CONVOLUTIONS,
        hidden: int = 0,
        activate: bool = True,
        weight: float = 0.2,
        target: str = "emotion",
    ) -> None:
        super().__init__(sizes, feature, weight=weight, target=target)
        mirror = make_mirror(
            f"{type(self).__name__} of {feature}",
            sizes.features[feature],
            (steps, outputs),
            convolutions,
            hidden,
            activate,
        )
        self.sizes, self.maps = mirror.sizes, mirror.maps
        self.activation, self.hidden = mirror.activation, mirror.hidden
        self.first, self.layers = mirror.first, mirror.layers
        units = 4 * outputs if feedforward is None else feedforward
        if min(heads, layers, units) < 1 or outputs % heads or not 0 <= dropout <= 1:
            raise UserError(
                "TransformerReconstruction needs outputs that are a multiple of heads, layers and "
                f"feedforward of at least 1 and dropout from 0 to 1; got outputs {outputs}, heads "
                f"{heads}, layers {layers}, feedforward {feedforward}, dropout {dropout}"
            )
        layer = nn.TransformerDecoderLayer(outputs, heads, units, dropout, batch_first=True)
        self.transformer = nn.TransformerDecoder(layer, layers)
        self.last = nn.Linear(outputs, outputs)
        later = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        self.register_buffer("later", later, persistent=False)

    @override
    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs), each step from the true steps after it."""
        mirror = Mirror(
            self.sizes, self.maps, self.activation, self.hidden, self.first, self.layers
        )
        memory = unfold(features, mirror)
        if read.shape != memory.shape:
            return memory  # the base class reports the difference
        # Zeros start a row; then its steps from the last on, possibly with padding first.
        previous = torch.cat([torch.zeros_like(read[:, :1]), read.detach().flip(1)[:, :-1]], 1)
        padded = (previous == 0).all(2)
        padded[:, 0] = False
        predicted = self.transformer(
            previous.to(memory.dtype),
            memory,
            self.get_buffer("later"),
            tgt_key_padding_mask=padded,
            tgt_is_causal=False,  # if not given, torch compares masks and waits for the GPU
        )
        decoded: Tensor = self.last(predicted).flip(1)
        return decoded
