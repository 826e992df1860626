"""Transposed convolutions that mirror an encoder's, shared by sequence decoders."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from emorec.errors import UserError

# Channels, kernel and stride of each convolution of the encoder; padding is 1.
CONVOLUTIONS = ((16, 4, 2), (64, 5, 2), (32, 3, 3))


class Mirror(NamedTuple):
    """The layers that turn features into a sequence.

    Objectives store them as their own attributes, so that the weights have those names.

    Attributes:
        sizes: Height and width, from the output of the encoder's last convolution to the
            sequence, (steps, outputs).
        maps: Channels, height and width of the first transposed convolution's input.
        activation: Activation after the fully connected layers.
        hidden: The fully connected layer after the features, if any.
        first: The fully connected layer that makes the maps.
        layers: Transposed convolutions.
    """

    sizes: list[tuple[int, int]]
    maps: tuple[int, int, int]
    activation: nn.Module
    hidden: nn.Linear | None
    first: nn.Linear
    layers: nn.ModuleList


def make_mirror(
    name: str,
    width: int,
    size: tuple[int, int],
    convolutions: Sequence[tuple[int, int, int]],
    hidden: int,
    activate: bool,
) -> Mirror:
    """Make the layers, with random weights.

    Args:
        name: Name of the objective and feature, for the message.
        width: Feature dimension.
        size: Steps of the sequence, and values per step.
        convolutions: Channels, kernel and stride of each convolution of the encoder.
        hidden: Units of a layer after the features; 0: none.
        activate: ReLU after the fully connected layers.

    Raises:
        UserError: The sequence is too small for the convolutions, or a size is below 1.
    """
    sizes = _sizes(size, convolutions) if hidden >= 0 else []
    if not sizes:
        raise UserError(
            f"{name} needs convolutions of [channels, kernel, stride], as in the encoder, and "
            f"steps and outputs large enough for them; got {[*map(list, convolutions)]}, steps "
            f"{size[0]}, outputs {size[1]}, hidden {hidden}"
        )
    before = convolutions[-1][0]
    map_height, map_width = sizes[0]
    activation = nn.ReLU() if activate else nn.Identity()
    after_features = nn.Linear(width, hidden) if hidden else None
    first = nn.Linear(hidden or width, before * map_height * map_width)
    maps = (before, map_height, map_width)
    outputs = [1, *(channels for channels, _, _ in convolutions[:-1])]
    layers = nn.ModuleList()
    for channels, (_, kernel, stride) in zip(outputs[::-1], convolutions[::-1], strict=True):
        layers.append(nn.ConvTranspose2d(before, channels, kernel, stride, padding=1))
        before = channels
    return Mirror(sizes, maps, activation, after_features, first, layers)


def unfold(features: Tensor, mirror: Mirror) -> Tensor:
    """Return the sequence (B, steps, outputs) decoded from features (B, D)."""
    if mirror.hidden is not None:
        features = mirror.activation(mirror.hidden(features))
    x = mirror.activation(mirror.first(features)).view(len(features), *mirror.maps)
    for number, size in enumerate(mirror.sizes[1:]):
        layer = mirror.layers[number]
        assert isinstance(layer, nn.ConvTranspose2d)
        x = layer(x if number == 0 else x.relu(), output_size=list(size))
    sequence: Tensor = x.squeeze(1)
    return sequence


def _sizes(
    size: tuple[int, int], convolutions: Sequence[tuple[int, int, int]]
) -> list[tuple[int, int]]:
    """Return (height, width) from the last convolution to the sequence; [] if one does not fit."""
    if not convolutions or min(map(min, convolutions)) < 1:
        return []
    sizes = [size]
    for _, kernel, stride in convolutions:
        if min(sizes[0]) + 2 < kernel or min(sizes[0]) < 1:
            return []
        height, width = ((s + 2 - kernel) // stride + 1 for s in sizes[0])
        sizes.insert(0, (height, width))
    return sizes
