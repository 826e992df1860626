"""The decoded samples of a file, with their times, at the file's own rate."""

from collections.abc import Iterator
from typing import Any

import av.error
import numpy as np
import soundfile

from emorec.media.channels import Samples, numbers
from emorec.media.containers import BEFORE, FAR, open_container
from emorec.media.file import Media
from emorec.media.packed import Packed
from emorec.media.packets import Decoded, PacketReader

Block = tuple[float, int, Samples]  # seconds from the origin, rate in Hz, mono samples
BLOCK = 65536  # samples
LOOSE = 0.3  # seconds: no packet of a transport stream holds more sound
# Containers that state each packet's time; in others (mp3, aac) the time after seeking is a guess.
SOUGHT = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})


class _LateError(Exception):
    """Seeking overshot, or failed."""


def read_samples(media: Media, start: float = 0.0) -> Decoded[Block]:
    """Yield (seconds from the origin, rate in Hz, mono samples), block by block.

    The rate may change from block to block, as in joined files. A block with NaN samples counts as
    a damaged packet.

    Args:
        media: What :func:`emorec.media.probe` returned for the file; it must have sound.
        start: Seconds from the origin; sound more than 3 s earlier may be left out.
    """
    wanted = start + media.origin
    seek = wanted - BEFORE if wanted > FAR and media.decoding.seekable else None
    reader = PacketReader()
    if media.decoding.reader == "soundfile":
        blocks = _read_sound(media, seek or 0.0)
    else:
        blocks = _read_near(media, seek, reader)
    return Decoded(_numbers(blocks, reader), reader)


def _numbers(blocks: Iterator[Block], reader: PacketReader) -> Iterator[Block]:
    """Zero samples that are NaN or far too loud, in files of floats."""
    for time, rate, samples in blocks:
        clean, changed = numbers(samples)
        reader.damaged += changed
        yield time, rate, clean


def _read_sound(media: Media, seek: float) -> Iterator[Block]:
    """Yield (time, rate, mono samples) of a sound file from a time of its clock on."""
    with soundfile.SoundFile(str(media.path)) as file:
        at = file.seek(min(round(seek * file.samplerate), file.frames))
        mix, gain = media.decoding.mix, np.float32(media.decoding.gain)
        whole = gain == 1
        for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
            yield (
                at / file.samplerate - media.origin,
                file.samplerate,
                mix(block.T if whole else gain * block.T),
            )
            at += len(block)


def _read_near(media: Media, seek: float | None, reader: PacketReader) -> Iterator[Block]:
    """Yield (time, rate, mono samples) of a container from near a time of its clock on."""
    try:
        yield from _read_streams(media, seek, reader)
    except _LateError:
        yield from _read_streams(media, None, reader)


def _read_streams(media: Media, seek: float | None, reader: PacketReader) -> Iterator[Block]:
    """Yield (time, rate, mono samples) of a container's audio stream.

    Raises:
        _LateError: Before the first block, if seeking did not reach a known, early enough time.
    """
    with open_container(media.path) as container:
        stream: Any = container.streams[media.decoding.streams["audio"]]
        walk, mix = media.decoding.walk("audio"), media.decoding.mix
        count: float | None = None  # seconds on the file's clock, if samples are counted
        if seek is not None and container.format.name in SOUGHT:
            try:
                container.seek(round(seek / stream.time_base), stream=stream)
            except av.error.FFmpegError as error:
                raise _LateError from error
        else:
            seek = None
        packed, first_rate, ends = Packed(), 0, 0.0
        for packet in reader.packets(container, stream):
            frames = reader.decode(packet)
            if frames is None and count is not None:
                count += float((packet.duration or 0) * stream.time_base)
            for frame in frames or ():
                if seek is not None and (frame.time is None or frame.time > seek + BEFORE / 2):
                    raise _LateError
                seek = None  # it arrived early enough
                time = (
                    walk(float(frame.time)) if count is None and frame.time is not None else count
                )
                if media.decoding.counted:
                    count = (time or 0.0) + frame.samples / frame.rate
                first_rate = first_rate or frame.rate
                # Several frames in one packet get times computed from the stream's first rate.
                if frame.rate != first_rate and time is not None and abs(time - ends) < LOOSE:
                    time = ends
                ends = (ends if time is None else time) + frame.samples / frame.rate
                for part in packed(frame):
                    yield (
                        float("nan") if time is None else time - media.origin,
                        frame.rate,
                        mix(part, frame.layout.name),
                    )
        if seek is not None and reader.error is None:
            raise _LateError
