"""Which channels of a recording carry sound, and how they are mixed to mono."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emorec.system.findings import Finding, FindingKind

Samples = NDArray[np.float32]
Numbers = NDArray[np.float64]
LOUDEST = 1000.0  # times full scale; more comes from damaged files
BLOCK = 0.5  # seconds that are analysed together
QUIET = 0.01  # of the recording's level: 40 dB below it is hiss or crosstalk
SPEECH = (100.0, 4000.0)  # Hz: neither a DC offset nor mains hum counts
INVERTED = -0.5  # correlation; two microphones in one room stay above it
ALIKE = 0.4  # least level of an inverted channel, as a share of the other's
MOSTLY, SELDOM = 0.95, 0.05  # shares of the energy of two channels


@dataclass(frozen=True, slots=True)
class Mix:
    """How the channels of a file are mixed to mono.

    Attributes:
        weights: Layout, such as ``stereo`` -> a weight per channel; their absolute values sum to
            1. Other layouts are mixed to the mean of their channels.
    """

    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __call__(self, channels: Samples, layout: str = "") -> Samples:
        """Return float32 (n,) of float32 (channels, n)."""
        weights = self.weights.get(layout)
        if weights is None or len(weights) != len(channels):
            return np.asarray(channels.mean(0, dtype=np.float32), np.float32)
        return np.asarray(np.array(weights, np.float32) @ channels, np.float32)


def numbers(samples: Samples) -> tuple[Samples, bool]:
    """Zero samples that are NaN or far too loud; also return whether there were any."""
    sound = np.abs(samples) <= LOUDEST  # false for NaN
    if sound.all():
        return samples, False
    return np.where(sound, samples, np.float32(0)), True


@dataclass(slots=True)
class _Heard:
    """Cross-spectra of the channels of one layout, summed over the speech band.

    Each block has (channels, channels) of them.
    """

    names: Sequence[str]
    rate: int
    open: list[Numbers] = field(default_factory=list)  # samples of the unfinished block
    count: int = 0
    blocks: list[Numbers] = field(default_factory=list)

    def close(self) -> None:
        if not self.count:
            return
        samples = np.concatenate(self.open, 1)
        self.open, self.count = [], 0
        samples = (samples - samples.mean(1, keepdims=True)) * np.hanning(samples.shape[1])
        hertz = np.fft.rfftfreq(samples.shape[1], 1 / self.rate)
        band = np.fft.rfft(samples)[:, (hertz >= SPEECH[0]) & (hertz <= SPEECH[1])]
        self.blocks.append((band @ band.conj().T).real / samples.shape[1] ** 2)


class ChannelReader:
    """Measures the levels and correlations of channels, for a :class:`Mix`."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def add(self, channels: Samples, layout: str, names: Sequence[str], rate: int) -> None:
        """Add some samples.

        Args:
            channels: float32 (channels, n).
            layout: The file's name for its set of channels.
            names: The name of each channel.
            rate: Samples per second.
        """
        count = len(channels)
        if count < 2 or count != len(names):
            return
        heard = self._heard.setdefault(layout, _Heard(names, rate))
        if len(heard.names) != count:
            return
        if heard.rate != rate:
            heard.close()
            heard.rate = rate
        clean = numbers(channels)[0].astype(np.float64)
        step = round(BLOCK * rate)
        at = 0
        while at < clean.shape[1]:
            part = clean[:, at : at + step - heard.count]
            heard.open.append(part)
            heard.count += part.shape[1]
            at += part.shape[1]
            if heard.count >= step:
                heard.close()

    def mix(self) -> tuple[Mix, list[Finding]]:
        """Return the mix, and what was found.

        A channel carries sound if in some half-second it is within 40 dB of the level of the
        recording (the 90th percentile of half-seconds); the mix is the mean of those channels. One
        that is the inverse of another, about as loud, would cancel it: its sign is flipped, or it
        is left out if it is inverted only in parts of the recording.
        """
        weights, findings = {}, []
        for layout, heard in self._heard.items():
            heard.close()
            products = np.array(heard.blocks)
            level = np.sqrt(np.diagonal(products, axis1=1, axis2=2))  # (blocks, channels)
            reference = float(np.quantile(level.max(1), 0.9))
            if reference == 0:
                reference = float(level.max())
            audible = (level >= QUIET * reference) & (level > 0)
            carry = np.asarray(audible.any(0), np.bool_)
            if not carry.any():
                continue
            signs, inverted = _signs(products, level, carry, heard.names)
            if carry.all() and not inverted:
                continue
            weights[layout] = tuple((signs / np.abs(signs).sum()).tolist())
            if not carry.all():
                names = [name for name, loud in zip(heard.names, carry, strict=True) if loud]
                kind, count = FindingKind.SILENT_CHANNELS, int(carry.sum())
                findings.append(Finding(kind, "sound", count, len(carry), ", ".join(names)))
            findings += inverted
        return Mix(weights), findings


def _signs(
    products: Numbers, level: Numbers, carry: NDArray[np.bool_], names: Sequence[str]
) -> tuple[Numbers, list[Finding]]:
    """Return the sign of each channel, 1, -1 or 0 (left out), and which are inverted."""
    signs = np.zeros(len(carry))
    findings = []
    whole = np.sqrt(np.square(level).mean(0))
    for i in np.flatnonzero(carry).tolist():
        signs[i] = 1.0
        for j in np.flatnonzero(signs[:i]).tolist():
            if min(whole[i], whole[j]) < ALIKE * max(whole[i], whole[j]):
                continue
            size = level[:, i] * level[:, j]
            with np.errstate(invalid="ignore", divide="ignore"):
                correlation = np.where(size > 0, signs[j] * products[:, i, j] / size, 0.0)
            inverse = float(size[correlation < INVERTED].sum() / max(size.sum(), 1e-30))
            if inverse >= MOSTLY:
                signs[i] = -1.0
                findings.append(Finding(FindingKind.INVERTED, names[i], detail=names[j]))
                break
            if inverse > SELDOM:
                signs[i] = 0.0
                findings.append(Finding(FindingKind.INVERTED_IN_PARTS, names[i], detail=names[j]))
                break
    return signs, findings


def channel_names(count: int) -> list[str]:
    """Return names for channels without any: 1, 2, ..."""
    return [str(number) for number in range(1, count + 1)]
