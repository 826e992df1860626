"""SAVEE from a generated tree of empty files with its names."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emorec.data.corpora.savee import EMOTIONS, SAVEE, SPEAKERS
from emorec.data.splits.parts import random_clip
from emorec.errors import DataError
from tests.helpers.toy import ToyExtractor

TAKES = [(code, n) for code in EMOTIONS for n in range(1, 31 if code == "n" else 16)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("SAVEE")
    for speaker in SPEAKERS:
        pictures, sounds = root / "AudioVisualClip" / speaker, root / "AudioData" / speaker
        for folder in (pictures, sounds):
            folder.mkdir(parents=True)
        for code, number in TAKES:
            (pictures / f"{code}{number}.avi").touch()
            (sounds / f"{code}{number:02}.wav").touch()
        (pictures / "._a1.avi").touch()  # what macOS leaves
        (pictures / "Thumbs.db").touch()
    (root / "AudioData" / "Info.txt").touch()
    (root / "AudioVisualClip" / "a1.avi").touch()  # of no speaker
    (root / "AudioVisualClip" / "DC" / "x1.avi").touch()
    return root


def savee(root: Path, **options: Any) -> SAVEE:
    return SAVEE(root, {"audio": ToyExtractor()}, cache=root, **options)


def counts(data: SAVEE) -> Counter[str]:
    classes = data.targets["emotion"].names
    return Counter(classes[int(str(clip.labels["emotion"]))] for clip in data.checked_clips())


@pytest.mark.parametrize(
    ("media", "folder"), [("audio_visual", "AudioVisualClip"), ("audio_only", "AudioData")]
)
def test_the_complete_set_has_480_clips(root: Path, media: str, folder: str) -> None:
    data = savee(root, media=media)
    clips = data.checked_clips()
    assert len(clips) == 480
    assert {clip.file.parts[0] for clip in clips} == {folder}
    assert all((root / clip.file).is_file() and not clip.file.is_absolute() for clip in clips)
    assert data.set_name.startswith(f"savee-{media}-")


def test_seven_classes_are_those_of_the_names(root: Path) -> None:
    data = savee(root)
    classes = data.targets["emotion"].names
    assert classes == [
        "anger",
        "disgust",
        "fear",
        "happiness",
        "neutral",
        "sadness",
        "surprise",
    ]
    assert counts(data) == {**dict.fromkeys(classes, 60), "neutral": 120}
    assert dict(data.published) == {"speakers": 4, "clips": 480, **counts(data)}
    named = {(clip.text.rstrip("0123456789"), clip.labels["emotion"]) for clip in data.clips()}
    assert named == {(code, number) for number, code in enumerate(EMOTIONS)}


def test_neutral_can_be_left_out(root: Path) -> None:
    data = savee(root, neutral=False)
    classes = data.targets["emotion"].names
    assert classes == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    assert counts(data) == dict.fromkeys(classes, 60)


def test_the_group_is_the_speaker_and_the_text_a_sentence_of_an_emotion(root: Path) -> None:
    clips = savee(root).clips()
    assert {clip.group for clip in clips} == set(SPEAKERS)
    assert {clip.text for clip in clips} == {f"{code}{number:02}" for code, number in TAKES}
    assert all(clip.id == f"{clip.group}_{clip.text}" for clip in clips)
    assert all(clip.file.parent.name == clip.group for clip in clips)


def test_media_of_one_take_have_one_id_and_fall_into_the_same_part(root: Path) -> None:
    splits = [random_clip(savee(root, media=m).clips(), 3) for m in ("audio_visual", "audio_only")]
    assert splits[0] == splits[1]
    assert "DC_a01" in splits[0]


def test_names_with_the_speaker_need_no_folders(tmp_path: Path) -> None:
    (tmp_path / "ALL").mkdir()
    for name in ("DC_a01.wav", "KL_su15.wav", "jk_sa3.WAV", "XY_a01.wav", "DC_a001.wav"):
        (tmp_path / "ALL" / name).touch()
    clips = savee(tmp_path, media="audio_only").checked_clips()
    assert [clip.id for clip in clips] == ["DC_a01", "JK_sa03", "KL_su15"]
    assert [clip.group for clip in clips] == ["DC", "JK", "KL"]


def test_a_take_in_two_places_is_one_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("ALL/DC_a01.wav", "DC/a1.wav", "DC/a01.wav", "DC/a01.flac"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = Path.rglob
    for reverse in (False, True):
        monkeypatch.setattr(
            Path, "rglob", lambda p, pattern, r=reverse: sorted(found(p, pattern), reverse=r)
        )
        (clip,) = savee(tmp_path, media="audio_only").checked_clips()
        assert clip.media == Path("ALL/DC_a01.wav")


def test_the_order_is_not_that_of_the_file_system(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = savee(root).clips()
    found = Path.rglob
    monkeypatch.setattr(
        Path, "rglob", lambda path, pattern: sorted(found(path, pattern), reverse=True)
    )
    assert savee(root).clips() == expected == sorted(expected, key=lambda clip: clip.id)


def test_a_wrong_root_is_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere, does not exist; .*; expected the folders of SAVEE"
    ):
        savee(tmp_path / "nowhere").checked_clips()


def test_a_folder_without_a_clip_is_named_with_the_layout(tmp_path: Path) -> None:
    (tmp_path / "DC_a01.wav").touch()  # sound only
    with pytest.raises(DataError) as caught:
        savee(tmp_path).checked_clips()
    assert f"no clip found in {tmp_path}" in str(caught.value)
    assert "AudioVisualClip/DC/a1.avi" in str(caught.value)
