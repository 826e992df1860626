"""The picture in one window's array, for display."""

import numpy as np

from emorec.types import Array


def as_picture(array: Array | None) -> Array | None:
    """Return the RGB picture uint8 (H, W, 3) in one window's array, if it holds one.

    Args:
        array: uint8 (3 or 1, H, W), or frames (T, 3 or 1, H, W), of which the middle one is taken.
    """
    if array is None or array.dtype != np.uint8 or array.ndim not in (3, 4):
        return None
    image = array if array.ndim == 3 else array[len(array) // 2]
    if image.shape[0] == 1:
        image = np.repeat(image, 3, 0)
    return np.asarray(image).transpose(1, 2, 0) if image.shape[0] == 3 else None
