"""The samples of a file as they are decoded: with their times, at the file's own rate."""

from collections.abc import Iterator

import av
import av.error
import numpy as np
import soundfile
from numpy.typing import NDArray

from emorec.media.containers import BEFORE, FAR, open_container
from emorec.media.probe import SOUND_FILES, Media, default_streams

Samples = NDArray[np.float32]
BLOCK = 65536  # samples
# Containers that state each packet's time; in others (mp3, aac) the time after seeking is a guess.
SOUGHT = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
LOUDEST = 1000.0  # times full scale; what is more comes from damaged files


class _LateError(Exception):
    """Seeking led past what is wanted, or nowhere."""


def read_samples(
    media: Media, damaged: list[int], start: float = 0.0
) -> Iterator[tuple[float, int, Samples]]:
    """Yield (seconds from the origin, rate in Hz, mono samples), block by block.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        damaged: Its first item is raised by the number of packets that cannot be decoded, or have
            samples that are no numbers.
        start: Seconds from the origin; sound of more than 3 s before may be left out.
    """
    wanted = start + media.origin
    seek = wanted - BEFORE if wanted > FAR else None
    if media.path.suffix.lower() in SOUND_FILES:
        return _numbers(_read_sound(media, seek or 0.0), damaged)
    return _numbers(_read_near(media, seek, damaged), damaged)


def _numbers(
    blocks: Iterator[tuple[float, int, Samples]], damaged: list[int]
) -> Iterator[tuple[float, int, Samples]]:
    """Set to zero what is not a number, or no sound any more, in files of floats."""
    for time, rate, samples in blocks:
        sound = np.abs(samples) <= LOUDEST  # false for NaN
        if not sound.all():
            damaged[0] += 1
        yield time, rate, samples if sound.all() else np.where(sound, samples, np.float32(0))


def _read_sound(media: Media, seek: float) -> Iterator[tuple[float, int, Samples]]:
    """Yield (time, rate, mono samples) of a sound file from a time of the file on."""
    with soundfile.SoundFile(str(media.path)) as file:
        at = file.seek(min(round(seek * file.samplerate), file.frames))
        for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
            yield at / file.samplerate - media.origin, file.samplerate, block.mean(1)
            at += len(block)


def _read_near(
    media: Media, seek: float | None, damaged: list[int]
) -> Iterator[tuple[float, int, Samples]]:
    """Yield (time, rate, mono samples) of a container from near a time of the file on."""
    try:
        yield from _read_streams(media, seek, damaged)
    except _LateError:
        yield from _read_streams(media, None, damaged)


def _read_streams(
    media: Media, seek: float | None, damaged: list[int]
) -> Iterator[tuple[float, int, Samples]]:
    """Yield (time, rate, mono samples) of a container's default audio stream.

    Raises:
        _LateError: Before the first, where seeking did not lead to a known time before it.
    """
    with open_container(media.path) as container:
        stream = default_streams(container)["audio"]
        if seek is not None and container.format.name in SOUGHT:
            try:
                container.seek(round(seek / stream.time_base), stream=stream)
            except av.error.FFmpegError as error:
                raise _LateError from error
        else:
            seek = None
        planar: av.AudioResampler | None = None
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                if seek is not None:
                    raise _LateError from None
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
                if seek is not None and (frame.time is None or frame.time > seek + BEFORE / 2):
                    raise _LateError
                seek = None  # it led before what is wanted
                time = None if frame.time is None else float(frame.time) - media.origin
                for part in planar.resample(frame):
                    yield (
                        float("nan") if time is None else time,
                        part.sample_rate,
                        part.to_ndarray().mean(0, dtype=np.float32),
                    )
