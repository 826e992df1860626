"""Pictures of a face's points: what they show, and what they do not depend on."""

import math

import pytest
import torch
from torch import Tensor

from emorec.encoders import LandmarkImageEncoder
from emorec.encoders.landmark_images import LandmarkImage, course, level, pairwise, raster
from emorec.errors import UserError
from emorec.networks.landmarks import AS_68, EDGES, LEFT_EYE, MESH, RIGHT_EYE
from emorec.testing import check_encoder

IMAGES: tuple[LandmarkImage, ...] = ("raster", "pairwise", "course")


def face(frames: int = 6, rows: int = 2, points: int = 68) -> Tensor:
    """Return random points with eyes apart, as FaceLandmarks gives them."""
    random = torch.Generator().manual_seed(5)
    x = 20 * torch.randn(rows, frames, points, 2, generator=random) + 300
    eyes = (LEFT_EYE, RIGHT_EYE)
    for side, eye in zip((-60.0, 60.0), eyes, strict=True):
        index = list(eye) if points == 68 else [AS_68[i] for i in eye]
        x[:, :, index, 0] += side
    return torch.cat([x, torch.ones(rows, frames, points, 1)], -1)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("points", [68, MESH])
def test_they_keep_what_an_encoder_promises(image: LandmarkImage, points: int) -> None:
    encoder = LandmarkImageEncoder(image, dim=6)
    check_encoder(encoder, face(points=points))
    shapes = {"raster": (2, 6, 1, 64, 64), "pairwise": (2, 6, 1, 68, 68), "course": (2, 2, 40, 68)}
    assert encoder.fixed(face(points=points)).shape == shapes[image]


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize(("angle", "scale"), [(0.0, 3.0), (0.4, 1.0), (-1.2, 0.25)])
def test_neither_place_nor_size_nor_roll_matter(
    image: LandmarkImage, angle: float, scale: float
) -> None:
    x = face()
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    moved = x.clone()
    moved[..., :2] = x[..., :2] @ torch.tensor([[c, s], [-s, c]]) + torch.tensor([-80.0, 500.0])
    encoder = LandmarkImageEncoder(image)
    torch.testing.assert_close(encoder.fixed(x), encoder.fixed(moved), rtol=0, atol=1e-4)


def test_a_raster_is_bright_on_the_lines_and_dark_away_from_them() -> None:
    points, _ = level(face(1, 1))
    drawn = raster(points[0])[0]
    for a, b in EDGES[::7]:
        middle = 32 + 12 * points[0, 0, [a, b]].mean(0)
        x, y = middle.round().long().clamp(0, 63).tolist()
        off = float((middle - torch.tensor([x, y])).square().sum())
        if (middle > 0).all() and (middle < 63).all():
            assert drawn[y, x] >= math.exp(-off / (2 * 0.7**2)) - 1e-5
    lonely = torch.full((1, 68, 2), -1.5)  # all lines in one corner
    assert raster(lonely)[0, 40:, 40:].max() < 1e-6
    assert raster(lonely)[0, 14, 14] == 1


def test_pairs_are_distances_in_units_of_the_eyes() -> None:
    points, _ = level(face(1, 1))
    centres = [points[0, 0, list(eye)].mean(0) for eye in (LEFT_EYE, RIGHT_EYE)]
    assert float((centres[1] - centres[0]).norm()) == pytest.approx(1, abs=1e-4)
    found = pairwise(points[0])[0]
    torch.testing.assert_close(found, found.T)
    assert float(found[3, 50]) == pytest.approx(float((points[0, 0, 3] - points[0, 0, 50]).norm()))


def test_a_course_leaves_out_who_it_is() -> None:
    points, shown = level(face(40))
    drawn = course(points, shown)
    torch.testing.assert_close(drawn.mean(2), torch.zeros(2, 2, 68), atol=1e-5, rtol=0)
    other = points + torch.randn(1, 1, 68, 2)  # another face that moves alike
    torch.testing.assert_close(course(other, shown), drawn, atol=1e-5, rtol=0)
    # Forty frames are taken as they are.
    mean = points.mean(1, keepdim=True)
    torch.testing.assert_close(drawn[0, 1, 7], (points - mean)[0, 7, :, 1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("image", IMAGES[:2])
def test_frames_without_points_at_the_end_change_nothing(image: LandmarkImage) -> None:
    encoder = LandmarkImageEncoder(image, dim=6).eval()
    x = face()
    longer = torch.cat([x, torch.zeros(2, 4, 68, 3)], 1)
    torch.testing.assert_close(encoder(longer), encoder(x))
    assert encoder(torch.zeros(2, 4, 68, 3)).isfinite().all()


def test_other_inputs_are_refused() -> None:
    for shape in ((2, 5, 60, 3), (2, 5, 68, 2), (2, 68, 3)):
        with pytest.raises(UserError, match="68 or 468 points, 3"):
            LandmarkImageEncoder()(torch.randn(shape))
