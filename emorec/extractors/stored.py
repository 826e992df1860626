"""Features that were computed elsewhere, one file a clip."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from emorec.errors import UserError
from emorec.extractors.base import Extraction, Extractor
from emorec.media import Media, MediaError
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window


class StoredFeatures(Extractor):
    """The array in a clip's sidecar file (``.npy``), float32 ``shape``; of the whole utterance.

    Each window of a clip has the same array; :class:`~emorec.windows.WholeClip` makes one window. A
    vector has exactly the shape. Of a sequence the first axis is time: what is too long is cut at
    its end, what is too short is padded with NaN there, and the other axes have to fit; steps of
    zeros only at its end are padding, too. A clip without such a sidecar, or without a real step,
    lacks the modality.

    Where it is standardised, statistics are measured for each number; of a sequence pooled over
    time. Padding does not count, and is 0 for the encoder.

    Args:
        sidecar: Name of the sidecar: in a manifest the column ``sidecar_NAME``.
        shape: Of the array: one number for a vector (``[1582]``), steps and features for a sequence
            (``[18, 342]``).
        standardise: Subtract the mean and divide by the deviation; false: features as they are.

    Raises:
        UserError: A size is below 1.
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
        # Of the instance: vectors keep statistics of each number, sequences pool over time.
        self.pooled_axes = (0,) if len(shape) > 1 else ()  # type: ignore[misc]

    @property
    def shape(self) -> tuple[int, ...]:
        """As given."""
        return self.sizes

    @property
    def reads(self) -> tuple[str, ...]:
        """The one sidecar."""
        return (self.sidecar,)

    def constants(self) -> tuple[Array, Array] | None:
        """None: measured; or 0 and 1 where features are not to be standardised."""
        if self.standardise:
            return None
        return np.zeros(1, np.float32), np.ones(1, np.float32)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        """Return the same array for each window; see the base class.

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
        """Return float32 of the shape, or raise what is wrong."""
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
                f"sidecar {self.sidecar}: another shape",
                f"{name} has shape {' x '.join(map(str, found.shape)) or 'of a single number'}; "
                f"expected {wanted}{note}: see the option shape of StoredFeatures",
            )
        if found.ndim > 1:  # many programs pad with zeros
            real = np.flatnonzero(found.any(axis=tuple(range(1, found.ndim))))
            found = found[: real[-1] + 1 if len(real) else 0]
        array = np.full(self.sizes, np.nan, np.float32)
        with np.errstate(over="ignore"):  # what is too large for float32 is told below
            array[: len(found)] = found[: self.sizes[0]]
        own = array[: len(found)]
        if not np.isfinite(own).all():
            count = int(np.size(own) - np.isfinite(own).sum())
            raise MediaError(
                f"sidecar {self.sidecar}: values that are not finite",
                f"{name} has {count} values that are NaN, infinite or too large for float32; "
                "expected finite ones: replace them where it is made",
            )
        return array
