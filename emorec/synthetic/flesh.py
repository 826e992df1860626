"""The flesh of the face: how it moves with the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from emorec.synthetic.features import X0, X1, Y0, Y1
from emorec.synthetic.portrait import (
    CHIN,
    EYES,
    LEFT,
    MOUTH,
    NOSE,
    TOP,
    ZOOM,
    Image,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emorec.synthetic.expression import Units
    from emorec.synthetic.looks import Look


class Flesh:
    """Smooth displacement of a subject's face region, driven by action units."""

    def __init__(self, look: Look) -> None:
        """Prepare the displacement fields of one subject."""
        rows, columns = np.mgrid[Y0:Y1, X0:X1].astype(np.float32)
        x, y = columns / ZOOM + LEFT, rows / ZOOM + TOP

        def bump(at: tuple[float, float], wide: float, high: float) -> NDArray[np.float32]:
            hill = np.exp(-(((x - at[0]) / wide) ** 2) - ((y - at[1]) / high) ** 2)
            return np.asarray(hill, dtype=np.float32)

        # Maps say where a pixel comes from, hence all signs are opposite to the movement.
        shift_x = np.zeros_like(x)
        shift_y = 6.0 * bump((225, 74), 34, 12)  # a higher forehead: room for raised brows
        for side, eye in zip((-1, 1), EYES, strict=True):
            shift_x -= look.eye_gap * side * bump(eye, 17, 14)
            shift_x -= look.jaw * side * bump((224 + 36 * side, 155), 18, 22)
        shift_y -= look.nose * bump(NOSE, 13, 14) + look.mouth * bump(MOUTH, 26, 16)
        self._x = columns + np.float32(ZOOM) * shift_x
        self._y = rows + np.float32(ZOOM) * shift_y
        eyes = sum((y - eye[1]) * bump(eye, 15, 9) for eye in EYES)
        cheeks = bump((200, 124), 12, 11) + bump((248, 125), 12, 11)
        inner_lids = bump((213, 97), 9, 6) + bump((237, 98), 9, 6)
        fields = (eyes, bump(NOSE, 16, 14), cheeks, inner_lids, bump(CHIN, 34, 16))
        self._fields = np.float32(ZOOM) * np.stack(fields).astype(np.float32)

    def move(self, roi: Image, units: Units) -> Image:
        """Displace the region as the units require.

        Args:
            roi: uint8 (h, w, channels), the region X0..X1, Y0..Y1 of the canvas.
            units: Action units of this frame.

        Returns:
            The displaced region, of the same shape and type.
        """

        def u(unit: int) -> float:
            return units.get(unit, 0.0)

        openness = 1 + 0.4 * u(5) - 0.38 * u(7) - 0.32 * u(6)
        weights = np.array(
            [
                1 / max(openness, 0.5) - 1,
                5.0 * u(9),
                4.0 * u(6) + 2.5 * u(9),
                -3.0 * u(4) + 2.0 * u(1),
                -9.0 * u(26) + 2.5 * u(17),
            ],
            dtype=np.float32,
        )
        map_y = self._y + np.tensordot(weights, self._fields, axes=1)
        # The maps are canvas coordinates; the region starts at X0, Y0.
        moved = cv2.remap(
            roi, self._x - X0, map_y - Y0, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(moved, dtype=np.uint8)
