"""The points of a face, in frames of any form and faces of any turn."""

import cv2
import numpy as np
import pytest

from emorec.media import BlazeFaceDetector, Face
from emorec.media.mesh import face_mesh, roll
from emorec.networks.landmarks import AS_68, LEFT_EYE, MESH, RIGHT_EYE
from tests.helpers.media_files import Image, portrait


def turned(image: Image, degrees: float) -> tuple[Image, np.ndarray]:
    """Return the image turned around its middle, and the map of its pixels."""
    height, width = image.shape[:2]
    place = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    grey = (128, 128, 128)
    return np.asarray(cv2.warpAffine(image, place, (width, height), borderValue=grey)), place


def seen(image: Image) -> tuple[Face, np.ndarray]:
    [[face]] = BlazeFaceDetector(min_face=20).detect([image])
    points = face_mesh().points(image, face)
    assert points is not None
    return face, points


def test_points_lie_where_the_parts_of_the_face_are() -> None:
    face, points = seen(portrait())
    assert points.shape == (MESH, 2)
    assert points.dtype == np.float32
    known = points[list(AS_68)]
    left, right = known[list(LEFT_EYE)].mean(0), known[list(RIGHT_EYE)].mean(0)
    nose, mouth, chin = known[30], known[48:].mean(0), known[8]
    assert left[0] < nose[0] < right[0]
    assert max(left[1], right[1]) < nose[1] < mouth[1] < chin[1]
    inside = (points > [face.left - face.side / 4, face.top - face.side / 4]).all(1)
    assert inside.all()
    assert (known[17:22, 1] < left[1]).all()  # brows are above eyes


@pytest.mark.parametrize("degrees", [25, -40])
def test_a_turned_face_has_the_same_points(degrees: float) -> None:
    face, points = seen(portrait())
    image, place = turned(portrait(), degrees)
    corners = np.array([[face.left, face.top], [face.right, face.bottom]])
    x, y = place @ np.append(corners.mean(0), 1)
    half = face.side / 2
    found = face_mesh().points(image, Face(x - half, y - half, x + half, y + half, 1.0))
    assert found is not None
    wanted = points @ place[:, :2].T + place[:, 2]
    assert np.abs(found - wanted).mean() < 0.03 * face.side
    assert np.degrees(roll(found) - roll(points)) == pytest.approx(-degrees, abs=4)


def test_where_there_is_no_face_there_are_no_points() -> None:
    grey = np.full((200, 300, 3), 128, np.uint8)
    assert face_mesh().points(grey, Face(50, 50, 150, 170, 0.9)) is None
