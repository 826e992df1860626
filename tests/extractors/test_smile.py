"""openSMILE from its own package: its sets, and how unusual windows are handled."""

import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import opensmile
import pytest
import torch

from emorec.cache import make_entry
from emorec.errors import UserError
from emorec.extractors import OpenSmile
from emorec.extractors.smile import SIZES
from emorec.media import probe, read_windows
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip, Window
from emorec.windows import WholeClip
from tests.helpers.media_files import tone, write_sound


def voice(seconds: float, rate: int = 16000) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.02, round(rate * seconds))
    return (tone(rate, seconds, 220.0, 0.3) + noise).astype(np.float32)


@pytest.mark.parametrize("name", SIZES)
def test_the_sizes_are_those_of_the_package(name: str) -> None:
    extractor = OpenSmile(name)
    made = extractor.arrays(torch.from_numpy(voice(0.5))[None])
    assert made.dtype == np.float32
    assert made.shape == (1, *extractor.shape) == (1, SIZES[name])
    assert np.isfinite(made.astype(np.float64)).all()


def test_no_set_of_the_package_is_left_out_but_old_names_of_others() -> None:
    assert set(opensmile.FeatureSet.__members__) - set(SIZES) == {"GeMAPS", "eGeMAPS"}


def test_values_are_openSMILEs_of_the_windows_samples(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", voice(2.0)[None], 16000)
    windows = [Window(0.0, 1.0), Window(0.5, 1.5), Window(3.0, 4.0)]
    found = OpenSmile().extract(Clip("a", path), probe(path), windows)
    samples, _ = read_windows(probe(path), windows, 16000)
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02)
    for array, signal in zip(found.arrays[:2], samples, strict=False):
        assert array is not None
        wanted = smile.process_signal(signal, 16000)
        np.testing.assert_array_equal(array, wanted.to_numpy()[0])
        pitch = list(wanted.columns).index("F0semitoneFrom27.5Hz_sma3nz_amean")
        assert array[pitch] == pytest.approx(36, abs=0.3)  # three octaves above 27.5 Hz
    assert found.arrays[2] is None  # without sound


def test_full_scale_does_not_wrap_around() -> None:
    # Level of the highest positive value and of just below it.
    loud = torch.full((1, 16000), 0.0)
    loud[:, ::2] = 1.0
    near = loud * (32767 / 32768)
    np.testing.assert_array_equal(OpenSmile("IS09").arrays(loud), OpenSmile("IS09").arrays(near))


def test_windows_that_are_too_short_are_absent_with_a_reason(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", voice(1.0)[None], 16000)
    windows = [Window(0.0, 0.05), Window(0.5, 0.55)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = OpenSmile().extract(Clip("a", path), probe(path), windows)
    assert found.arrays == [None, None]
    what = "eGeMAPSv02 of openSMILE"
    assert found.findings == [Finding(FindingKind.TOO_SHORT, "sound", 2, 2, what)]
    write_sound(tmp_path / "short.wav", voice(0.04)[None], 16000)
    clip = Clip("b", Path("short.wav"))
    entry, _ = make_entry(clip, tmp_path, WholeClip(), {"audio": OpenSmile()})
    assert entry.reason == (
        "nothing usable in any window (too short for eGeMAPSv02 of openSMILE: 1 of 1 windows)"
    )


def test_single_values_that_are_not_finite_become_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sound(tmp_path / "a.wav", voice(1.0)[None], 16000)
    extractor = OpenSmile()
    made = np.ones((1, 88), np.float32)
    made[0, :3] = np.nan, np.inf, -np.inf
    monkeypatch.setattr(extractor, "arrays", lambda samples: made)
    (array,) = extractor.extract(Clip("a", path), probe(path), [Window(0.0, 1.0)]).arrays
    assert array is not None
    assert array[:5].tolist() == [0, 0, 0, 1, 1]


def test_a_configuration_of_ones_own_is_read(tmp_path: Path) -> None:
    of_package = Path(opensmile.__file__).parent / "core/config/is09-13/IS10_paraling_compat.conf"
    samples = torch.from_numpy(voice(0.5))[None]
    own = OpenSmile(str(of_package), size=1582)
    assert own.shape == (1582,)
    np.testing.assert_array_equal(own.arrays(samples), OpenSmile("IS10").arrays(samples))
    with pytest.raises(
        UserError, match="gives 1582 features per window, but OpenSmile has size: 88"
    ):
        OpenSmile(str(of_package), size=88).arrays(samples)
    with pytest.raises(UserError, match="no openSMILE configuration at"):
        OpenSmile(str(tmp_path / "none.conf"), size=88).arrays(samples)
    (tmp_path / "bad.conf").write_text("hello\n")
    with pytest.raises(UserError, match="openSMILE cannot use the configuration"):
        OpenSmile(str(tmp_path / "bad.conf"), size=88).arrays(samples)


def test_options_that_do_not_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no feature set 'egemaps'; expected one of ComParE_2016"):
        OpenSmile("egemaps")
    for name, size in (("IS10", 1582), ("my.conf", None), ("my.conf", 0)):
        with pytest.raises(UserError, match="size is the number of features"):
            OpenSmile(name, size=size)
    with pytest.raises(UserError, match="at least 8000 Hz"):
        OpenSmile(sample_rate=4000)
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(UserError, match=r"pip install 'emorec\[opensmile\]'"):
        OpenSmile().arrays(torch.zeros(1, 16000))


def test_a_copy_in_another_process_makes_its_own_handle() -> None:
    extractor = OpenSmile()
    samples = torch.from_numpy(voice(0.5))[None]
    before = extractor.arrays(samples)
    copy = pickle.loads(pickle.dumps(extractor))
    np.testing.assert_array_equal(copy.arrays(samples), before)
