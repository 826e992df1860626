"""MELD from a generated tree of empty files with its names."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from emorec.data.corpora.meld import MELD
from emorec.errors import DataError
from tests.helpers.corpora import FOLDERS, write_table
from tests.helpers.toy import ToyExtractor

SPOKEN = [
    ("Oh my God, he’s lost it.", "Phoebe", "sadness", "dia0_utt0"),
    ("What?", "Monica", "surprise", "dia0_utt1"),
    ('"Wanted." Nice!', "Chandler", "joy", "dia1_utt0"),
    ("And", " Ross ", "Neutral", "dia12_utt3"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part, folder in FOLDERS.items():
        write_table(tmp_path / f"MELD.Raw/{part}_sent_emo.csv", SPOKEN)
        (tmp_path / folder).mkdir(parents=True)
        for *_, name in SPOKEN:
            (tmp_path / folder / f"{name}.mp4").touch()
            (tmp_path / folder / f"._{name}.mp4").touch()  # what macOS leaves
    (tmp_path / FOLDERS["test"] / "final_videos_testdia0_utt0.mp4").touch()
    (tmp_path / FOLDERS["dev"] / "dia66_utt9.mp4").touch()  # in no table
    (tmp_path / "MELD.Raw/train/elsewhere").mkdir()
    (tmp_path / "MELD.Raw/train/elsewhere/dia0_utt0.mp4").touch()
    (tmp_path / "MELD.Raw/._train_sent_emo.csv").write_bytes(b"\x00\x05\x16\x07")
    return tmp_path


def meld(root: Path, **options: Any) -> MELD:
    return MELD(root, {"audio": ToyExtractor()}, cache=root, **options)


def test_a_listed_utterance_is_a_clip_of_its_parts_video(root: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = meld(root).checked_clips()
    assert [clip.id for clip in clips] == [
        f"{part}_{name}" for part in ("train", "dev", "test") for *_, name in SPOKEN
    ]
    for clip in clips:
        part, _, name = clip.id.partition("_")
        assert clip.media == Path(FOLDERS[part], f"{name}.mp4")
        assert clip.split == {"dev": "val"}.get(part, part)
        assert clip.sidecars == {"table": Path(f"MELD.Raw/{part}_sent_emo.csv")}
        assert (root / clip.media).is_file()
        assert clip.span is None
    assert clips == meld(root).clips()


def test_emotion_speaker_and_words_are_the_tables(root: Path) -> None:
    data = meld(root)
    classes = data.targets["emotion"].names
    assert classes == ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]
    found = [(c.text, c.group, classes[int(str(c.labels["emotion"]))]) for c in data.clips()[:4]]
    assert found == [(text, who.strip(), what.lower()) for text, who, what, _ in SPOKEN]


def test_utterances_without_a_video_are_left_out_and_counted(root: Path) -> None:
    (root / FOLDERS["dev"] / "dia1_utt0.mp4").unlink()
    (root / FOLDERS["train"] / "dia0_utt1.mp4").unlink()
    with pytest.warns(UserWarning, match=r"2 of 12 utterances .*: train_dia0_utt1, dev_dia1_utt0$"):
        clips = meld(root).checked_clips()
    assert len(clips) == 10


def test_a_damaged_video_is_left_to_preprocessing(root: Path) -> None:
    (root / FOLDERS["train"] / "dia0_utt1.mp4").write_text("no video")
    assert len(meld(root).clips()) == 12


def test_a_set_that_was_unpacked_twice_counts_once(root: Path) -> None:
    copy = root / "MELD.Raw/again/train_splits"
    copy.mkdir(parents=True)
    (copy / "dia0_utt0.mp4").touch()
    write_table(root / "MELD.Raw/again/train_sent_emo.csv", SPOKEN[:1])
    assert len(meld(root).checked_clips()) == 12


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_tables_in_other_encodings_are_read(root: Path, encoding: str) -> None:
    write_table(root / "MELD.Raw/train_sent_emo.csv", SPOKEN, encoding=encoding)
    assert meld(root).clips()[0].text == SPOKEN[0][0]


def test_apostrophes_that_are_control_characters_are_fixed(root: Path) -> None:
    damaged = [(SPOKEN[0][0].replace("’", "\x92"), *SPOKEN[0][1:])]
    write_table(root / "MELD.Raw/train_sent_emo.csv", damaged)
    assert meld(root).clips()[0].text == SPOKEN[0][0]


def test_folders_and_columns_can_be_named(root: Path) -> None:
    (root / FOLDERS["test"]).rename(root / "MELD.Raw/test/test_splits")
    table = root / "MELD.Raw/dev_sent_emo.csv"
    for path in sorted(table.parent.glob("[!.]*.csv")):
        path.write_text(path.read_text().replace("Speaker", "Who", 1))
    data = meld(root, folders={"test": "test_splits"}, columns={"speaker": "Who"})
    assert len(data.clips()) == 12
    assert data.clips()[0].group == "Phoebe"
    assert all(c.dialogue == c.id.rpartition("_")[0] for c in data.clips())
    with pytest.raises(DataError, match=r"no column Speaker \(found: Sr No\., .*data\.columns"):
        meld(root).clips()


@pytest.mark.parametrize("option", ["folders", "columns"])
def test_an_unknown_name_of_a_folder_or_column_is_refused(root: Path, option: str) -> None:
    with pytest.raises(DataError, match=rf"data\.{option} names 'Test'; expected one of "):
        meld(root, **{option: {"Test": "x"}})


def test_an_unknown_emotion_is_named_with_its_line(root: Path) -> None:
    write_table(root / "MELD.Raw/dev_sent_emo.csv", [*SPOKEN[:1], ("", "", "fun", "dia0_utt1")])
    with pytest.raises(DataError, match=r"dev_sent_emo\.csv, line 3: unknown emotion 'fun'"):
        meld(root).clips()


def test_a_missing_table_a_wrong_root_and_no_videos_are_named_with_the_layout(root: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere, does not exist; .*; expected the archives"):
        meld(root / "nowhere").checked_clips()
    with pytest.raises(DataError, match=r"(?s)no clip found in .*ROOT/train_splits/dia0_utt0\.mp4"):
        meld(root, folders=dict.fromkeys(FOLDERS, "no_such")).checked_clips()
    (root / "MELD.Raw/test_sent_emo.csv").unlink()
    with pytest.raises(DataError, match=r"test_sent_emo\.csv is not below .*; expected"):
        meld(root).clips()
