"""eNTERFACE'05 from a generated tree of empty files with its names and irregularities."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emorec.data.corpora.enterface05 import EMOTIONS, ENTERFACE05
from emorec.data.splits.folds import held_out_text
from emorec.data.splits.parts import SplitError
from emorec.errors import DataError
from tests.helpers.toy import ToyExtractor

SUBJECTS = 44


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set")
    top = root / "enterface database"
    for subject in range(1, SUBJECTS + 1):
        for code, emotion in EMOTIONS.items():
            folder = top / f"subject {subject}" / emotion
            if subject == 6:
                touch(folder / f"s6_{code}.avi")
                continue
            for sentence in range(1, 6):
                if subject == 23 and code == "ha" and sentence > 2:
                    continue
                name = f"s{subject}_{code}_{sentence}.avi"
                if subject == 3:
                    name = f"s_3_{code}_{sentence}.avi"
                if subject == 12:
                    name = f"S12_{code}_{sentence} .AVI"
                if subject == 20:
                    name = f"s19_{code}_{sentence}.avi"  # not its own number
                touch(folder / f"sentence {sentence}" / name)
        touch(top / f"subject {subject}" / "Thumbs.db")
    touch(top / "subject 1" / "anger" / "sentence 1" / "._s1_an_1.avi")  # what macOS leaves
    touch(top / "subject 1" / "anger" / "sentence 1" / "s1_an_1.wav")
    touch(top / "subject 1" / "anger" / "overview.avi")  # of no sentence
    touch(top / "subject 1" / "tears" / "sentence 1" / "film.avi")
    touch(root / "demo.avi")
    return root


def enterface05(root: Path, **options: Any) -> ENTERFACE05:
    return ENTERFACE05(root, {"audio": ToyExtractor()}, cache=root, **options)


def test_the_complete_set_has_the_papers_number_of_clips(root: Path) -> None:
    data = enterface05(root)
    clips = data.checked_clips()
    assert len(clips) == 43 * 30 - 3 == data.published["clips"]
    assert all((root / clip.file).is_file() and not clip.file.is_absolute() for clip in clips)
    assert clips == data.clips()


def test_six_emotions_have_their_classes(root: Path) -> None:
    data = enterface05(root)
    classes = data.targets["emotion"].names
    assert classes == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    named = {
        (classes[int(str(clip.labels["emotion"]))], clip.file.parts[2]) for clip in data.clips()
    }
    assert named == {(emotion, emotion) for emotion in classes}
    counts = Counter(classes[int(str(clip.labels["emotion"]))] for clip in data.clips())
    assert counts == {**dict.fromkeys(classes, 215), "happiness": 212}


def test_the_group_is_the_subject_of_the_folder(root: Path) -> None:
    clips = enterface05(root).clips()
    assert len({clip.group for clip in clips}) == 43
    assert {clip.group for clip in clips if clip.file.name.startswith("s19")} == {
        "subject_19",
        "subject_20",
    }
    assert all(int(clip.group[-2:]) == int(clip.file.parts[1].split()[1]) for clip in clips)


def test_the_text_is_a_sentence_of_one_emotion(root: Path) -> None:
    clips = enterface05(root).clips()
    assert {clip.text for clip in clips} == {f"{e}_{n}" for e in EMOTIONS for n in range(1, 6)}
    assert held_out_text(clips, seed=0, fold=1)


def test_ids_are_unique_and_made_of_safe_characters(root: Path) -> None:
    ids = [clip.id for clip in enterface05(root, subject_6=True).clips()]
    assert len(set(ids)) == len(ids)
    assert all(clip_id.replace("_", "").isalnum() for clip_id in ids)
    assert {"s01_an_1", "s03_ha_1", "s12_su_2", "s20_an_1", "s44_su_5"} <= set(ids)


def test_subject_6_can_be_kept_in_its_six_uncut_recordings(root: Path) -> None:
    data = enterface05(root, subject_6=True)
    clips = [clip for clip in data.checked_clips() if clip.group == "subject_06"]
    assert [clip.id for clip in clips] == [f"s06_{code}" for code in EMOTIONS]
    assert {clip.text for clip in clips} == {""}
    assert len(data.clips()) == 1293
    with pytest.raises(SplitError, match="'s06_an' has no text"):
        held_out_text(data.clips(), seed=0, fold=1)


def test_subject_6_is_left_out_in_every_form(tmp_path: Path) -> None:
    touch(tmp_path / "subject 6" / "fear" / "sentence 1" / "s6_fe_1.avi")
    touch(tmp_path / "subject 7" / "fear" / "sentence 1" / "s7_fe_1.avi")
    assert [clip.id for clip in enterface05(tmp_path).clips()] == ["s07_fe_1"]


def test_folders_without_blanks_and_files_without_folders_are_read(tmp_path: Path) -> None:
    touch(tmp_path / "subject-1" / "Anger" / "sentence-2" / "clip.avi")
    touch(tmp_path / "s2_di_3.avi")
    touch(tmp_path / "all" / "S_4_su_5_.AVI")
    touch(tmp_path / "s5_xx_1.avi")
    clips = enterface05(tmp_path).checked_clips()
    assert [(clip.id, clip.group, clip.text) for clip in clips] == [
        ("s01_an_2", "subject_01", "an_2"),
        ("s02_di_3", "subject_02", "di_3"),
        ("s04_su_5", "subject_04", "su_5"),
    ]


def test_a_sentence_that_was_unpacked_twice_is_one_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("a/s1_an_1.avi", "b/s1_an_1.avi", "b/s1_an_1.mp4"):
        touch(tmp_path / path)
    found = Path.rglob
    for reverse in (False, True):
        monkeypatch.setattr(
            Path, "rglob", lambda p, pattern, r=reverse: sorted(found(p, pattern), reverse=r)
        )
        (clip,) = enterface05(tmp_path).checked_clips()
        assert clip.media == Path("a/s1_an_1.avi")


def test_the_order_is_not_that_of_the_file_system(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = enterface05(root).clips()
    found = Path.rglob
    monkeypatch.setattr(
        Path, "rglob", lambda path, pattern: sorted(found(path, pattern), reverse=True)
    )
    assert enterface05(root).clips() == expected


def test_a_wrong_root_is_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere, does not exist; .*; expected the archive"):
        enterface05(tmp_path / "nowhere").checked_clips()


def test_a_folder_without_a_clip_is_named_with_the_layout(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError) as caught:
        enterface05(tmp_path).checked_clips()
    assert f"no clip found in {tmp_path}" in str(caught.value)
    assert "subject 1/anger/sentence 1/s1_an_1.avi" in str(caught.value)
