"""Which channels of a recording carry sound, and how they are mixed to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
LOUDEST = 1000.0  # times full scale; what is more comes from damaged files
QUIET = 0.01  # of the loudest channel's level, RMS: 40 dB below it is hiss or crosstalk
INVERTED = -0.5  # correlation; of two microphones in one room it is above
ALIKE = 0.5  # level of an inverted channel, as a share of the other's


@dataclass(frozen=True, slots=True)
class Mix:
    """How the channels of a file become one.

    Attributes:
        weights: Layout, such as ``stereo`` -> a weight a channel; the sum of their sizes is 1.
            Layouts that are not named are mixed to the mean of their channels.
    """

    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __call__(self, channels: Samples, layout: str = "") -> Samples:
        """Return float32 (n,) of float32 (channels, n)."""
        weights = self.weights.get(layout)
        if weights is None or len(weights) != len(channels):
            return np.asarray(channels.mean(0, dtype=np.float32), np.float32)
        return np.asarray(np.array(weights, np.float32) @ channels, np.float32)


def numbers(samples: Samples) -> tuple[Samples, bool]:
    """Set to zero what is not a number, or no sound any more; return whether there was any."""
    sound = np.abs(samples) <= LOUDEST  # false for NaN
    if sound.all():
        return samples, False
    return np.where(sound, samples, np.float32(0)), True


class ChannelReader:
    """Collects how loud channels are and how they go together, for a :class:`Mix`."""

    def __init__(self) -> None:
        self._products: dict[str, NDArray[np.float64]] = {}
        self._names: dict[str, Sequence[str]] = {}

    def add(self, channels: Samples, layout: str, names: Sequence[str]) -> None:
        """Take note of a block.

        Args:
            channels: float32 (channels, n).
            layout: What the file calls the channels together.
            names: What each channel is called.
        """
        if len(channels) < 2:
            return
        clean = numbers(channels)[0].astype(np.float64)
        product = clean @ clean.T
        self._products[layout] = self._products.get(layout, 0.0) + product
        self._names[layout] = names

    def mix(self) -> tuple[Mix, list[str]]:
        """Return the mix, and what was done in words.

        Channels 40 dB below the loudest one carry no sound: the mean of the others is what is
        heard. One that is the inverse of the first loud one, about as loud, would cancel it and
        is turned back.
        """
        weights, said = {}, []
        for layout, product in self._products.items():
            level = np.sqrt(np.diag(product))
            if not level.any():
                continue
            share = level / level.max()
            carry = share >= QUIET
            first = int(np.argmax(share >= ALIKE))
            with np.errstate(invalid="ignore", divide="ignore"):
                alike = product[first] / (level * level[first])
            inverse = carry & (share >= ALIKE) & (alike < INVERTED)
            if carry.all() and not inverse.any():
                continue
            signs = np.where(inverse, -1.0, 1.0) * carry
            weights[layout] = tuple((signs / carry.sum()).tolist())
            said += self._words(layout, carry, inverse, first)
        return Mix(weights), said

    def _words(
        self,
        layout: str,
        carry: NDArray[np.bool_],
        inverse: NDArray[np.bool_],
        first: int,
    ) -> list[str]:
        names = self._names[layout]
        said = []
        if not carry.all():
            loud = ", ".join(name for name, heard in zip(names, carry, strict=True) if heard)
            said.append(
                f"{carry.sum()} of {len(carry)} channels carry sound ({loud}): the mean of these"
            )
        for i in np.flatnonzero(inverse).tolist():
            said.append(f"channel {names[i]} is the inverse of {names[first]}: turned back")
        return said


def channel_names(count: int) -> list[str]:
    """Return names of channels that have none."""
    return [str(number) for number in range(1, count + 1)]
