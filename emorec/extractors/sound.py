"""The base of sound extractors: windows of samples, and what counts as sound."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar

import numpy as np
import torch
from typing_extensions import override

from emorec.extractors.base import Extraction, Extractor
from emorec.media import Media, Span, iter_windows, read_windows
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window

SILENT = 1e-5  # RMS, full scale = 1: digital silence; the quietest real speech is near 6e-4


class SoundExtractor(Extractor):
    """Arrays made from the samples of each window.

    Sound is absent in windows of which it covers less than half; partly covered windows are padded
    with zeros. A track of digital silence (RMS below 1e-5 over all windows) counts as no sound.

    Attributes:
        sample_rate: Rate in Hz that the sound is resampled to.
    """

    is_sound: ClassVar[bool] = True
    sample_rate: int

    @abstractmethod
    def arrays(self, samples: torch.Tensor) -> Array:
        """Return (B, *shape) of float32 (B, samples) in [-1, 1]."""

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        if media.audio is None:
            return _absent(windows)
        samples, damaged = read_windows(media, windows, self.sample_rate)
        found = self._extraction(media.audio, windows, samples, damaged)
        missing = sum(media.audio.share(*window) < 0.5 for window in windows)
        silent = missing < len(windows) and not found.facts["windows_with_sound"]
        if missing and not silent:
            found.findings.append(Finding(FindingKind.ABSENT, "sound", missing, len(windows)))
        return found

    @override
    def stream(
        self, clip: Clip, media: Media, parts: Sequence[Sequence[Window]]
    ) -> Iterator[Extraction]:
        """Yield the arrays of each part; digital silence is judged part by part."""
        if media.audio is None:
            yield from map(_absent, parts)
            return
        every = [window for part in parts for window in part]
        samples = iter_windows(media, every, self.sample_rate)
        for part in parts:
            before = samples.damaged
            found = np.stack(list(islice(samples, len(part))))
            yield self._extraction(media.audio, part, found, samples.damaged - before)

    def _extraction(
        self, audio: Span, windows: Sequence[Window], samples: Array, damaged: int
    ) -> Extraction:
        absent: list[Array | None] = [None] * len(windows)
        heard = [audio.share(*w) >= 0.5 for w in windows]
        level = float(np.sqrt(np.mean(np.square(samples[heard])))) if any(heard) else 0.0
        facts: dict[str, int | float | str] = {"sound_rms": float(f"{level:.3g}")}
        findings = [Finding(FindingKind.DAMAGED, "audio", damaged)] if damaged else []
        if any(heard) and level < SILENT:
            findings.append(Finding(FindingKind.SILENT, "sound"))
            return Extraction(absent, {**facts, "windows_with_sound": 0}, findings)
        made = self.arrays(torch.from_numpy(samples))
        arrays = [array if covered else None for array, covered in zip(made, heard, strict=True)]
        return Extraction(arrays, {**facts, "windows_with_sound": sum(heard)}, findings)


def _absent(windows: Sequence[Window]) -> Extraction:
    missing = Finding(FindingKind.MISSING, "sound")
    return Extraction([None] * len(windows), {"windows_with_sound": 0}, [missing])
