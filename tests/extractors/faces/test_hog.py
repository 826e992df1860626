"""Histograms of oriented gradients: against another implementation, and of real pictures."""

from pathlib import Path

import numpy as np
import pytest
from skimage.feature import hog

from emorec.errors import UserError
from emorec.extractors import FaceHog
from emorec.extractors.faces.hog import gradient_histograms
from emorec.media import probe
from emorec.types import Clip, Window
from tests.helpers.detectors import Searched, Stub
from tests.helpers.media_files import Picture, portrait, times, write_media


@pytest.mark.parametrize(("size", "cell", "directions"), [(48, 8, 9), (64, 16, 6), (32, 4, 12)])
def test_descriptors_are_those_of_scikit_image(size: int, cell: int, directions: int) -> None:
    grey = np.random.default_rng(0).uniform(0, 255, (size, size)).astype(np.float32)
    wanted = hog(grey, directions, (cell, cell), (2, 2), "L2-Hys")
    found = gradient_histograms(grey, cell, directions)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    extractor = FaceHog(3, size, cell, directions)
    assert extractor.shape == (3, len(found))
    np.testing.assert_allclose(
        gradient_histograms(3 * grey + 7, cell, directions), found, atol=1e-5
    )


def test_edges_fall_into_the_bin_of_their_gradient() -> None:
    picture = np.zeros((32, 32), np.float32)
    picture[:, 11:] = 200
    upright = gradient_histograms(picture, 8, 4).reshape(-1, 4).sum(0)
    lying = gradient_histograms(picture.T.copy(), 8, 4).reshape(-1, 4).sum(0)
    assert upright.argmax() == 0
    assert lying.argmax() == 2
    assert not gradient_histograms(np.full((32, 32), 9, np.float32), 8, 4).any()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 25 frames a second, numbered."""
    return write_media(tmp_path_factory.mktemp("faces") / "clip.mp4", Picture(times(50)))


def made() -> FaceHog:
    search = Searched(mode="every_frame", found_by=Stub(range(50)))
    return FaceHog(4, 48, margin=0.0, faces=search)


def test_windows_and_streams_give_the_same_sequences(video: Path) -> None:
    windows = [Window(0.0, 0.8), Window(1.2, 2.0)]
    clip, media = Clip("a", video), probe(video)
    whole = made().extract(clip, media, windows).arrays
    for array in whole:
        assert array is not None
        assert array.shape == made().shape == (4, 900)
        assert array.dtype == np.float16
        values = array.astype(np.float32)
        assert 0 <= values.min() < values.max() <= 1
    assert not np.array_equal(np.asarray(whole[0]), np.asarray(whole[1]))
    (streamed,) = made().stream(clip, media, [windows])
    for one, other in zip(streamed.persons[1], whole, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert made().constants() is None
    assert made().pooled_axes == (0,)


@pytest.mark.slow
def test_a_real_face_is_found_and_described(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(times(10), draw=lambda _: portrait()))
    extractor = FaceHog(2)
    (array,) = extractor.extract(Clip("a", path), probe(path), [Window(0.0, 0.4)]).arrays
    assert array is not None
    assert array.astype(np.float32).std() > 0.05


@pytest.mark.parametrize("options", [{"size": 50}, {"cell": 48}, {"cell": 1}, {"orientations": 1}])
def test_cells_fill_the_crop(options: dict[str, int]) -> None:
    with pytest.raises(UserError, match="size is a multiple of cell"):
        FaceHog(**options)  # type: ignore[arg-type]
