"""Sound of the windows of a clip: mono, one sampling rate, placed by presentation time."""

from collections import deque
from collections.abc import Iterator, Sequence

import av
import numpy as np

from emorec.media.channels import Samples
from emorec.media.file import Media
from emorec.media.packets import Decoded
from emorec.media.samples import BLOCK, Block, read_samples
from emorec.types import Window

JITTER = 0.02  # seconds: some containers round their timestamps; less than this is no gap


def read_windows(media: Media, windows: Sequence[Window], rate: int) -> tuple[Samples, int]:
    """Return the samples of windows of one length.

    See :func:`iter_windows`.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        windows: Spans of equal length, in seconds from the clip's origin, in any order.
        rate: Sampling rate to return, in Hz.

    Returns:
        float32 (windows, length x rate), amplitude in [-1, 1]; and the number of packets that
        could not be decoded.
    """
    if not windows:
        return np.zeros((0, 0), np.float32), 0
    order = sorted(range(len(windows)), key=lambda i: windows[i].start)
    decoded = iter_windows(media, [windows[i] for i in order], rate)
    found = list(decoded)
    out = np.empty((len(windows), len(found[0])), np.float32)
    out[order] = found
    return out, decoded.damaged


def iter_windows(media: Media, windows: Sequence[Window], rate: int) -> Decoded[Samples]:
    """Yield the samples of each window as soon as they are read.

    The file is read in blocks and only the samples of unfinished windows are kept, so memory does
    not grow with its length. Channels are mixed by :class:`~emorec.media.channels.Mix`. What the
    stream does not cover is zero.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        windows: Spans of equal length, in seconds from the clip's origin, sorted by start.
        rate: Sampling rate to return, in Hz.

    Yields:
        float32 (length x rate,), amplitude in [-1, 1].
    """
    blocks = read_blocks(media, rate, windows[0].start if windows else 0.0)
    return Decoded(_cut(blocks, windows, rate), blocks.reader)


def _cut(
    blocks: Iterator[tuple[int, Samples]], windows: Sequence[Window], rate: int
) -> Iterator[Samples]:
    """Yield the samples of each window from blocks without gaps."""
    starts = [round(window.start * rate) for window in windows]
    length = round((windows[0].end - windows[0].start) * rate) if windows else 0
    pending: deque[tuple[int, Samples]] = deque()
    begun = 0  # windows[begun:] start after what was read
    for at, block in blocks:
        stop = at + len(block)
        while begun < len(starts) and starts[begun] < stop:
            pending.append((starts[begun], np.zeros(length, np.float32)))
            begun += 1
        for start, samples in pending:
            low, high = max(start, at), min(start + length, stop)
            if high > low:
                samples[low - start : high - start] = block[low - at : high - at]
        while pending and pending[0][0] + length <= stop:
            yield pending.popleft()[1]
        if begun == len(starts) and not pending:
            return
    yield from (samples for _, samples in pending)
    yield from (np.zeros(length, np.float32) for _ in starts[begun:])


def read_blocks(media: Media, rate: int, start: float = 0.0) -> Decoded[tuple[int, Samples]]:
    """Yield the sound of a file block by block, without gaps or overlaps.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        rate: Sampling rate to return, in Hz.
        start: Seconds from the clip's origin; sound more than 3 s earlier may be left out.

    Yields:
        The index of the block's first sample (0 is the clip's origin), and float32 (n,).
    """
    blocks = read_samples(media, start)
    return Decoded(_resample(blocks, rate), blocks.reader)


def _resample(blocks: Iterator[Block], rate: int) -> Iterator[tuple[int, Samples]]:
    """Yield (index of the first sample at the new rate, samples) without gaps or overlaps."""
    converter: _Converter | None = None
    expected = 0.0
    done = 0  # index of the next sample to yield

    def placed(samples: Iterator[Samples]) -> Iterator[tuple[int, Samples]]:
        nonlocal done
        for part in samples:
            yield done, part
            done += len(part)

    for time, source, samples in blocks:
        if converter is None:
            expected = 0.0 if np.isnan(time) else time
            done = round(expected * rate)
        if converter is None or converter.source != source:
            if converter is not None:  # joined files change their rate; each rate has its filter
                yield from placed(converter.finish(round(expected * rate) - done))
            converter = _Converter(source, rate)
        gap = 0 if np.isnan(time) else time - expected
        if abs(gap) > JITTER:
            missing = round(gap * source)
            while missing > 0:
                yield from placed(converter(np.zeros(min(missing, BLOCK), np.float32)))
                missing -= BLOCK
            samples = samples[max(0, -round(gap * source)) :]
            expected += max(gap, 0.0)
        if len(samples):
            yield from placed(converter(samples))
            expected += len(samples) / source
    if converter is not None:
        yield from placed(converter.finish())


class _Converter:
    """Resamples mono blocks of one rate.

    Args:
        source: Rate of the blocks, in Hz.
        rate: Rate of the output, in Hz.
    """

    def __init__(self, source: int, rate: int) -> None:
        self.source, self.rate = source, rate
        self._resampler = av.AudioResampler("flt", "mono", rate)

    def __call__(self, samples: Samples) -> Iterator[Samples]:
        """Yield the samples that the next block completes."""
        if self.source == self.rate:
            yield samples
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], "flt", "mono")
        frame.sample_rate = self.source
        yield from (part.to_ndarray()[0] for part in self._resampler.resample(frame))

    def finish(self, count: int | None = None) -> Iterator[Samples]:
        """Yield the rest: exactly ``count`` samples if that is given."""
        rest = np.zeros(0, np.float32)
        if self.source != self.rate:
            parts = [part.to_ndarray()[0] for part in self._resampler.resample(None)]
            rest = np.concatenate([rest, *parts])
        if count is not None:
            rest = np.pad(rest[: max(count, 0)], (0, max(count - len(rest), 0)))
        if len(rest):
            yield rest
