"""Turns action units into pixels: paints brows, mouth and creases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from emorec.synthetic.portrait import (
    BROWS,
    MOUTH,
    Image,
    fixed_point,
    to_canvas,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emorec.synthetic.expression import Units
    from emorec.synthetic.looks import Look

# The part of the canvas that paint and warps touch: x0, y0, x1, y1.
X0, Y0, X1, Y1 = (int(v) for v in to_canvas([(145, 40), (307, 205)]).ravel())
_T = np.linspace(-1, 1, 25)
_BULGE = (1 - _T**2) ** 0.6
_BOW = 1 - 0.3 * np.exp(-((_T / 0.16) ** 2))
_S = np.linspace(0, 1, 13)[:, None]
_SOFT = 0.8


def _blend(
    roi: Image, outline: NDArray[np.float64], colour: NDArray[np.float64], weight: float
) -> None:
    """Fill a polygon of picture points (n, 2) into the region, with soft edges."""
    points = fixed_point(outline) - np.array([X0 * 16, Y0 * 16], dtype=np.int32)
    left, top = np.maximum(points.min(axis=0) // 16 - 3, 0)
    right, bottom = points.max(axis=0) // 16 + 4
    part = roi[top:bottom, left:right, :3]
    mask = np.zeros(part.shape[:2], dtype=np.float32)
    inside = points - np.array([left * 16, top * 16], dtype=np.int32)
    cv2.fillPoly(mask, [inside], weight, cv2.LINE_8, 4)
    soft = cv2.GaussianBlur(mask, (5, 5), _SOFT)[..., None]
    part[:] = part + soft * (colour.astype(np.float32) - part)


def _stroke(line: NDArray[np.float64], thickness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outline of a line (n, 2) that is `thickness` (n,) picture pixels high."""
    half = np.stack([np.zeros_like(thickness), thickness / 2], axis=1)
    return np.concatenate([line - half, (line + half)[::-1]])


def _curve(*points: tuple[float, float]) -> NDArray[np.float64]:
    """Return 13 points of the parabola through three points."""
    a, b, c = (np.array(point, dtype=np.float64) for point in points)
    return np.asarray(a * (1 - _S) * (1 - 2 * _S) + b * 4 * _S * (1 - _S) + c * _S * (2 * _S - 1))


def paint(roi: Image, look: Look, units: Units) -> None:
    """Paint brows, creases and mouth over the blank face.

    Args:
        roi: The region X0..X1, Y0..Y1 of the canvas, uint8 (h, w, 3 or more); modified.
        look: The subject.
        units: Action units of this frame.
    """

    def u(unit: int) -> float:
        return units.get(unit, 0.0)

    skin = np.array([214.0, 172.0, 148.0]) * look.skin
    dark = skin * 0.35
    _paint_brows(roi, look, units)

    # Creases: beside the mouth (9, 10, 12), between the brows (4) and on the nose (9).
    for side in (-1, 1):
        depth = min(0.45 * u(12) + 0.5 * u(10) + 0.2 * u(9), 0.7)
        if depth > 0.05:
            fold = _curve((223 + 15 * side, 125), (223 + 25 * side, 132), (224 + 29 * side, 144))
            _blend(roi, _stroke(fold, np.full(13, 2.2)), dark, depth * 0.6)
        if u(4) > 0.2:
            x = 225 + 4 * side
            outline = np.array([(x - 0.8, 86), (x + 0.8, 86), (x, 97), (x - 1.6, 97)])
            _blend(roi, outline, dark, min(0.35 * u(4), 0.4))
        if u(9) > 0.2:
            for row in (104, 109):
                ends = (224 + side, row), (224 + 6 * side, row + 1), (224 + 9 * side, row + 5)
                wrinkle = _curve(*ends)
                _blend(roi, _stroke(wrinkle, np.full(13, 1.6)), dark, min(0.45 * u(9), 0.6))
    _paint_mouth(roi, look, units)


def _paint_brows(roi: Image, look: Look, units: Units) -> None:
    inner_up, outer_up, lower = (units.get(unit, 0.0) for unit in (1, 2, 4))
    colour = np.array([105.0, 78.0, 52.0]) * look.hair * 0.75
    for side, (inner, middle, outer) in zip((-1, 1), BROWS, strict=True):
        inside = -8.0 * inner_up + 7.5 * lower
        outside = -6.5 * outer_up + 1.0 * lower + 2.0 * max(inner_up - outer_up, 0)
        line = _curve(
            (inner[0] - side * 5.0 * lower, inner[1] + inside),
            (middle[0] - side * 1.5 * lower, middle[1] + (inside + outside) / 2 - 1.5 * outer_up),
            (outer[0], outer[1] + outside),
        )
        thickness = look.brow * np.linspace(3.0, 1.2, 13) * (1 + 0.25 * min(lower, 1.0))
        _blend(roi, _stroke(line, thickness), colour, 0.85)


def _paint_mouth(roi: Image, look: Look, units: Units) -> None:
    def u(unit: int) -> float:
        return units.get(unit, 0.0)

    jaw, press = min(u(26), 1.3), min(u(24), 1.0)
    half = 17.0 * (1 + 0.28 * u(12) + 0.36 * u(20) - 0.12 * press - 0.25 * jaw)
    corners = -8.5 * u(12) + 8.0 * u(15) + 2.0 * u(20)
    up = 1.2 * u(25) + 5.0 * u(10) + 2.5 * jaw
    down = max(4.5 * u(25) + 1.0 * u(10) + 14.0 * jaw - 2.5 * u(17), 0.0)
    x = MOUTH[0] + half * _T
    # Pulled corners bend the whole mouth; about half of the bend moves its middle instead.
    middle = MOUTH[1] - 2.5 * u(17) - 3.0 * u(9) + corners * (_T**2 - 0.45)
    top, bottom = middle - up * _BULGE, middle + down * _BULGE
    lip = look.lips * (1 - 0.65 * press)
    skin = np.array([214.0, 172.0, 148.0]) * look.skin

    def between(upper: NDArray[np.float64], lower: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]])

    lips = skin * (0.86, 0.55, 0.58)
    _blend(roi, between(top - 4.0 * lip * _BULGE * _BOW, middle + 0.3), lips * 0.93, 0.85)
    _blend(roi, between(middle - 0.3, bottom + 5.5 * lip * _BULGE), lips, 0.85)
    inside = between(top - 0.5 * _BULGE - 0.25, bottom + 0.5 * _BULGE + 0.25)
    _blend(roi, inside, np.array([50.0, 18.0, 20.0]), 0.95)
    bared = min(0.5 * u(12) + 0.55 * u(10) + 0.5 * u(20) + 0.25 * jaw, 0.75)
    gap = up + down
    if gap * bared > 1.0:
        teeth = between(top, top + np.minimum(gap * bared, 5.5) * _BULGE)
        _blend(roi, teeth, np.array([232.0, 226.0, 215.0]), 0.9)
    if press > 0.2:
        # Pressed lips bulge the skin above and below: a shadow under the lower lip.
        shadow = between(bottom + 5.0 * _BULGE, bottom + 7.5 * _BULGE)
        _blend(roi, shadow, skin * 0.55, 0.45 * press)
