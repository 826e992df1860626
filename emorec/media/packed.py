"""Decoded sound as arrays, for any sample format and number of channels."""

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray


class Packed:
    """Turns frames of a stream into float32 (channels, n).

    Only the sample format changes: libswresample's own mono mix of floats is 3 dB louder than the
    mean. Samples of all channels are read from one plane: PyAV reads past the end of the list of
    planes if a frame has more than eight.
    """

    def __init__(self) -> None:
        self._form: tuple[str, str, int] | None = None
        self._resampler: av.AudioResampler | None = None

    def __call__(self, frame: av.AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of a frame.

        Raises:
            av.error.FFmpegError: The frame cannot be converted.
        """
        form = frame.format.name, frame.layout.name, frame.rate
        if self._resampler is None or self._form != form:
            self._resampler = av.AudioResampler("flt", frame.layout, frame.rate)
            self._form = form
        for part in self._resampler.resample(frame):
            flat = np.asarray(part.to_ndarray(), np.float32).reshape(-1, part.layout.nb_channels)
            yield flat.T
