"""RAVDESS from a generated tree of empty files with its names."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emorec.data import RAVDESS, random_clip
from emorec.errors import DataError
from tests.helpers.toy import ToyExtractor

ACTORS = ("01", "02", "24")


def takes(actor: str, channel: str) -> list[str]:
    """Return the names of an actor's takes without the modality, as the set has them."""
    emotions = range(1, 9) if channel == "01" else range(1, 7)
    return [
        f"{channel}-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor}"
        for emotion in emotions
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("RAVDESS")
    for actor in ACTORS:
        for channel, kind in (("01", "Speech"), ("02", "Song")):
            pictures = root / f"Video_{kind}_Actor_{actor}" / f"Actor_{actor}"
            sounds = root / f"Audio_{kind}_Actors_01-24" / f"Actor_{actor}"
            for folder in (pictures, sounds):
                folder.mkdir(parents=True)
            for take in takes(actor, channel):
                (pictures / f"01-{take}.mp4").touch()
                (pictures / f"02-{take}.mp4").touch()
                (sounds / f"03-{take}.wav").touch()
    (root / "README.txt").write_text("01-01-01-01-01-01-01")
    (root / "._01-01-03-01-01-01-01.mp4").touch()  # what macOS leaves
    (root / "01-01-99-01-01-01-01.mp4").touch()
    (root / "01-01-03-01-01-01.mp4").touch()
    return root


def ravdess(root: Path, **options: Any) -> RAVDESS:
    return RAVDESS(root, {"audio": ToyExtractor()}, cache=root, **options)


def test_a_take_is_one_sample_and_its_picture_and_sound_file_is_picked(root: Path) -> None:
    clips = ravdess(root).checked_clips()
    assert len(clips) == 48 * len(ACTORS)
    assert {clip.file.name[:6] for clip in clips} == {"01-01-"}
    assert all((root / clip.file).is_file() and not clip.file.is_absolute() for clip in clips)
    assert clips == ravdess(root).clips()


def test_the_complete_set_has_the_papers_number_of_clips(root: Path) -> None:
    assert 24 * len(ravdess(root).clips()) // len(ACTORS) == 1152


def test_six_emotions_have_their_classes(root: Path) -> None:
    data = ravdess(root)
    classes = data.targets["emotion"].names
    assert classes == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    counts = Counter(classes[int(str(clip.labels["emotion"]))] for clip in data.clips())
    assert counts == dict.fromkeys(classes, 8 * len(ACTORS))
    named = {
        clip.file.name[6:8]: classes[int(str(clip.labels["emotion"]))] for clip in data.clips()
    }
    assert named == {
        "03": "happiness",
        "04": "sadness",
        "05": "anger",
        "06": "fear",
        "07": "disgust",
        "08": "surprise",
    }


def test_all_emotions_are_eight_and_neutral_has_half_the_clips(root: Path) -> None:
    data = ravdess(root, all_emotions=True)
    classes = data.targets["emotion"].names
    assert len(classes) == 8
    counts = Counter(classes[int(str(clip.labels["emotion"]))] for clip in data.clips())
    assert sum(counts.values()) == 60 * len(ACTORS)
    assert (counts["neutral"], counts["calm"]) == (4 * len(ACTORS), 8 * len(ACTORS))


@pytest.mark.parametrize(
    ("media", "prefix"), [("audio_visual", "01"), ("video_only", "02"), ("audio_only", "03")]
)
def test_the_file_is_that_of_the_modalities_asked_for(root: Path, media: str, prefix: str) -> None:
    clips = ravdess(root, media=media).clips()
    assert {clip.file.name[:2] for clip in clips} == {prefix}
    assert {clip.id for clip in clips} == {clip.id for clip in ravdess(root).clips()}
    assert len(clips) == 48 * len(ACTORS)


def test_media_of_one_take_fall_into_the_same_part(root: Path) -> None:
    splits = [
        random_clip(ravdess(root, media=m).clips(), 3) for m in ("audio_visual", "audio_only")
    ]
    assert splits[0] == splits[1]


def test_song_is_another_channel(root: Path) -> None:
    clips = ravdess(root, channel="song", all_emotions=True).checked_clips()
    assert len(clips) == 44 * len(ACTORS)
    assert {clip.file.name[3:5] for clip in clips} == {"02"}


def test_the_group_is_the_actor(root: Path) -> None:
    clips = ravdess(root).clips()
    assert {clip.group for clip in clips} == {f"actor_{actor}" for actor in ACTORS}
    assert all(clip.group == f"actor_{clip.file.stem[-2:]}" for clip in clips)


def test_a_take_that_was_unpacked_twice_is_one_sample(tmp_path: Path) -> None:
    name = "03-01-05-01-01-01-07"
    for path in (f"a/{name}.wav", f"b/{name}.wav", f"b/{name}.flac", f"c/{name}.WAV"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    assert len(ravdess(tmp_path, media="audio_only").checked_clips()) == 1


def test_a_wrong_root_is_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere, does not exist; .*; expected the archives"):
        ravdess(tmp_path / "nowhere").checked_clips()


def test_a_folder_without_a_clip_is_named_with_the_layout(tmp_path: Path) -> None:
    (tmp_path / "01-01-01-01-01-01-01.mp4").touch()  # neutral, which is not one of the six
    with pytest.raises(DataError) as caught:
        ravdess(tmp_path).checked_clips()
    assert f"no clip found in {tmp_path}" in str(caught.value)
    assert "Actor_01/03-01-03-01-01-01-01.wav" in str(caught.value)
