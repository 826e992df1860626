"""CREMA-D from a generated tree of empty files with its names, and a made-up table of votes."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emorec.data.corpora.crema_d import BAD, CREMAD
from emorec.data.splits.folds import held_out_text
from emorec.data.splits.parts import random_clip
from emorec.errors import DataError
from tests.helpers.toy import ToyExtractor

ACTORS = ("1001", "1040", "1064", "1076", "1091")
SENTENCES = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
CODES = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
EACH = 82  # clips of an actor: 12 x 6, and IEO has three levels of five emotions
HEAD = '"","FileName","VoiceVote","VoiceLevel","FaceVote","FaceLevel","MultiModalVote",'


def takes(actor: str) -> list[str]:
    """Return the names of an actor's takes, as the set has them."""
    return [
        f"{actor}_{sentence}_{code}_{level}"
        for sentence in SENTENCES
        for code in CODES
        for level in (("LO", "MD", "HI") if sentence == "IEO" and code != "NEU" else ("XX",))
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("CREMA-D")
    lines = [HEAD + '"MultiModalLevel"']
    for folder in ("VideoFlash", "AudioWAV", "AudioMP3", "processedResults"):
        (root / folder).mkdir()
    for actor in ACTORS:
        for take in takes(actor):
            # The voice gives all away but anger; the picture turns neutral into sadness.
            voice = "A:D" if "_ANG_" in take else take.split("_")[2][0]
            both = "S" if "_NEU_" in take else take.split("_")[2][0]
            lines.append(f'"{len(lines)}","{take}","{voice}","60","N","60","{both}","60"')
            file = "1040_ITH_SAD_X" if take == "1040_ITH_SAD_XX" else take
            (root / "VideoFlash" / f"{take}.flv").touch()
            (root / "AudioWAV" / f"{file}.wav").touch()
            (root / "AudioMP3" / f"{take}.mp3").touch()
    (root / "processedResults" / "summaryTable.csv").write_text("\n".join(lines))
    (root / "VideoFlash" / "._1001_DFA_ANG_XX.flv").touch()  # what macOS leaves
    (root / "VideoFlash" / "1001_DFA_JOY_XX.flv").touch()
    (root / "README.md").touch()
    return root


def cremad(root: Path, **options: Any) -> CREMAD:
    return CREMAD(root, {"audio": ToyExtractor()}, cache=root, **options)


def counts(data: CREMAD) -> Counter[str]:
    classes = data.targets["emotion"].names
    return Counter(classes[int(str(clip.labels["emotion"]))] for clip in data.checked_clips())


@pytest.mark.parametrize(
    ("media", "folder"), [("audio_visual", "VideoFlash"), ("audio_only", "AudioWAV")]
)
def test_the_file_is_that_of_the_modalities_asked_for(root: Path, media: str, folder: str) -> None:
    data = cremad(root, media=media)
    clips = data.checked_clips()
    assert len(clips) == EACH * len(ACTORS) - len(BAD)
    assert {clip.file.parts[0] for clip in clips} == {folder}
    assert all((root / clip.file).is_file() and not clip.file.is_absolute() for clip in clips)
    assert data.set_name.startswith(f"cremad-{media}-")


def test_media_of_one_take_have_one_id_and_fall_into_the_same_part(root: Path) -> None:
    splits = [random_clip(cremad(root, media=m).clips(), 3) for m in ("audio_visual", "audio_only")]
    assert splits[0] == splits[1]
    assert "1040_ITH_SAD_XX" in splits[0]


def test_the_intended_emotion_is_that_of_the_name(root: Path) -> None:
    data = cremad(root)
    assert data.targets["emotion"].names == [
        "anger",
        "disgust",
        "fear",
        "happiness",
        "neutral",
        "sadness",
    ]
    named = {(clip.id.split("_")[2], clip.labels["emotion"]) for clip in data.clips()}
    assert named == {(code, number) for number, code in enumerate(CODES)}
    assert data.label_note == "intended emotion"


def test_the_perceived_emotion_is_the_vote_on_what_is_given(root: Path) -> None:
    data = cremad(root, labels="perceived", known_bad=True)
    assert counts(data) == {
        **dict.fromkeys(("anger", "disgust", "fear", "happiness"), 14 * len(ACTORS)),
        "sadness": (12 + 14) * len(ACTORS),
    }
    assert data.label_note == "perceived emotion (vote of raters, audio-visual)"
    assert data.set_name == cremad(root).set_name


def test_a_tie_leaves_the_clip_out(root: Path) -> None:
    data = cremad(root, labels="perceived", media="audio_only", known_bad=True)
    found = counts(data)
    assert found["anger"] == 0
    assert (found["neutral"], found["sadness"]) == (12 * len(ACTORS), 14 * len(ACTORS))
    assert data.label_note == "perceived emotion (vote of raters, audio-only)"


def test_known_bad_clips_can_be_kept(root: Path) -> None:
    kept = {clip.id for clip in cremad(root, known_bad=True).checked_clips()}
    assert len(kept) == EACH * len(ACTORS)
    assert kept - {clip.id for clip in cremad(root).clips()} == BAD


def test_the_group_is_the_actor_and_the_text_the_sentence(root: Path) -> None:
    clips = cremad(root).clips()
    assert {clip.group for clip in clips} == {f"actor_{actor}" for actor in ACTORS}
    assert {clip.text for clip in clips} == set(SENTENCES)
    assert all(clip.id.startswith(f"{clip.group[6:]}_{clip.text}_") for clip in clips)
    assert held_out_text(clips, seed=0, fold=1)


def test_a_take_in_two_places_is_one_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("a/1001_DFA_ANG_XX.flv", "b/1001_DFA_ANG_XX.FLV", "b/1001_DFA_ANG_XX.mp4"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = Path.rglob
    for reverse in (False, True):
        monkeypatch.setattr(
            Path, "rglob", lambda p, pattern, r=reverse: sorted(found(p, pattern), reverse=r)
        )
        (clip,) = cremad(tmp_path).checked_clips()
        assert clip.media == Path("a/1001_DFA_ANG_XX.flv")


def test_the_order_is_not_that_of_the_file_system(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = cremad(root).clips()
    found = Path.rglob
    monkeypatch.setattr(
        Path, "rglob", lambda path, pattern: sorted(found(path, pattern), reverse=True)
    )
    assert cremad(root).clips() == expected == sorted(expected, key=lambda clip: clip.id)


def test_a_missing_table_of_votes_is_named(tmp_path: Path) -> None:
    (tmp_path / "1001_DFA_ANG_XX.flv").touch()
    assert cremad(tmp_path).checked_clips()
    with pytest.raises(DataError, match=r"no processedResults/summaryTable\.csv in .*; expected"):
        cremad(tmp_path, labels="perceived").clips()


def test_a_missing_column_of_votes_is_named(tmp_path: Path) -> None:
    (tmp_path / "processedResults").mkdir()
    (tmp_path / "processedResults" / "summaryTable.csv").write_text("FileName,VoiceVote\n")
    with pytest.raises(DataError, match="no MultiModalVote; found: FileName, VoiceVote"):
        cremad(tmp_path, labels="perceived").clips()


def test_a_wrong_root_is_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere, does not exist; .*; expected the repository"):
        cremad(tmp_path / "nowhere").checked_clips()


def test_a_folder_without_a_clip_is_named_with_the_layout(tmp_path: Path) -> None:
    (tmp_path / "1001_DFA_ANG_XX.wav").touch()  # sound only
    with pytest.raises(DataError) as caught:
        cremad(tmp_path).checked_clips()
    assert f"no clip found in {tmp_path}" in str(caught.value)
    assert "AudioWAV/1001_DFA_ANG_XX.wav" in str(caught.value)
