"""A decoder of sequences that goes step by step: a transformer behind transposed convolutions."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.objectives.mirror import CONVOLUTIONS, Mirror, make_mirror, unfold
from emorec.objectives.reconstruction import ReconstructionObjective
from emorec.types import Sizes


class TransformerReconstruction(ReconstructionObjective):
    """Rebuilds a sequence from its last step to its first, step by step.

    A causal transformer decoder behind the transposed convolutions: it attends to all that they
    made and to the steps that it has had, the real ones, and says the next. The lexical decoder of
    Liang et al. 2020 (https://arxiv.org/abs/2009.02598; 2 layers, 4 heads, reversed order, four
    times the width in between, no dropout: the authors' public code) and, with 3 heads, the variant
    of their visual one. Theirs is shown the steps as their encoder's transformer left them and
    copies the last one from there; that it is shown the real ones, begins with zeros and has a
    layer at its end is ours.

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        steps: Of the sequence.
        outputs: Numbers a step.
        heads: Of the attention.
        layers: Of the transformer.
        feedforward: Units between the two fully connected layers of each; None: 4 x ``outputs``.
        dropout: Share of values left out in training, 0 to 1.
        convolutions: Channels, kernel and stride of each of the encoder's.
        hidden: Units of a layer after the features; 0 for none.
        activate: ReLU after the fully connected layers.
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

    def decode(self, features: Tensor, read: Tensor) -> Tensor:
        """Return (B, steps, outputs), each step from the real ones after it; see the base class."""
        mirror = Mirror(
            self.sizes, self.maps, self.activation, self.hidden, self.first, self.layers
        )
        memory = unfold(features, mirror)
        if read.shape != memory.shape:
            return memory  # of the size asked for: the base class tells the difference
        # Zeros start a row; then its steps from the last on, which padding may precede.
        had = torch.cat([torch.zeros_like(read[:, :1]), read.detach().flip(1)[:, :-1]], 1)
        padded = (had == 0).all(2)
        padded[:, 0] = False
        said = self.transformer(
            had.to(memory.dtype),
            memory,
            self.get_buffer("later"),
            tgt_key_padding_mask=padded,
            tgt_is_causal=False,  # told, it compares no masks, for which a GPU would have to wait
        )
        made: Tensor = self.last(said).flip(1)
        return made
