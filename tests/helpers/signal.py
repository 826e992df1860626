"""A modality that is read from a CSV file beside, or without, a media file."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from emorec.extractors import Extraction, Extractor
from emorec.media import Media
from emorec.media.series import read_series, resample
from emorec.types import Array, Clip, Window


class Signal(Extractor):
    """One column of a clip's sidecar ``eda``, 10 values a second, in windows of a second."""

    dtype: ClassVar[type[np.generic]] = np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        return (10,)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("eda",)

    def seconds(self, clip: Clip) -> float | None:
        return None if "eda" not in clip.sidecars else float(self._series(clip)[0][-1])

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        if "eda" not in clip.sidecars:
            return Extraction([None] * len(windows))
        values: Any = resample(*self._series(clip), 0.1)[:, 0]
        arrays: list[Array | None] = []
        for window in windows:
            part = values[round(window.start * 10) :][:10]
            arrays.append(part if len(part) == 10 and not np.isnan(part).any() else None)
        return Extraction(arrays)

    def _series(self, clip: Clip) -> tuple[Any, Any]:
        return read_series(clip.sidecars["eda"], ["eda"])
