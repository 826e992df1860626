"""AFEW from a generated tree of empty files with its names."""

from collections import Counter
from pathlib import Path

import pytest

from emorec.data.corpora.afew import AFEW, EMOTIONS
from emorec.errors import UserError
from tests.helpers.toy import ToyExtractor


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("AFEW")
    for part, count in (("Train_AFEW", 20), ("Val_AFEW", 5)):
        for number, emotion in enumerate(EMOTIONS):
            folder = root / part / emotion.capitalize()
            folder.mkdir(parents=True)
            for clip in range(count):
                (folder / f"{100 * number + clip:06}00.avi").touch()
            (folder / "._x.avi").touch()
            (folder / "notes.txt").touch()
    other = root / "Test_AFEW" / "Test_vid_Distribute"
    other.mkdir(parents=True)
    (other / "000000.avi").touch()
    return root


def test_the_challenges_validation_clips_are_tested(root: Path) -> None:
    clips = AFEW(root, {"face": ToyExtractor()}, cache=root).clips()
    assert Counter(clip.split for clip in clips) == {"train": 7 * 17, "val": 7 * 3, "test": 7 * 5}
    assert len({clip.id for clip in clips}) == len(clips)
    names = AFEW(root, {"face": ToyExtractor()}, cache=root).targets["emotion"].names
    for clip in clips:
        assert clip.media is not None
        assert names[clip.labels["emotion"]] == EMOTIONS[clip.media.parent.name.lower()]  # type: ignore[index]
        assert (clip.split == "test") == clip.media.parts[0].startswith("Val")
    whole = AFEW(root, {"face": ToyExtractor()}, validation=0.0, cache=root).clips()
    assert Counter(clip.split for clip in whole) == {"train": 7 * 20, "test": 7 * 5}


def test_the_share_for_validation_is_checked(root: Path) -> None:
    with pytest.raises(UserError, match="from 0 to below 1, got 1"):
        AFEW(root, {"face": ToyExtractor()}, validation=1.0)
