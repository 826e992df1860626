"""openSMILE's functionals: the feature sets that published work compares against."""

import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.base import Extraction
from emorec.extractors.sound import SoundExtractor
from emorec.media import Span
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window

# Features per window of the sets in opensmile 2.6.
SIZES = {
    "ComParE_2016": 6373,
    "GeMAPSv01a": 62,
    "GeMAPSv01b": 62,
    "IS09": 384,
    "IS10": 1582,
    "IS11": 4368,
    "IS12": 6125,
    "IS13": 6373,
    "eGeMAPSv01a": 88,
    "eGeMAPSv01b": 88,
    "eGeMAPSv02": 88,
    "emobase": 988,
}
_RUNNING = threading.Lock()


class OpenSmile(SoundExtractor):
    """Functionals of openSMILE, float32 (size,): one vector per window, in the set's own units.

    openSMILE (Eyben et al. 2010, https://doi.org/10.1145/1873951.1874246) from its Python package:
    ``pip install 'emorec[opensmile]'``. **Its licence allows research, teaching and private use,
    not commercial products, not even through features**; see its LICENSE. Sets: eGeMAPSv02
    (Eyben et al. 2016, https://doi.org/10.1109/TAFFC.2015.2457417; 88), those of the INTERSPEECH
    challenges IS09 (384), IS10 (1582; what Liang et al. 2020, https://arxiv.org/abs/2009.02598,
    use), IS11 (4368), IS12 (6125), IS13 and ComParE_2016 (6373), emobase (988), and the older
    eGeMAPSv01a and eGeMAPSv01b (88), GeMAPSv01a and GeMAPSv01b (62).

    They were designed for utterances, see :class:`~emorec.windows.WholeClip`; most need at least
    60 ms. The modality is absent in windows too short for openSMILE; single values that are not
    finite become 0. For what counts as sound see
    :class:`SoundExtractor`.

    Args:
        feature_set: One of the names above, or the path of an openSMILE configuration (``.conf``)
            whose level ``func`` is read; the package's documentation describes its format. A file
            whose content has changed needs another name, or the cache keeps the old values.
        sample_rate: Rate in Hz that the sound is resampled to.
        size: Features per window, if ``feature_set`` is a path; None otherwise.

    Raises:
        UserError: The set is unknown, ``size`` is missing or superfluous, or the rate is below
            8000 Hz.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float32
    pooled_axes: ClassVar[tuple[int, ...]] = ()

    def __init__(
        self, feature_set: str = "eGeMAPSv02", sample_rate: int = 16000, size: int | None = None
    ) -> None:
        if feature_set not in SIZES and not feature_set.endswith(".conf"):
            raise UserError(
                f"no feature set {feature_set!r}; expected one of {', '.join(sorted(SIZES))}, or "
                "the path of an openSMILE configuration that ends with .conf"
            )
        if (feature_set in SIZES) != (size is None) or (size is not None and size < 1):
            raise UserError(
                "size is the number of features per window (at least 1) of a configuration file, "
                f"and is omitted for a named set; got {size} for {feature_set}"
            )
        if sample_rate < 8000:
            raise UserError(f"sample_rate must be at least 8000 Hz, got {sample_rate}")
        self.feature_set, self.sample_rate, self.size = feature_set, sample_rate, size
        self._smile: Any = None

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(size,)."""
        return (self.size or SIZES[self.feature_set],)

    @override
    def arrays(self, samples: torch.Tensor) -> Array:
        """Return functionals, float32 (B, size); a window that is too short is NaN.

        Raises:
            UserError: The package or the configuration is missing, or it does not fit ``size``.
        """
        # At full scale its conversion to 16 bits would turn the highest value into the lowest.
        signals = samples.clamp(-1, 32767 / 32768).numpy()
        made = np.full((len(signals), *self.shape), np.nan, np.float32)
        # Clips are processed in threads, and the library is not thread-safe.
        with _RUNNING, warnings.catch_warnings():
            if self._smile is None:
                self._smile = self._load()
            warnings.filterwarnings("ignore", "Segment too short")  # reported once per clip instead
            for row, signal in zip(made, signals, strict=True):
                if len(signal):
                    row[:] = self._smile(signal, self.sample_rate).reshape(-1)
        return made

    @override
    def _extraction(
        self, audio: Span, windows: Sequence[Window], samples: Array, damaged: int
    ) -> Extraction:
        found = super()._extraction(audio, windows, samples, damaged)
        arrays: list[Array | None] = []
        for array in found.arrays:
            values = np.full(1, np.nan) if array is None else np.asarray(array, np.float32)
            usable = bool(np.isfinite(values).any())
            arrays.append(np.nan_to_num(values, posinf=0.0, neginf=0.0) if usable else None)
        lost = sum(a is None for a in arrays) - sum(a is None for a in found.arrays)
        if lost:
            what = f"{Path(self.feature_set).stem} of openSMILE"
            short = Finding(FindingKind.TOO_SHORT, "sound", lost, len(windows), what)
            found.findings.append(short)
        return Extraction(arrays, found.facts, found.findings)

    def _load(self) -> Any:
        try:
            import opensmile
        except ImportError as error:
            raise UserError(
                "OpenSmile needs the package opensmile: pip install 'emorec[opensmile]' (free for "
                "research only; the extractor Functionals needs no package)"
            ) from error
        if self.feature_set in SIZES:
            return opensmile.Smile(opensmile.FeatureSet[self.feature_set])
        path = Path(self.feature_set).expanduser()
        if not path.is_file():
            raise UserError(f"no openSMILE configuration at {path}; feature_set names its file")
        try:
            smile = opensmile.Smile(str(path), opensmile.FeatureLevel.Functionals)
        except Exception as error:  # the library reports no more than a number
            raise UserError(
                f"openSMILE cannot use the configuration {path} ({error}); expected one with a "
                "level 'func', like those in the package"
            ) from error
        if smile.num_features != self.size:
            raise UserError(
                f"{path} gives {smile.num_features} features per window, but OpenSmile has size: "
                f"{self.size}; give it size: {smile.num_features}"
            )
        return smile

    def __getstate__(self) -> dict[str, Any]:
        """Drop the library's handle: each worker process makes its own."""
        return self.__dict__ | {"_smile": None}
