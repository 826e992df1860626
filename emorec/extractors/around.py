"""Windows of another length for one modality."""

from collections.abc import Iterator, Sequence

import numpy as np
from typing_extensions import override

from emorec.extractors.base import Extraction, Extractor
from emorec.media import Media
from emorec.types import Array, Clip, Window


class Around(Extractor):
    """What another extractor makes of a longer or shorter span around each window's middle.

    So modalities can see spans of different length: half a second of a face, and three seconds of
    the voice around it. At the ends of a clip the span is moved to lie within it; in a clip that is
    shorter, it starts with the clip and extends past its end. For classes: a trace of values would
    not fit the span.

    Args:
        extractor: The other extractor.
        length: Seconds of the span.
    """

    def __init__(self, extractor: Extractor, length: float = 3.0) -> None:
        if length <= 0:
            raise ValueError(f"length must be above 0 seconds, got {length:g}")
        self.extractor, self.length, self.around = extractor, length, length

    @override
    @property
    def version(self) -> int:  # type: ignore[override]
        """The other extractor's."""
        return self.extractor.version

    @override
    @property
    def dtype(self) -> type[np.generic]:  # type: ignore[override]
        """The other extractor's."""
        return self.extractor.dtype

    @override
    @property
    def pooled_axes(self) -> tuple[int, ...]:  # type: ignore[override]
        """The other extractor's."""
        return self.extractor.pooled_axes

    @override
    @property
    def is_sound(self) -> bool:  # type: ignore[override]
        """The other extractor's."""
        return self.extractor.is_sound

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """The other extractor's."""
        return self.extractor.shape

    @override
    @property
    def reads(self) -> tuple[str, ...]:
        return self.extractor.reads

    @override
    def seconds(self, clip: Clip) -> float | None:
        return self.extractor.seconds(clip)

    @override
    def use(self, device: str, clips: int) -> None:
        super().use(device, clips)
        self.extractor.use(device, clips)

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        return self.extractor.extract(clip, media, self.spans(media, windows))

    @override
    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        spans = [self.spans(media, part) for part in parts]
        yield from self.extractor.stream(clip, media, spans)

    @override
    def constants(self) -> tuple[Array, Array] | None:
        return self.extractor.constants()

    def spans(self, media: Media, windows: Sequence[Window]) -> list[Window]:
        """Return the span around each window, in seconds from the clip's origin."""
        last = max(0.0, media.duration - self.length)
        starts = [min(max(0.0, window.middle - self.length / 2), last) for window in windows]
        return [Window(start, start + self.length) for start in starts]
