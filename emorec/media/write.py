"""Writing media files: pictures and sound as they come, the file complete or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

from emorec.media.channels import Samples
from emorec.media.faces import Image
from emorec.system.files import whole


@contextmanager
def open_writer(path: Path, container: str, comment: str = "") -> Iterator["MediaWriter"]:
    """Open a media file for writing; it gets its name once all is written without an error.

    Args:
        path: The file, with any suffix, in an existing folder; an existing file is replaced.
        container: FFmpeg's name of the format, such as ``mp4``.
        comment: What :func:`~emorec.media.containers.read_comment` is to return.

    Raises:
        OSError: It cannot be written.
    """
    with whole(path) as part, av.open(f"file:{part}", "w", format=container) as target:
        if comment:
            target.metadata["comment"] = comment
        yield MediaWriter(target)


class MediaWriter:
    """A file that is being written. All streams are added before anything is written.

    Args:
        target: The container.
    """

    def __init__(self, target: OutputContainer) -> None:
        self._target = target

    def add_pictures(
        self,
        codec: str,
        size: tuple[int, int],
        tick: Fraction,
        *,
        options: Mapping[str, str],
        rate: int | None = None,
        threads: int = 0,
    ) -> "PictureTrack":
        """Add a video stream.

        Args:
            codec: FFmpeg's name of the encoder.
            size: Width and height in pixels; both even.
            tick: Seconds; stamps of pictures are whole numbers of it.
            options: Options of the encoder.
            rate: Pictures per second, if they are equally spaced.
            threads: Encoder threads; 0: one per processor.
        """
        # PyAV types its streams by the codec names that it knows.
        stream: Any = self._target.add_stream(codec, rate=rate, options=dict(options))
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = tick
        stream.codec_context.thread_count = threads
        return PictureTrack(self._target, stream, tick)

    def add_sound(
        self, codec: str, rate: int, *, options: Mapping[str, str] | None = None
    ) -> "SoundTrack":
        """Add an audio stream of one channel.

        Args:
            codec: FFmpeg's name of the encoder.
            rate: Samples per second.
            options: Options of the encoder.
        """
        stream: Any = self._target.add_stream(
            codec, rate=rate, layout="mono", options=dict(options or {})
        )
        return SoundTrack(self._target, stream, rate)


class PictureTrack:
    """A video stream; :meth:`MediaWriter.add_pictures` makes it."""

    def __init__(self, target: OutputContainer, stream: Any, tick: Fraction) -> None:
        self._target, self._stream, self._tick = target, stream, tick

    def add(self, image: Image, stamp: int) -> None:
        """Write a picture.

        Args:
            image: uint8 (height, width, 3), RGB, of the stream's size.
            stamp: When it is shown, in ticks; later than the previous one.
        """
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = stamp, self._tick
        self._target.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Flush the encoder."""
        self._target.mux(self._stream.encode(None))


class SoundTrack:
    """An audio stream; :meth:`MediaWriter.add_sound` makes it."""

    def __init__(self, target: OutputContainer, stream: Any, rate: int) -> None:
        self._target, self._stream, self._rate = target, stream, rate

    def add(self, samples: Samples, at: int) -> None:
        """Write a block of samples.

        Args:
            samples: float32 (n,), amplitude in [-1, 1].
            at: Position of the first one, in samples from the start.
        """
        block = np.ascontiguousarray(samples)[None]
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = at, Fraction(1, self._rate)
        self._target.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Flush the encoder."""
        self._target.mux(self._stream.encode(None))
