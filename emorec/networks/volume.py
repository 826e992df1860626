"""Parts of networks with three-dimensional convolutions."""

from torch import nn

from emorec.errors import UserError

Stride = int | tuple[int, int, int]


def channels(width: float, *published: int) -> list[int]:
    """Return numbers of channels, times a factor.

    Raises:
        UserError: The factor leaves less than one.
    """
    found = [round(width * each) for each in published]
    if min(found) < 1:
        raise UserError(f"width is a factor of the published channels; {width:g} leaves none")
    return found


def convolution(before: int, after: int, stride: Stride = 1) -> nn.Conv3d:
    """Return a 3 x 3 x 3 convolution that keeps the size, with He et al.'s normal weights."""
    layer = nn.Conv3d(before, after, 3, stride, padding=1)
    nn.init.kaiming_normal_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def normed(before: int, after: int, stride: Stride = 1) -> list[nn.Module]:
    """Return a :func:`convolution`, batch norm and ReLU."""
    return [convolution(before, after, stride), nn.BatchNorm3d(after), nn.ReLU()]
