"""The samples of a file as they are decoded: with their times, at the file's own rate."""

from collections.abc import Iterator

import av
import av.error
import numpy as np
import soundfile
from numpy.typing import NDArray

from emorec.media.containers import open_container
from emorec.media.probe import SOUND_FILES, Media, default_streams

Samples = NDArray[np.float32]
BLOCK = 65536  # samples
LOUDEST = 1000.0  # times full scale; what is more comes from damaged files


def read_samples(media: Media, damaged: list[int]) -> Iterator[tuple[float, int, Samples]]:
    """Yield (seconds from the origin, rate in Hz, mono samples), block by block.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        damaged: Its first item is raised by the number of packets that cannot be decoded, or have
            samples that are no numbers.
    """
    sound = media.path.suffix.lower() in SOUND_FILES
    return _numbers(_read_sound(media) if sound else _read_streams(media, damaged), damaged)


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
