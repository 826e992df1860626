"""RECOLA from a generated tree of empty files with its names, and its gold standard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.data.corpora.recola import RECOLA, read_arff
from emorec.data.splits.parts import official
from emorec.errors import DataError
from tests.helpers.corpora import ARFF
from tests.helpers.toy import ToyExtractor

NAMES = [f"{part}_{i}" for part in ("train", "dev", "test") for i in (1, 2, 10)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        for folder, suffix in (("recordings_audio", "wav"), ("recordings_video", "mp4")):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.{suffix}").touch()
        for number, dimension in enumerate(("arousal", "valence")):
            if name.startswith("test"):
                continue
            folder_of = tmp_path / "ratings_gold_standard" / dimension
            folder_of.mkdir(parents=True, exist_ok=True)
            rows = [f"'P16',{0.04 * i:.2f},{number + 0.001 * i:.4f}" for i in range(100 + number)]
            (folder_of / f"{name}.arff").write_text(ARFF + "\n".join(rows) + "\n")
    return tmp_path


def recola(root: Path, **options: Any) -> RECOLA:
    return RECOLA(root, {"audio": ToyExtractor()}, cache=root, **options)


def test_the_official_parts_are_train_dev_and_test(root: Path) -> None:
    clips = recola(root).checked_clips()
    parts = official(clips)
    assert [name for name, part in parts.items() if part == "val"] == ["dev_1", "dev_2", "dev_10"]
    assert sum(part == "test" for part in parts.values()) == 3
    assert all(bool(clip.labels) == (clip.split != "test") for clip in clips)
    first = clips[-1]
    assert first.id == "train_10"
    assert first.media == Path("recordings_video/train_10.mp4")
    assert first.sidecars == {"audio": Path("recordings_audio/train_10.wav")}
    assert len({clip.group for clip in clips}) == len(clips)


def test_other_splits_use_what_has_a_gold_standard(root: Path) -> None:
    clips = recola(root, split="subject_independent").clips()
    assert {clip.split for clip in clips} == {"train", "val"}


def test_sound_alone_is_enough(root: Path) -> None:
    for path in (root / "recordings_video").iterdir():
        path.unlink()
    assert recola(root).clips()[0].media == Path("recordings_audio/dev_1.wav")


def test_the_gold_standard_has_both_dimensions_up_to_the_shorter_one(root: Path) -> None:
    data = recola(root)
    clip = next(clip for clip in data.clips() if clip.id == "train_2")
    trace = data.read_trace(clip, "affect")
    assert trace.shape == (100, 2)
    wanted = np.stack([0.001 * np.arange(100), 1 + 0.001 * np.arange(100)], 1)
    np.testing.assert_allclose(np.asarray(trace, np.float64), wanted, atol=1e-4)


def test_what_is_not_as_expected_is_named(root: Path) -> None:
    with pytest.raises(DataError, match=r"no clip found in (.|\n)*recordings_audio/train_1"):
        recola(root / "recordings_video").checked_clips()
    (root / "recordings_audio/P16.wav").touch()
    with pytest.raises(DataError, match="'P16' is in no part"):
        recola(root).clips()
    with pytest.raises(DataError, match="delay is at least 0 seconds, got -1"):
        recola(root, delay=-1.0)
    for text in ("", "@relation x\n@data\n", "@data\n'a',1.0,x\n", "@data\n'a',1,1\n'a',0,1\n"):
        (root / "x.arff").write_text(text)
        with pytest.raises(DataError, match="is not a gold standard of AVEC 2016"):
            read_arff(root / "x.arff")
