"""Histograms of oriented gradients of a face through each window."""

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.faces.frames import FaceFrames
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image, square_crop
from emorec.types import Array

BLOCK = 2  # cells per side of the squares that are normalised together
CLIP, FLOOR = 0.2, 1e-5


class FaceHog(FaceFrames):
    """HOG descriptors of a face at equal distances through each window, float16 (frames, D).

    Dalal and Triggs 2005 (https://doi.org/10.1109/CVPR.2005.177): gradients of the grey crop by
    central differences; in each cell of ``cell`` x ``cell`` pixels a histogram of their directions
    without sign, weighted by their length; each square of 2 x 2 cells normalised (L2, cut at 0.2,
    L2 again). D = (size / cell - 1)^2 * 4 * orientations: 900 for 48, 8 and 9. Values are 0 to 1.

    A free stand-in for the DenseFace features (frames x 342) of Liang et al. 2020
    (https://arxiv.org/abs/2009.02598), whose network is not available: it encodes edges, not
    expressions. For which frames are taken, and how those without a face are filled, see
    :class:`FaceSequence`.

    Args:
        frames: Frames per window.
        size: Side of the crops, in pixels; a multiple of ``cell``.
        cell: Side of a cell, in pixels.
        orientations: Number of direction bins over 180 degrees.
        margin: Added to the longer side of the face's box, as a share of it.
        borrow: Largest distance in seconds to a frame that lends its face.
        faces: How faces are found, and whose is used.

    Raises:
        UserError: Cells do not fill the crop, fewer than two fit on a side, or orientations are
            fewer than two.
    """

    version: ClassVar[int] = 2
    dtype: ClassVar[type[np.generic]] = np.float16
    pooled_axes: ClassVar[tuple[int, ...]] = (0,)

    def __init__(
        self,
        frames: int = 18,
        size: int = 48,
        cell: int = 8,
        orientations: int = 9,
        margin: float = 0.2,
        borrow: float = 0.5,
        faces: FaceSearch | None = None,
    ) -> None:
        super().__init__(frames, size, margin, borrow, faces)
        if cell < 2 or size % cell or size // cell < BLOCK or orientations < 2:
            raise UserError(
                "size is a multiple of cell (at least 2 pixels) with two cells or more on a side, "
                f"and orientations are at least 2; got size {size}, cell {cell}, "
                f"orientations {orientations}"
            )
        self.cell, self.orientations = cell, orientations

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, D)."""
        blocks = self.size // self.cell - BLOCK + 1
        return (self.frames, blocks**2 * BLOCK**2 * self.orientations)

    @override
    def cut(self, image: Image, face: Face) -> Array:
        crop = square_crop(image, face, self.size, self.margin)
        grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.float32)
        return gradient_histograms(grey, self.cell, self.orientations).astype(np.float16)


def gradient_histograms(
    grey: NDArray[np.float32], cell: int, orientations: int
) -> NDArray[np.float32]:
    """Return the descriptor of a square picture, float32 (D,); see :class:`FaceHog`.

    Args:
        grey: (size, size); the scale of its values does not matter.
        cell: Side of a cell, in pixels.
        orientations: Number of directions.
    """
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[1:-1] = grey[2:] - grey[:-2]  # zero at the border, where one neighbour is missing
    right[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    turn = np.arctan2(down, right) % np.pi
    bins = np.minimum((turn / np.pi * orientations).astype(np.int64), orientations - 1)
    side = len(grey) // cell
    place = np.arange(len(grey)) // cell
    slot = (place[:, None] * side + place) * orientations + bins
    length = np.hypot(down, right)
    summed = np.bincount(slot.ravel(), length.ravel(), side * side * orientations)
    cells = summed.reshape(side, side, orientations) / cell**2
    blocks = np.lib.stride_tricks.sliding_window_view(cells, (BLOCK, BLOCK), (0, 1))
    flat = np.moveaxis(blocks, 2, -1).reshape((side - BLOCK + 1) ** 2, -1)
    flat = np.minimum(_unit(flat), CLIP)
    return _unit(flat).ravel().astype(np.float32)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = rows / np.sqrt((rows**2).sum(1, keepdims=True) + FLOOR**2)
    return scaled
