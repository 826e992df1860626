"""Arrays that were computed elsewhere: what fits, and what each mistake is called."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.errors import UserError
from emorec.extractors import StoredFeatures
from emorec.media import Media, MediaError
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window

WINDOWS = [Window(0.0, 1.0), Window(1.0, 2.0)]
MEDIA = Media(Path("a.mp4"), 0.0, 2.0, None, None)


def extracted(path: Path, shape: list[int]) -> list[Array | None]:
    clip = Clip("a", Path("a.mp4"), sidecars={"bert": path})
    return StoredFeatures("bert", shape).extract(clip, MEDIA, WINDOWS).arrays


def saved(folder: Path, array: Any) -> Path:
    np.save(folder / "a.npy", array)
    return folder / "a.npy"


def test_a_vector_is_the_same_in_each_window(tmp_path: Path) -> None:
    arrays = extracted(saved(tmp_path, np.arange(4, dtype=np.int16)), [4])
    assert len(arrays) == 2
    for array in arrays:
        assert array is not None
        assert array.dtype == np.float32
        assert array.tolist() == [0, 1, 2, 3]


def test_a_sequence_is_cut_or_padded(tmp_path: Path) -> None:
    long = np.arange(10, dtype=np.float64).reshape(5, 2)
    (cut, _) = extracted(saved(tmp_path, long), [3, 2])
    (padded, _) = extracted(saved(tmp_path, long), [7, 2])
    assert cut is not None
    assert padded is not None
    assert np.array_equal(cut, long[:3])
    assert np.array_equal(padded[:5], long)
    assert padded.shape == (7, 2)
    assert np.isnan(padded[5:]).all()


def test_zeros_at_the_end_of_a_sequence_are_padding(tmp_path: Path) -> None:
    stored = np.array([[0, 0], [1, 2], [0, 0], [0, 3], [0, 0], [0, 0]])
    for shape in ([6, 2], [4, 2]):
        array, _ = extracted(saved(tmp_path, stored), shape)
        assert array is not None
        assert np.array_equal(array[:4], stored[:4])
        assert np.isnan(array[4:]).all()
    vector, _ = extracted(saved(tmp_path, np.array([1, 0, 0])), [3])
    assert vector is not None
    assert vector.tolist() == [1, 0, 0]


@pytest.mark.parametrize("steps", [0, 2])
def test_a_sequence_of_no_steps_is_absent(tmp_path: Path, steps: int) -> None:
    clip = Clip("a", Path("a.mp4"), sidecars={"bert": saved(tmp_path, np.zeros((steps, 2)))})
    found = StoredFeatures("bert", [3, 2]).extract(clip, MEDIA, WINDOWS)
    assert found.arrays == [None, None]
    assert found.findings == [Finding(FindingKind.EMPTY_SIDECAR, "bert")]


def test_a_clip_without_the_sidecar_lacks_the_modality() -> None:
    clip = Clip("a", Path("a.mp4"), sidecars={"other": Path("b.npy")})
    found = StoredFeatures("bert", [4]).extract(clip, MEDIA, WINDOWS)
    assert found.arrays == [None, None]
    assert found.findings == [Finding(FindingKind.NO_SIDECAR, "bert")]


def test_statistics_are_of_each_number_pooled_over_time_or_left_out() -> None:
    assert StoredFeatures("bert", [4]).pooled_axes == ()
    assert StoredFeatures("bert", [18, 342]).pooled_axes == (0,)
    assert StoredFeatures("bert", [4]).constants() is None
    constants = StoredFeatures("bert", [4], standardise=False).constants()
    assert constants is not None
    assert [values.tolist() for values in constants] == [[0.0], [1.0]]
    assert StoredFeatures("bert", [4]).reads == ("bert",)


@pytest.mark.parametrize(
    ("array", "shape", "message"),
    [
        (np.zeros(5), [4], "has shape 5; expected 4: see the option shape"),
        (np.zeros((1, 4)), [4], "has shape 1 x 4; expected 4:"),
        (np.zeros((4, 3)), [4, 2], "has shape 4 x 3; expected 4 x 2 (of any length in time"),
        (np.zeros(4), [4, 2], "has shape 4; expected 4 x 2"),
        (np.float64(1), [1], "has shape of a single number; expected 1"),
        (np.array([1, np.nan, np.inf]), [3], "has 2 values that are NaN, infinite or too large"),
        (np.array([1e300]), [1], "has 1 values that are NaN, infinite or too large"),
        (np.array(["a", "b"]), [2], "holds <U1; expected real numbers"),
        (np.zeros(2, complex), [2], "holds complex128; expected real numbers"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, array: Any, shape: list[int], message: str
) -> None:
    with pytest.raises(MediaError) as caught:
        extracted(saved(tmp_path, array), shape)
    assert f"a.npy {message}" in caught.value.detail
    assert caught.value.brief.startswith("sidecar bert: ")
    assert not set("0123456789") & set(caught.value.brief)  # the same for all such clips


def test_files_that_are_no_arrays_are_refused_without_running_them(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"sidecar bert: file not found \(.*none\.npy\)"):
        extracted(tmp_path / "none.npy", [4])
    pickled = saved(tmp_path, np.array([{"a": 1}], object))
    with pytest.raises(
        MediaError, match=r"cannot be read as an array \(a\.npy: .* expected a \.npy file"
    ):
        extracted(pickled, [1])
    for content in (b"", b"no array", pickled.read_bytes()[:20]):
        pickled.write_bytes(content)
        with pytest.raises(MediaError, match="cannot be read as an array"):
            extracted(pickled, [1])
    np.savez(tmp_path / "a.npz", x=np.zeros(4))
    with pytest.raises(MediaError, match="holds several arrays"):
        extracted(tmp_path / "a.npz", [4])
    with pytest.raises(MediaError, match="cannot be read as an array"):
        extracted(tmp_path, [4])


@pytest.mark.parametrize(("name", "shape"), [("x", []), ("x", [0, 4]), ("", [4])])
def test_a_shape_has_sizes(name: str, shape: list[int]) -> None:
    with pytest.raises(UserError, match="a shape of sizes of at least 1"):
        StoredFeatures(name, shape)
