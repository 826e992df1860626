"""Features that were computed elsewhere, one file per clip."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.base import Extraction, Extractor
from emorec.media import Media, MediaError
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window


class StoredFeatures(Extractor):
    """The array in a clip's sidecar file (``.npy``), float32 ``shape``; of the whole utterance.

    Each window of a clip has the same array; :class:`~emorec.windows.WholeClip` makes one window. A
    vector has exactly the shape. The first axis of a sequence is time: a long one is truncated, a
    short one padded with NaN at its end, and the other axes have to fit; trailing steps of zeros
    are padding, too. A clip without such a sidecar, or without a real step, lacks the modality.

    Standardisation measures statistics for each feature; for a sequence they are pooled over time.
    Padding does not count, and is 0 for the encoder.

    Args:
        sidecar: Name of the sidecar: in a manifest the column ``sidecar_NAME``.
        shape: Shape of the array: one number for a vector (``[1582]``), steps and features for a
            sequence (``[18, 342]``).
        standardise: Subtract the mean and divide by the deviation; false: use features as stored.

    Raises:
        UserError: The name is empty, or a size is missing or below 1.
    """

    version: ClassVar[int] = 4
    dtype: ClassVar[type[np.generic]] = np.float32

    def __init__(self, sidecar: str, shape: list[int], standardise: bool = True) -> None:
        if not sidecar or not shape or min(shape) < 1:
            raise UserError(
                "StoredFeatures needs the name of a sidecar and a shape of sizes of at least 1, "
                f"such as [1582] or [18, 342]; got {sidecar!r} and {shape}"
            )
        self.sidecar, self.sizes, self.standardise = sidecar, tuple(shape), standardise
        # Per instance: vectors keep statistics of each feature, sequences pool over time.
        self.pooled_axes = (0,) if len(shape) > 1 else ()  # type: ignore[misc]

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """The given shape."""
        return self.sizes

    @override
    @property
    def reads(self) -> tuple[str, ...]:
        """The one sidecar."""
        return (self.sidecar,)

    @override
    def constants(self) -> tuple[Array, Array] | None:
        """None (measured); or 0 and 1 if features are not standardised."""
        if self.standardise:
            return None
        return np.zeros(1, np.float32), np.ones(1, np.float32)

    @override
    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return the same array for each window.

        Raises:
            MediaError: The file is missing, is no ``.npy`` file of numbers, has another shape, or
                holds NaN or infinity.
        """
        path = clip.sidecars.get(self.sidecar)
        if path is None:
            return self._nothing(FindingKind.NO_SIDECAR, windows)
        try:
            found = np.load(path, allow_pickle=False)
        except FileNotFoundError as error:
            raise MediaError(f"sidecar {self.sidecar}: file not found", str(path)) from error
        except (OSError, ValueError, EOFError) as error:
            raise MediaError(
                f"sidecar {self.sidecar}: cannot be read as an array",
                f"{path.name}: {error}; expected a .npy file of numbers, as numpy.save writes it",
            ) from error
        array = self._fitted(found, path.name)
        if np.isnan(array).all():
            return self._nothing(FindingKind.EMPTY_SIDECAR, windows)
        return Extraction([array for _ in windows])

    def _nothing(self, kind: FindingKind, windows: Sequence[Window]) -> Extraction:
        return Extraction([None] * len(windows), {}, [Finding(kind, self.sidecar)])

    def _fitted(self, found: object, name: str) -> Array:
        """Return a float32 array of the shape; raises MediaError if it does not fit."""
        if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiub":
            kind = found.dtype if isinstance(found, np.ndarray) else "several arrays"
            raise MediaError(
                f"sidecar {self.sidecar}: no real numbers",
                f"{name} holds {kind}; expected real numbers",
            )
        wanted = " x ".join(map(str, self.sizes))
        shape = found.shape if len(self.sizes) == 1 else (self.sizes[0], *found.shape[1:])
        if shape != self.sizes or found.ndim != len(self.sizes):
            note = "" if len(self.sizes) == 1 else " (of any length in time, the first axis)"
            raise MediaError(
                f"sidecar {self.sidecar}: wrong shape",
                f"{name} has shape {' x '.join(map(str, found.shape)) or 'of a single number'}; "
                f"expected {wanted}{note}: see the option shape of StoredFeatures",
            )
        if found.ndim > 1:  # many programs pad with zeros
            real = np.flatnonzero(found.any(axis=tuple(range(1, found.ndim))))
            found = found[: real[-1] + 1 if len(real) else 0]
        array = np.full(self.sizes, np.nan, np.float32)
        with np.errstate(over="ignore"):  # values too large for float32 are reported below
            array[: len(found)] = found[: self.sizes[0]]
        own = array[: len(found)]
        if not np.isfinite(own).all():
            count = int(np.size(own) - np.isfinite(own).sum())
            raise MediaError(
                f"sidecar {self.sidecar}: values that are not finite",
                f"{name} has {count} values that are NaN, infinite or too large for float32; "
                "expected finite ones: fix the program that writes it",
            )
        return array
