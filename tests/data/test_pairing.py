"""Pairs of voices and pictures: what they share, and what no two speakers share."""

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from emorec.cli import main
from emorec.data.pairing import Pair, Recording, pair
from emorec.errors import DataError

CLASSES = ("anger", "joy", "calm")
VOICES = [
    Recording(Path(f"/v/{speaker}-{label}-{take}.wav"), label, speaker)
    for speaker in ("ann", "bob", "cem")
    for label in CLASSES
    for take in range(4)
]
FACES = [Recording(Path(f"/f/{label}-{i}.png"), label, "") for label in CLASSES for i in range(30)]


def no_picture_has_two_speakers(pairs: list[Pair]) -> bool:
    speakers = defaultdict(set)
    for each in pairs:
        speakers[each.face.path].add(each.voice.group)
    return all(len(found) == 1 for found in speakers.values())


def test_pairs_by_class_share_the_class_alone() -> None:
    pairs = pair(VOICES, FACES, count=2, seed=1)
    assert [each.voice for each in pairs] == [voice for voice in VOICES for _ in range(2)]
    assert all(each.voice.label == each.face.label for each in pairs)
    assert no_picture_has_two_speakers(pairs)
    assert len({each.face for each in pairs}) == len(pairs)  # 8 of each speaker's 10 a class
    assert pairs == pair(VOICES, FACES[::-1], count=2, seed=1)
    assert pairs != pair(VOICES, FACES, count=2, seed=2)


def test_pictures_repeat_only_where_a_speakers_run_out() -> None:
    pairs = pair(VOICES, FACES, count=5)  # 20 of each speaker's 10 a class
    uses: dict[Path, int] = defaultdict(int)
    for each in pairs:
        uses[each.face.path] += 1
    assert set(uses.values()) == {2}
    assert no_picture_has_two_speakers(pairs)


def test_a_person_has_one_picture_of_each_class() -> None:
    pairs = pair(VOICES, FACES, by="person")
    assert all(each.voice.label == each.face.label for each in pairs)
    faces = {(each.voice.group, each.voice.label): each.face for each in pairs}
    assert all(each.face == faces[each.voice.group, each.voice.label] for each in pairs)
    assert len(set(faces.values())) == 9


def test_mismatched_pairs_share_nothing() -> None:
    pairs = pair(VOICES, FACES, by="nothing", count=10)
    same = sum(each.voice.label == each.face.label for each in pairs) / len(pairs)
    assert 0.2 < same < 0.5  # a third by chance
    assert no_picture_has_two_speakers(pairs)


def test_pictures_of_one_person_stay_together() -> None:
    people = [
        Recording(Path(f"/f/{who}-{label}.png"), label, f"p{who}")
        for who in range(9)
        for label in CLASSES
    ]
    pairs = pair(VOICES, people)
    speakers = defaultdict(set)
    for each in pairs:
        speakers[each.face.group].add(each.voice.group)
    assert all(len(found) == 1 for found in speakers.values())


@pytest.mark.parametrize(
    ("faces", "options", "words"),
    [
        (FACES[:2], {}, "no picture of the class"),
        ([f._replace(label=f.label.upper()) for f in FACES], {}, "the same names in both"),
        (FACES, {"count": 0}, "at least 1; got 0"),
        (FACES, {"count": 2, "by": "person"}, "a person has one picture"),
    ],
)
def test_what_cannot_be_paired_is_said(
    faces: list[Recording], options: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        pair(VOICES, faces, **options)  # type: ignore[arg-type]


def listed(path: Path, recordings: list[Recording]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group"])
        writer.writerows(recordings)
    return path


def test_the_command_writes_a_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voices, faces = listed(tmp_path / "v.csv", VOICES), listed(tmp_path / "f.csv", FACES)
    out = tmp_path / "lists" / "pairs.csv"
    command = ["pair", str(voices), str(faces), "--out", str(out), "--count", "2"]
    main(command)
    assert "72 pairs by class of 36 voices and 72 pictures" in capsys.readouterr().out
    rows = list(csv.DictReader(out.open()))
    assert len({row["id"] for row in rows}) == 72
    first = rows[0]
    assert (out.parent / first["path"]).resolve() == VOICES[0].path
    assert (out.parent / first["sidecar_face"]).resolve().parent == Path("/f")
    assert (first["label"], first["group"]) == ("anger", "ann")
    with pytest.raises(SystemExit):
        main(command)
    assert "--overwrite replaces it" in capsys.readouterr().err
    main([*command, "--by", "nothing", "--overwrite"])
    assert {row["label"] for row in csv.DictReader(out.open())} == {""}
    faces.write_text("path,label\n,\n")
    with pytest.raises(SystemExit):
        main([*command, "--overwrite"])
    assert "no row with a path and a label" in capsys.readouterr().err
