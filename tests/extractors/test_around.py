"""Longer windows for one modality: the same as the other extractor's on longer windows."""

from pathlib import Path

import numpy as np
import pytest

from emorec.cache.store import fingerprint
from emorec.extractors import Around, FaceCrops, LogMel
from emorec.extractors.base import Extraction
from emorec.media import probe
from emorec.predict.checkpoint import CheckpointError, refuse_foreign
from emorec.system.described import described
from emorec.types import Clip, Window
from emorec.windows import GridWindows, RandomWindows
from tests.helpers.media_files import Samples, write_sound

MEL = LogMel(sample_rate=16000, bands=20, frames=30)


def noise(seconds: float) -> Samples:
    values = np.random.default_rng(0).standard_normal((1, round(16000 * seconds)))
    return (0.1 * values).astype(np.float32)


def equal(one: Extraction, other: Extraction) -> None:
    assert len(one.arrays) == len(other.arrays)
    for mine, its in zip(one.arrays, other.arrays, strict=True):
        assert mine is not None
        assert its is not None
        np.testing.assert_array_equal(mine, its)


def test_windows_are_widened_about_their_middle_and_kept_within_the_clip(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", noise(4), 16000))
    clip = Clip("a", tmp_path / "a.wav")
    windows = [Window(0.0, 0.5), Window(1.75, 2.25), Window(3.5, 4.0)]
    wide = [Window(0.0, 3.0), Window(0.5, 3.5), Window(1.0, 4.0)]
    around = Around(MEL, 3.0)
    found = around.extract(clip, media, windows)
    equal(found, MEL.extract(clip, media, wide))
    first, second, _ = map(np.asarray, found.arrays)
    assert not np.array_equal(first, second)
    (streamed,) = around.stream(clip, media, [windows])
    equal(streamed, found)


def test_a_shorter_clip_is_padded_as_it_is_by_windows(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", noise(1.2), 16000))
    clip = Clip("a", tmp_path / "a.wav")
    found = Around(MEL, 3.0).extract(clip, media, GridWindows(0.5, 0.5)("a", media.duration))
    longer = MEL.extract(clip, media, RandomWindows(2, 3.0)("a", media.duration))
    equal(found, longer)


def test_what_it_wraps_is_its_own() -> None:
    around = Around(MEL, 2.0)
    assert around.shape == MEL.shape
    assert around.dtype == MEL.dtype
    assert around.pooled_axes == MEL.pooled_axes
    assert around.version == MEL.version
    assert around.reads == MEL.reads
    assert around.is_sound
    assert not Around(FaceCrops()).is_sound
    windows = RandomWindows()
    other = Around(LogMel(sample_rate=16000, bands=21, frames=30), 2.0)
    seen = {fingerprint(windows, {"audio": each}) for each in (around, other, MEL)}
    assert len(seen) == 3
    assert fingerprint(windows, {"audio": Around(MEL, 2.0)}) in seen


def test_it_is_described_as_in_a_config() -> None:
    options = described(Around(MEL, 2.0))["init_args"]
    assert options["length"] == 2.0
    assert options["extractor"] == described(MEL)
    kept = {"extractors": {"audio": described(Around(MEL))}}
    refuse_foreign(kept, Path("best.ckpt"), trust=False)
    kept["extractors"]["audio"]["init_args"]["extractor"]["class_path"] = "os.system"
    with pytest.raises(CheckpointError, match=r"would import os\.system"):
        refuse_foreign(kept, Path("best.ckpt"), trust=False)


def test_a_length_must_be_positive() -> None:
    with pytest.raises(ValueError, match="above 0 seconds, got 0"):
        Around(MEL, 0)
