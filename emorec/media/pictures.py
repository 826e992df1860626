"""Pictures as they are meant to be seen: square pixels, upright, all of one size."""

from fractions import Fraction

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideData
from numpy.typing import NDArray

from emorec.media.faces import Image

Turn = NDArray[np.float64]
TILT = 0.02  # of a display matrix's unit vectors: more than this is none of the eight orientations
SQUEEZED = 8  # times as wide as high; more extreme pixels come from damaged headers


def upright(
    frame: av.VideoFrame, aspect: Fraction | None = None, turn: Turn | None = None
) -> Image:
    """Return a decoded frame as it is meant to be seen.

    Pixels that are not square are stretched, never shrunk. The display matrix of the frame then
    rotates and mirrors the picture, to the nearest of the eight orientations.

    Args:
        frame: The frame.
        aspect: Width of a pixel over its height (sample aspect ratio); None: square.
        turn: How the picture is rotated, see :func:`display_matrix`; None: as the frame says.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    if turn is None:
        turn = (display_matrix(frame) or (np.eye(2), True))[0]
    return orient(_squared(image, aspect), turn)


def display_matrix(frame: av.VideoFrame) -> tuple[Turn, bool] | None:
    """Return the orientation of a frame's picture, and whether its matrix is exactly that.

    Returns:
        float64 (2, 2) of -1, 0 and 1, the nearest to what the frame says: (x, y) as shown (y
        down) = (x, y) of the picture times it; None if the frame says nothing.
    """
    side = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(side, SideData):
        return None
    # ISO 14496-12, 6.2.2: a b u c d v x y w; x' = a x + c y + .., y' = b x + d y + ..
    a, b, _, c, d = np.frombuffer(bytes(side), np.int32, 5).tolist()
    return nearest_orientation(np.array([[a, b], [c, d]], np.float64))


def nearest_orientation(matrix: Turn) -> tuple[Turn, bool]:
    """Return the nearest of the eight orientations, and whether the matrix is exactly that.

    Args:
        matrix: float64 (2, 2); scaling is ignored: where it differs between the axes, it is in
            the sample aspect ratio already.
    """
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not (length > 0).all():
        return np.eye(2), False
    unit = matrix / length
    straight = abs(unit[0, 0]) + abs(unit[1, 1]) >= abs(unit[0, 1]) + abs(unit[1, 0])
    kept = np.eye(2) if straight else np.eye(2)[::-1]
    nearest = kept * np.where(unit < 0, -1.0, 1.0)
    return nearest, bool(np.abs(unit - nearest).max() <= TILT)


def orient(image: Image, turn: Turn) -> Image:
    """Return an image, uint8 (height, width, 3), in one of the eight orientations."""
    if turn[0, 0] == 0:
        image = image.transpose(1, 0, 2)
    right, down = turn.sum(0)  # the one non-zero entry of each column
    if right < 0:
        image = image[:, ::-1]
    if down < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)


def fit(image: Image, size: tuple[int, int]) -> Image:
    """Scale an image, uint8 (height, width, 3), to a size (width, height), undistorted.

    Where the aspect ratios differ, it gets black bars.
    """
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    inside = min(size[0], round(width * scale)), min(size[1], round(height * scale))
    if abs(inside[0] - size[0]) <= 2 and abs(inside[1] - size[1]) <= 2:
        return _resized(image, size)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inside[0]) // 2, (size[1] - inside[1]) // 2
    canvas[top : top + inside[1], left : left + inside[0]] = _resized(image, inside)
    return canvas


def _squared(image: Image, aspect: Fraction | None) -> Image:
    if not aspect or aspect == 1 or not 1 / SQUEEZED <= aspect <= SQUEEZED:
        return image
    height, width = image.shape[:2]
    if aspect > 1:
        return _resized(image, (round(width * aspect), height))
    return _resized(image, (width, round(height / aspect)))


def _resized(image: Image, size: tuple[int, int]) -> Image:
    smaller = size[0] * size[1] < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(
        cv2.resize(image, (max(1, size[0]), max(1, size[1])), interpolation=how), np.uint8
    )
