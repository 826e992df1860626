"""Sound of the windows of a clip: mono, one sampling rate, placed by presentation time."""

from collections import deque
from collections.abc import Iterator, Sequence

import av
import av.error
import numpy as np
import soundfile
from numpy.typing import NDArray

from emorec.media.containers import open_container
from emorec.media.probe import SOUND_FILES, Media, default_streams
from emorec.types import Window

Samples = NDArray[np.float32]
JITTER = 0.02  # seconds: timestamps of some containers are rounded; less than this is no gap
BLOCK = 65536  # samples
LOUDEST = 1000.0  # times full scale; what is more comes from damaged files


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
    damaged = [0]
    order = sorted(range(len(windows)), key=lambda i: windows[i].start)
    found = list(iter_windows(media, [windows[i] for i in order], rate, damaged))
    out = np.empty((len(windows), len(found[0])), np.float32)
    out[order] = found
    return out, damaged[0]


def iter_windows(
    media: Media, windows: Sequence[Window], rate: int, damaged: list[int] | None = None
) -> Iterator[Samples]:
    """Yield the samples of each window as soon as they are read.

    The file is read in blocks and only the samples of unfinished windows are kept, so memory does
    not grow with its length. Channels are averaged. What the stream does not cover is zero.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        windows: Spans of equal length, in seconds from the clip's origin, by their starts.
        rate: Sampling rate to return, in Hz.
        damaged: Its first item is raised by the number of packets that cannot be decoded.

    Yields:
        float32 (length x rate,), amplitude in [-1, 1].
    """
    starts = [round(window.start * rate) for window in windows]
    length = round((windows[0].end - windows[0].start) * rate) if windows else 0
    pending: deque[tuple[int, Samples]] = deque()
    begun = 0  # windows[begun:] start behind what was read
    for at, block in read_blocks(media, rate, damaged):
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


def read_blocks(
    media: Media, rate: int, damaged: list[int] | None = None
) -> Iterator[tuple[int, Samples]]:
    """Yield the sound of a file block by block, without gaps or overlaps.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        rate: Sampling rate to return, in Hz.
        damaged: Its first item is raised by the number of packets that cannot be decoded,
            or have samples that are no numbers.

    Yields:
        The index of the block's first sample (0 is the clip's origin), and float32 (n,).
    """
    count = [0] if damaged is None else damaged
    if media.path.suffix.lower() in SOUND_FILES:
        return _resample(_numbers(_read_sound(media), count), rate)
    return _resample(_numbers(_read_streams(media, count), count), rate)


def _numbers(
    blocks: Iterator[tuple[float, int, Samples]], damaged: list[int]
) -> Iterator[tuple[float, int, Samples]]:
    """Set to zero what is not a number, or no sound any more, in files of floats."""
    for time, rate, samples in blocks:
        sound = np.abs(samples) <= LOUDEST  # false for NaN
        if not sound.all():
            damaged[0] += 1
        yield time, rate, samples if sound.all() else np.where(sound, samples, np.float32(0))


def _read_sound(media: Media) -> Iterator[tuple[float, int, Samples]]:
    """Yield (time, rate, mono samples) of a sound file."""
    with soundfile.SoundFile(str(media.path)) as file:
        at = 0
        for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
            yield at / file.samplerate - media.origin, file.samplerate, block.mean(1)
            at += len(block)


def _read_streams(media: Media, damaged: list[int]) -> Iterator[tuple[float, int, Samples]]:
    """Yield (time, rate, mono samples) of a container's default audio stream."""
    with open_container(media.path) as container:
        stream = default_streams(container)["audio"]
        planar: av.AudioResampler | None = None
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                damaged[0] += 1
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                damaged[0] += 1
                continue
            for frame in frames:
                if planar is None:
                    # Only the sample format changes here: libswresample's own mono mix of floats
                    # is 3 dB louder than the mean.
                    planar = av.AudioResampler("fltp", frame.layout, frame.rate)
                time = None if frame.time is None else float(frame.time) - media.origin
                for part in planar.resample(frame):
                    yield (
                        float("nan") if time is None else time,
                        part.sample_rate,
                        part.to_ndarray().mean(0, dtype=np.float32),
                    )


def _resample(
    blocks: Iterator[tuple[float, int, Samples]], rate: int
) -> Iterator[tuple[int, Samples]]:
    """Yield (index of the first sample at the new rate, samples) without gaps or overlaps."""
    resampler: av.AudioResampler | None = None
    source = 0
    expected = 0.0
    origin = None
    done = 0

    def convert(samples: Samples | None) -> Iterator[tuple[int, Samples]]:
        nonlocal done
        assert resampler is not None
        assert origin is not None
        if source == rate:
            if samples is not None:
                yield origin + done, samples
                done += len(samples)
            return
        frame = None
        if samples is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], "flt", "mono")
            frame.sample_rate = source
        for part in resampler.resample(frame):
            out = part.to_ndarray()[0]
            yield origin + done, out
            done += len(out)

    for time, block_rate, samples in blocks:
        if resampler is None:
            source = block_rate
            resampler = av.AudioResampler("flt", "mono", rate)
            expected = 0.0 if np.isnan(time) else time
            origin = round(expected * rate)
        gap = 0 if np.isnan(time) else time - expected
        if abs(gap) > JITTER:
            missing = round(gap * source)
            while missing > 0:
                yield from convert(np.zeros(min(missing, BLOCK), np.float32))
                missing -= BLOCK
            samples = samples[max(0, -round(gap * source)) :]
            expected += max(gap, 0.0)
        if len(samples):
            yield from convert(samples)
            expected += len(samples) / source
    if resampler is not None:
        yield from convert(None)
