"""The one portrait behind every face: cropped, cut out, without its smile and brows.

The picture is NASA's public-domain portrait of Eileen Collins, `skimage.data.astronaut()`,
which is part of scikit-image's wheel. All points here and in the sibling modules are pixels
of that picture, (x, y); `to_canvas` turns them into pixels of the enlarged crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from emorec.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

Image = NDArray[np.uint8]
Mask = NDArray[np.float32]
Points = list[tuple[float, float]]

ZOOM = 1.25
LEFT, TOP, RIGHT, BOTTOM = 75, 0, 375, 280
_ORIGIN = np.array([LEFT, TOP], dtype=np.float32)
EYES = ((203.5, 101.5), (246.5, 103.0))
NOSE = (223.0, 126.0)
MOUTH = (225.0, 145.0)
CHIN = (224.0, 174.0)
# Inner end, middle and outer end of each brow.
BROWS = (((214, 93), (200, 88.5), (187, 91.5)), ((237, 94.5), (251, 91), (264, 95.5)))

_HEAD: Points = [
    (231, 15), (250, 17), (262, 22), (280, 32), (290, 42), (297, 60), (301, 80), (300, 95),
    (294, 108), (283, 120), (278, 128), (273, 135), (268, 137), (266, 143), (262, 155),
    (257, 160), (255, 172), (254, 190), (230, 196), (200, 192), (187, 184), (187, 160),
    (184, 150), (182, 135), (178, 132), (172, 122), (168, 115), (160, 105), (155, 95),
    (153, 75), (153, 65), (157, 58), (170, 45), (188, 37), (192, 29), (205, 22), (220, 17),
]  # fmt: skip
_SKIN: Points = [
    (186, 70), (198, 79), (215, 80), (240, 83), (258, 88), (267, 90), (270, 105), (271, 120),
    (272, 129), (281, 127), (273, 139), (266, 145), (264, 156), (259, 161), (256, 190),
    (230, 196), (200, 192), (185, 184), (185, 160), (182, 150), (180, 135), (168, 121),
    (180, 118), (181, 105), (184, 90),
]  # fmt: skip
_CLOTHES: Points = [
    (186, 178), (200, 185), (230, 190), (255, 183), (275, 193), (310, 203), (338, 216),
    (356, 240), (362, 300), (88, 300), (94, 240), (110, 217), (135, 204), (170, 192),
]  # fmt: skip
_SMILE: Points = [
    (203, 137), (245, 137), (254, 134), (256, 142), (249, 152), (238, 161), (212, 161),
    (199, 152), (193, 141), (194, 133),
]  # fmt: skip
_FOLDS: tuple[Points, ...] = ([(208, 124), (195, 138)], [(240, 125), (253, 142)])


@dataclass(frozen=True)
class Portrait:
    """The blank face and its parts, all of one height and width (350, 375).

    Attributes:
        rgb: The face without brows and mouth, uint8 (H, W, 3).
        closed: The same with closed eyes, uint8 (H, W, 3).
        person: The person as opposed to the background, float32 (H, W), 0..1.
        skin: Face, ears and neck, float32 (H, W), 0..1.
        clothes: Shoulders, float32 (H, W), 0..1.
        beard: Where stubble grows, float32 (H, W), 0..1.
    """

    rgb: Image
    closed: Image
    person: Mask
    skin: Mask
    clothes: Mask
    beard: Mask


def to_canvas(points: object) -> NDArray[np.float32]:
    """Turn picture points (..., 2) into float32 canvas pixels (..., 2)."""
    return (np.asarray(points, dtype=np.float32) - _ORIGIN) * np.float32(ZOOM)


def fixed_point(points: object) -> NDArray[np.int32]:
    """Turn picture points (..., 2) into canvas pixels with 4 fractional bits, for cv2."""
    return np.round(to_canvas(points) * 16).astype(np.int32)


def _fill(shape: Points, soft: float) -> Mask:
    """Fill a polygon of picture points, its edge softened by `soft` canvas pixels."""
    height, width = int((BOTTOM - TOP) * ZOOM), int((RIGHT - LEFT) * ZOOM)
    mask = np.zeros((height, width), dtype=np.float32)
    cv2.fillPoly(mask, [fixed_point(shape)], 1.0, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), dtype=np.float32)


def _erase(rgb: Image, mask: Image, radius: float) -> Image:
    """Fill the masked part with its surroundings, smoothly."""
    filled = cv2.inpaint(rgb, mask, radius, cv2.INPAINT_TELEA)
    smooth = cv2.GaussianBlur(filled, (0, 0), 3)
    weight = cv2.GaussianBlur(mask, (0, 0), 1.5)[..., None] / 255.0
    return np.asarray(filled * (1 - weight) + smooth * weight, dtype=np.uint8)


@lru_cache(maxsize=1)
def load_portrait() -> Portrait:
    """Load the portrait and separate its parts.

    Returns:
        The parts; they are shared, so treat them as read-only.

    Raises:
        UserError: If scikit-image is not installed.
    """
    try:
        from skimage.data import astronaut
    except ImportError as error:
        raise UserError(
            "the synthetic set warps a portrait that scikit-image ships; "
            "install it: pip install 'emorec[demo]'"
        ) from error
    read: Callable[[], Image] = astronaut  # scikit-image has no types
    picture = read()

    # The original smiles; a mouth and brows that move are painted on this blank face later.
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, [np.array(_SMILE, dtype=np.int32)], 255)
    for fold in _FOLDS:
        cv2.polylines(mask, [np.array(fold, dtype=np.int32)], False, 255, 5)
    for brow in BROWS:
        cv2.polylines(mask, [np.array(brow, dtype=np.int32)], False, 255, 6)
    blank = _erase(picture, mask, 4)

    mask[:] = 0
    for x, y in EYES:
        cv2.ellipse(mask, (round(x), round(y)), (13, 6), 0, 0, 360, 255, -1)
    closed = _erase(blank, mask, 3)
    for x, y in EYES:
        lashes = np.round(np.array([x, y + 1]) * 16).astype(int).tolist()
        axes = (11 * 16, 3 * 16)
        cv2.ellipse(closed, lashes, axes, 0, 10, 170, (70, 45, 35), 1, cv2.LINE_AA, 4)

    def enlarge(image: Image) -> Image:
        crop = image[TOP:BOTTOM, LEFT:RIGHT]
        return np.asarray(cv2.resize(crop, None, fx=ZOOM, fy=ZOOM), dtype=np.uint8)

    clothes = _fill(_CLOTHES, 1.0)
    lower_face = _fill([(183, 128), (267, 130), (262, 158), (240, 180), (207, 180), (186, 158)], 6)
    nose = _fill([(203, 120), (243, 120), (243, 135), (203, 135)], 5)
    return Portrait(
        rgb=enlarge(blank),
        closed=enlarge(closed),
        # The inner half of a wide edge, so that none of the original wall is left around the hair.
        person=np.maximum(np.clip(_fill(_HEAD, 2.0) * 2 - 1, 0, 1), clothes),
        skin=_fill(_SKIN, 1.5),
        clothes=clothes,
        beard=np.asarray(lower_face * (1 - nose)),
    )
