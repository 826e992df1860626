"""IEMOCAP from a generated tree of empty files with its names."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emorec.data.corpora.iemocap import IEMOCAP
from emorec.data.splits.parts import official
from emorec.errors import DataError
from tests.helpers.toy import ToyExtractor

CODES = ("ang", "hap", "exc", "sad", "neu", "fru", "sur", "fea", "dis", "oth", "xxx")
RATERS = "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n"


def write_dialogue(root: Path, session: int, name: str, *, picture: bool = True) -> None:
    """Write a dialogue in which each speaker says something in each emotion, in turn."""
    folder = root / f"Session{session}"
    labels, words = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"], []
    sounds = folder / f"sentences/wav/{name}"
    for each in ("dialog/EmoEvaluation", "dialog/transcriptions", "dialog/avi/DivX"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    sounds.mkdir(parents=True)
    for number, code in enumerate(CODES):
        for place, speaker in enumerate("FM"):
            turn = f"{name}_{speaker}{number:03}"
            start = 6.2901 + 10 * number + 5 * place
            end = start + 1.9456
            labels.append(f"[{start:.4f} - {end:.4f}]\t{turn}\t{code}\t[2.5, 2.5, 2.5]\n{RATERS}")
            words.append(f"{turn} [{start:08.4f}-{end:08.4f}]: Excuse me, {turn}.")
            (sounds / f"{turn}.wav").touch()
    (folder / f"dialog/EmoEvaluation/{name}.txt").write_text("\n".join(labels))
    words.insert(1, "M: [BREATHING]")
    words.append(f"{name}_MXX0 [100.0000-101.0000]: Mmhmm")
    (folder / f"dialog/transcriptions/{name}.txt").write_text("\n".join(words) + "\n")
    if picture:
        (folder / f"dialog/avi/DivX/{name}.avi").touch()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("IEMOCAP")
    for session in range(1, 6):
        write_dialogue(root, session, f"Ses0{session}F_impro01")
        write_dialogue(root, session, f"Ses0{session}M_script02_1")
        labels = root / f"Session{session}/dialog/EmoEvaluation"
        (labels / "Categorical").mkdir()
        (labels / f"Categorical/Ses0{session}F_impro01_e1_cat.txt").write_text("x :Neutral; ()")
        (labels / f"._Ses0{session}F_impro01.txt").write_bytes(b"\x00\x05\x16\x07\xff")  # macOS
    return root


def iemocap(root: Path, **options: Any) -> IEMOCAP:
    return IEMOCAP(root, {"audio": ToyExtractor()}, cache=root, **options)


def names(data: IEMOCAP) -> Counter[str]:
    classes = data.targets["emotion"].names
    return Counter(classes[int(str(clip.labels["emotion"]))] for clip in data.clips())


def test_a_clip_is_a_part_of_its_dialogues_video(root: Path) -> None:
    clips = iemocap(root).checked_clips()
    assert len(clips) == 5 * 2 * 2 * 5  # sessions, dialogues, speakers, codes of four classes
    first = clips[0]
    assert first.id == "Ses01F_impro01_F000"
    assert first.media == Path("Session1/dialog/avi/DivX/Ses01F_impro01.avi")
    assert first.span == (6.2901, 8.2357)
    assert first.text == "Excuse me, Ses01F_impro01_F000."
    assert first.sidecars == {"dialogue": Path("Session1/dialog/transcriptions/Ses01F_impro01.txt")}
    assert all((root / clip.file).is_file() for clip in clips)
    assert clips == iemocap(root).clips()


def test_sound_alone_has_a_file_an_utterance(root: Path) -> None:
    clips = iemocap(root, media="audio_only").checked_clips()
    assert {clip.id for clip in clips} == {clip.id for clip in iemocap(root).clips()}
    assert all(clip.file.name == f"{clip.id}.wav" and clip.span is None for clip in clips)
    assert all((root / clip.file).is_file() for clip in clips)
    assert len({iemocap(root, media=m).set_name for m in ("audio_only", "audio_visual")}) == 2


def test_four_classes_count_excitement_as_happiness(root: Path) -> None:
    data = iemocap(root)
    assert data.targets["emotion"].names == ["anger", "happiness", "neutral", "sadness"]
    assert names(data) == {"anger": 20, "happiness": 40, "neutral": 20, "sadness": 20}
    assert data.published["clips"] == 5531
    assert data.published["happiness"] == 1636


def test_six_classes_keep_it_and_add_frustration(root: Path) -> None:
    data = iemocap(root, classes="six")
    classes = ["anger", "excitement", "frustration", "happiness", "neutral", "sadness"]
    assert data.targets["emotion"].names == classes
    assert names(data) == dict.fromkeys(classes, 20)
    assert data.published["clips"] == 7380


def test_the_group_is_who_speaks_and_not_who_wears_markers(root: Path) -> None:
    clips = iemocap(root, media="audio_only").clips()
    assert {clip.group for clip in clips} == {f"Ses0{n}{who}" for n in range(1, 6) for who in "FM"}
    assert all(clip.id.startswith(f"{clip.dialogue}_") for clip in clips)
    found = {clip.group for clip in clips if clip.id.startswith("Ses02M_script02_1_F")}
    assert found == {"Ses02F"}


def test_with_picture_the_group_is_the_session_as_both_of_its_speakers_are_seen(root: Path) -> None:
    assert {clip.group for clip in iemocap(root).clips()} == {f"Ses0{n}" for n in range(1, 6)}


@pytest.mark.parametrize(("session", "before"), [(5, 4), (3, 2), (1, 5)])
def test_the_official_split_leaves_a_session_out_and_shares_no_speaker(
    root: Path, session: int, before: int
) -> None:
    clips = iemocap(root, session=session, media="audio_only").clips()
    parts = official(clips)
    speakers = {
        part: {c.group for c in clips if parts[c.id] == part} for part in set(parts.values())
    }
    assert speakers["test"] == {f"Ses0{session}F", f"Ses0{session}M"}
    assert speakers["val"] == {f"Ses0{before}F", f"Ses0{before}M"}
    assert len(speakers["train"]) == 6
    assert len(set.union(*speakers.values())) == 10


def test_an_impossible_session_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match=r"data\.session is 6; the sessions of IEMOCAP are 1 to 5"):
        iemocap(root, session=6)


def test_malformed_lines_are_ignored_and_missing_words_are_empty(tmp_path: Path) -> None:
    write_dialogue(tmp_path, 1, "Ses01F_impro01")
    labels = tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    words = tmp_path / "Session1/dialog/transcriptions/Ses01F_impro01.txt"
    more = "[1.0 - 2.0]\tSes01F_impro01_X000\tang\t[1, 1, 1]\n[1.0 - ]\tSes01F_impro01_F099\tang\n"
    labels.write_bytes(labels.read_bytes() + more.encode() + b"\xe9\xff\n")
    words.write_text("Ses01F_impro01_F000 [006.2901-008.2357]: \nSes01F_impro01_M000 [1-2]: Yes.\n")
    clips = {clip.id: clip for clip in iemocap(tmp_path).checked_clips()}
    assert len(clips) == 10
    assert clips["Ses01F_impro01_F000"].text == ""
    assert clips["Ses01F_impro01_M000"].text == "Yes."
    words.unlink()
    assert {clip.text for clip in iemocap(tmp_path).clips()} == {""}
    assert all(not clip.sidecars for clip in iemocap(tmp_path).clips())


def test_the_sessions_may_lie_in_one_folder_of_the_root(tmp_path: Path) -> None:
    write_dialogue(tmp_path / "IEMOCAP_full_release", 2, "Ses02F_impro01")
    clips = iemocap(tmp_path).checked_clips()
    assert {clip.file.parts[0] for clip in clips} == {"IEMOCAP_full_release"}


def test_a_dialogue_without_its_video_stays_listed(tmp_path: Path) -> None:
    write_dialogue(tmp_path, 1, "Ses01F_impro01")
    write_dialogue(tmp_path, 1, "Ses01F_impro02", picture=False)
    assert len(iemocap(tmp_path).checked_clips()) == 20


def test_a_copy_without_videos_is_named_with_the_layout(tmp_path: Path) -> None:
    write_dialogue(tmp_path, 1, "Ses01F_impro01", picture=False)
    with pytest.raises(DataError, match=r"label files but no file such as .*\.avi; expected"):
        iemocap(tmp_path).clips()
    assert len(iemocap(tmp_path, media="audio_only").clips()) == 10


def test_a_wrong_root_and_an_empty_one_are_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere, does not exist; .*; expected IEMOCAP_full_release"
    ):
        iemocap(tmp_path / "nowhere").checked_clips()
    with pytest.raises(
        DataError, match=r"(?s)no clip found in .*ROOT/Session1/dialog/EmoEvaluation"
    ):
        iemocap(tmp_path).checked_clips()
