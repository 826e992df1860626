"""BAUM-1s from a generated tree of empty files with its names, and made-up annotations."""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emorec.data.corpora.baum1s import BAUM1s
from emorec.errors import DataError
from tests.helpers.toy import ToyExtractor

STATES = (
    "Anger",
    "Disgust",
    "Fear",
    "Happiness",
    "Sadness",
    "Surprise",
    "Boredom",
    "Contempt",
    "Neutral",
    "Thinking",
)
SUBJECTS = ("S001", "S002", "S031")


def write(root: Path, rows: list[list[str]], name: str = "a.csv", separator: str = ",") -> Path:
    path = root / name
    path.write_text("".join(separator.join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def small(root: Path, emotion: str = "Anger") -> Path:
    """Make a set of one clip, without annotations."""
    (root / "S001_001.mp4").touch()
    write(root, [["Clip Name", "Emotion"], ["S001_001", emotion]])
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("BAUM1")
    rows = [["No", "Subject", "Clip Name", "Emotion", "Gender"]]
    for subject in SUBJECTS:
        folder = root / "BAUM1s_MP4 - All" / subject.lower()
        folder.mkdir(parents=True)
        for number, state in enumerate(STATES, start=1):
            (folder / f"{subject}_{number:03}.mp4").touch()
            rows.append([str(len(rows)), subject[2:], f"{subject}_{number:03}", state, "F"])
        (folder / f"{subject}_011.mp4").touch()  # not annotated
        (folder / f"._{subject}_001.mp4").touch()  # what macOS leaves
        (folder / f"{subject}_001.srt").touch()
    rows += [["", "", "", "", ""]]
    write(root, rows, "Annotations_BAUM1s.csv")
    return root


def baum1s(root: Path, **options: Any) -> BAUM1s:
    return BAUM1s(root, {"audio": ToyExtractor()}, cache=root, **options)


def test_the_six_emotions_are_kept_and_have_their_classes(root: Path) -> None:
    data = baum1s(root)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = data.checked_clips()
    classes = data.targets["emotion"].names
    assert classes == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    counts = Counter(classes[int(str(clip.labels["emotion"]))] for clip in clips)
    assert counts == dict.fromkeys(classes, len(SUBJECTS))
    numbers = {(clip.labels["emotion"], clip.file.stem[-3:]) for clip in clips}
    assert numbers == {(number, f"{number + 1:03}") for number in range(6)}
    assert all((root / clip.file).is_file() and not clip.file.is_absolute() for clip in clips)


def test_the_published_counts_add_up(root: Path) -> None:
    counts = baum1s(root).published
    assert counts.pop("clips") == sum(counts.values()) == 521


def test_the_group_is_the_subject_and_the_text_is_empty(root: Path) -> None:
    clips = baum1s(root).clips()
    assert {clip.group for clip in clips} == set(SUBJECTS)
    assert all(clip.id.startswith(clip.group) and not clip.text for clip in clips)


def test_a_column_can_say_the_subject(root: Path) -> None:
    clips = baum1s(root, subject_column="Subject").clips()
    assert {clip.group for clip in clips} == {"01", "02", "31"}
    assert [clip.id for clip in clips] == [clip.id for clip in baum1s(root).clips()]


def test_ids_are_unique_and_made_of_safe_characters(root: Path) -> None:
    ids = [clip.id for clip in baum1s(root).clips()]
    assert len(set(ids)) == len(ids)
    assert all(clip_id.replace("_", "").isalnum() for clip_id in ids)


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("Angry", "anger"),
        ("DISGUST", "disgust"),
        ("fearful", "fear"),
        ("Happy", "happiness"),
        (" Sad ", "sadness"),
        ("surprised", "surprise"),
    ],
)
def test_emotions_have_other_names(tmp_path: Path, word: str, emotion: str) -> None:
    data = baum1s(small(tmp_path, word))
    (clip,) = data.clips()
    assert data.targets["emotion"].names[int(str(clip.labels["emotion"]))] == emotion


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_other_separators_columns_and_places_are_read(tmp_path: Path, separator: str) -> None:
    (tmp_path / "clips" / "s001").mkdir(parents=True)
    (tmp_path / "clips" / "s001" / "s001_001.MP4").touch()
    table = write(
        tmp_path, [["\ufeffFILE ", "state"], ["S001_001.mp4", "Fear"]], "labels.csv", separator
    )
    options = {"clip_column": "File", "emotion_column": "State"}
    (clip,) = baum1s(tmp_path / "clips", annotations=table, **options).checked_clips()
    assert (clip.id, clip.group, clip.media) == ("S001_001", "S001", Path("s001/s001_001.MP4"))


def test_listed_clips_without_a_file_are_counted(tmp_path: Path) -> None:
    small(tmp_path)
    rows = [["Clip Name", "Emotion"], ["S001_001", "Anger"], ["S001_002", "Fear"]]
    write(tmp_path, [*rows, ["S001_003", "Boredom"]])
    with pytest.warns(UserWarning, match=r"1 of 2 clips .* have no file .* instance S001_002"):
        clips = baum1s(tmp_path).clips()
    assert [clip.id for clip in clips] == ["S001_001"]


@pytest.mark.parametrize("option", ["clip_column", "emotion_column", "subject_column"])
def test_a_missing_column_is_named_with_those_found(tmp_path: Path, option: str) -> None:
    with pytest.raises(DataError) as caught:
        baum1s(small(tmp_path), **{option: "Label"}).clips()
    for words in ("no column 'Label'", "found: Clip Name, Emotion", f"data.{option}", "S001_001.m"):
        assert words in str(caught.value)


def test_an_empty_table_has_no_columns(tmp_path: Path) -> None:
    small(tmp_path)
    write(tmp_path, [])
    with pytest.raises(DataError, match=r"no column 'Clip Name' \(found: nothing\)"):
        baum1s(tmp_path).clips()


def test_a_column_without_emotions_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of anger, .* in column 'Emotion'"):
        baum1s(small(tmp_path, "8")).clips()


def test_exactly_one_csv_is_expected(tmp_path: Path) -> None:
    (tmp_path / "S001_001.mp4").touch()
    with pytest.raises(DataError, match=r"expected one CSV .* found none; name it in data\.anno"):
        baum1s(tmp_path).clips()
    write(small(tmp_path), [], "b.csv")
    (tmp_path / "._a.csv").touch()
    with pytest.raises(DataError, match=r"found .*a\.csv, .*b\.csv; name it in data\.annotations"):
        baum1s(tmp_path).clips()
    assert baum1s(tmp_path, annotations=tmp_path / "a.csv").checked_clips()


@pytest.mark.parametrize("name", ["Annotations_BAUM1s.xlsx", "nothing.csv"])
def test_the_spreadsheet_must_be_exported(tmp_path: Path, name: str) -> None:
    (small(tmp_path) / "Annotations_BAUM1s.xlsx").touch()
    with pytest.raises(DataError, match=rf"{name}: expected one CSV(.|\n)*exported as CSV"):
        baum1s(tmp_path, annotations=tmp_path / name).clips()


def test_a_name_without_a_subject_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip1.mp4").touch()
    write(tmp_path, [["Clip Name", "Emotion", "Who"], ["clip1", "Anger", "7"]])
    with pytest.raises(DataError, match=r"'CLIP1' names no subject; set data\.subject_column"):
        baum1s(tmp_path).clips()
    assert baum1s(tmp_path, subject_column="Who").clips()[0].group == "7"


def test_two_emotions_of_one_clip_are_refused(tmp_path: Path) -> None:
    small(tmp_path)
    row = ["S001_001", "Anger"]
    write(tmp_path, [["Clip Name", "Emotion"], row, row])
    assert len(baum1s(tmp_path).checked_clips()) == 1
    write(tmp_path, [["Clip Name", "Emotion"], row, ["S001_001", "Fear"]])
    with pytest.raises(DataError, match="lists S001_001 twice"):
        baum1s(tmp_path).clips()


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    small(tmp_path)
    (tmp_path / "BAUM1a").mkdir()
    (tmp_path / "BAUM1a" / "S001_001.mp4").touch()
    with pytest.raises(DataError, match=r"S001_001 is twice .* without BAUM-1a"):
        baum1s(tmp_path).clips()


def test_the_order_is_not_that_of_the_file_system(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = baum1s(root).clips()
    found = Path.rglob
    monkeypatch.setattr(
        Path, "rglob", lambda path, pattern: sorted(found(path, pattern), reverse=True)
    )
    assert baum1s(root).clips() == expected == sorted(expected, key=lambda clip: clip.id)


def test_a_wrong_root_is_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere, does not exist; .*; expected the clips of BAUM-1s"
    ):
        baum1s(tmp_path / "nowhere").checked_clips()


def test_a_folder_without_a_clip_is_named_with_the_layout(tmp_path: Path) -> None:
    (small(tmp_path) / "S001_001.mp4").unlink()
    with (
        pytest.warns(UserWarning, match="1 of 1 clips"),
        pytest.raises(DataError) as caught,
    ):
        baum1s(tmp_path).checked_clips()
    assert f"no clip found in {tmp_path}" in str(caught.value)
    assert "ROOT/s001/S001_001.mp4" in str(caught.value)
