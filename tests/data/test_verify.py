"""What verify finds in real, tiny media files with one fault each."""

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.data import Manifest
from emorec.data.splits.parts import SplitError
from emorec.data.verify import Findings, Problem, verify
from emorec.extractors import Extractor, FaceCrops, LogMel
from emorec.system.findings import FindingKind
from emorec.windows import RandomWindows
from tests.helpers.media_files import (
    Picture,
    Sound,
    empty_file,
    portrait,
    spoiled,
    text_file,
    times,
    tone,
    truncated,
    write_media,
    write_sound,
)

FACE = Picture(times(20), draw=lambda number: portrait()[:256, 96 + number % 3 : 352 + number % 3])
VOICE = Sound(tone(16000, 0.8)[None], 16000)
SILENCE = Sound(np.zeros((1, 12800), np.float32), 16000)
COLUMNS = ("path", "label", "group", "split", "start", "end", "id")


def manifest(folder: Path, *rows: dict[str, str], **options: Any) -> Manifest:
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        table.writerows({"label": "fear", **row} for row in rows)
    extractors: dict[str, Extractor] = {"audio": LogMel(16000), "face": FaceCrops(64)}
    options = {"extractors": extractors, **options}
    return Manifest(
        folder / "clips.csv", windows=RandomWindows(3), cache=folder / "cache", **options
    )


def kinds(found: Findings) -> list[tuple[str, str]]:
    return [(problem.clip, problem.kind) for problem in found.problems]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_media(tmp_path / "good.mp4", FACE, VOICE)


def test_each_fault_is_found_and_named(good: Path, tmp_path: Path) -> None:
    text_file(tmp_path / "text.mp4")
    empty_file(tmp_path / "empty.mp4")
    write_media(tmp_path / "silent.mp4", FACE, SILENCE)
    write_media(tmp_path / "mute.mp4", FACE)
    write_media(tmp_path / "bars.mp4", Picture(times(20)), VOICE)
    write_media(tmp_path / "nothing.mp4", Picture(times(20)), SILENCE)
    write_sound(tmp_path / "sound.wav", VOICE.samples, 16000)
    shutil.copyfile(good, tmp_path / "copy.mp4")
    names = ["good", "gone", "text", "empty", "silent", "mute", "bars", "nothing", "copy"]
    rows = [{"path": f"{name}.mp4"} for name in names]
    found = verify(manifest(tmp_path, *rows, {"path": "sound.wav"}), workers=0)
    details = {(p.clip, p.kind): p.detail for p in found.problems}
    assert details == {
        ("gone.mp4", "missing"): "file not found",
        ("text.mp4", "damaged"): details["text.mp4", "damaged"],
        ("empty.mp4", "damaged"): "empty file",
        ("silent.mp4", "silent"): "silent: the sound track is digital silence",
        ("mute.mp4", "no sound"): "no sound",
        ("bars.mp4", "no face"): "no face in 3 of 3 windows",
        ("nothing.mp4", "silent"): "silent: the sound track is digital silence",
        ("nothing.mp4", "no face"): "no face in 3 of 3 windows",
        ("sound.wav", "no video"): "no video",
        ("copy.mp4", "duplicated"): "same content as good.mp4",
    }
    assert "not readable as media" in details["text.mp4", "damaged"]
    assert (found.listed, found.usable, found.counts["clips"]) == (10, 6, 9)
    assert found.copies == [["good.mp4", "copy.mp4"]]
    assert found.exclude == ["copy.mp4"]


def test_a_file_that_is_readable_in_part_is_damaged(good: Path, tmp_path: Path) -> None:
    cut = truncated(good, 0.6)  # an mp4 has its index at the end
    zeros = spoiled(write_media(tmp_path / "zeros.mp4", FACE, VOICE), 0.4, 0.6)
    data = manifest(tmp_path, {"path": cut.name}, {"path": zeros.name})
    first, second = verify(data, workers=0).problems
    assert (first.clip, first.kind) == (cut.name, "damaged")
    assert first.detail.startswith("not readable as media")
    assert (second.clip, second.kind) == ("zeros.mp4", "damaged")
    assert "video packets left out" in second.detail


@pytest.mark.parametrize("says", ["", "damaged", "nothing usable in n windows (no sound)"])
def test_no_wording_changes_what_is_found(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    spoiled(write_media(tmp_path / "zeros.mp4", FACE, VOICE), 0.4, 0.6)
    write_media(tmp_path / "mute.mp4", FACE)
    write_media(tmp_path / "nothing.mp4", Picture(times(20)), SILENCE)
    write_sound(tmp_path / "sound.wav", VOICE.samples, 16000)
    text_file(tmp_path / "text.mp4")
    names = ["good.mp4", "zeros.mp4", "mute.mp4", "nothing.mp4", "sound.wav", "text.mp4"]
    data = manifest(tmp_path, *({"path": name} for name in names))
    before = verify(data, workers=0)
    found = {
        ("zeros.mp4", "damaged"),
        ("mute.mp4", "no sound"),
        ("nothing.mp4", "silent"),
        ("nothing.mp4", "no face"),
        ("sound.wav", "no video"),
        ("text.mp4", "damaged"),
    }
    assert set(kinds(before)) == found
    monkeypatch.setattr("emorec.system.findings.WORDS", dict.fromkeys(FindingKind, says))
    for folder in (tmp_path / "cache").iterdir():
        shutil.rmtree(folder)  # reasons are worded again, too
    after = verify(data, workers=0)
    assert kinds(after) == kinds(before)
    assert after.usable == before.usable == 4
    details = {(problem.clip, problem.kind): problem.detail for problem in after.problems}
    assert details["mute.mp4", "no sound"] == (says or "windows_with_sound: 0")


def test_a_clip_that_is_too_short_has_neither_sound_nor_face(tmp_path: Path) -> None:
    short = Sound(tone(16000, 0.1)[None], 16000)
    write_media(tmp_path / "short.mp4", Picture(times(3), draw=FACE.draw), short)
    found = verify(manifest(tmp_path, {"path": "short.mp4"}), workers=0)
    assert [(problem.kind, problem.detail) for problem in found.problems] == [
        ("no sound", "no sound in 3 of 3 windows"),
        ("no face", "no video in 3 of 3 windows"),
    ]
    assert found.usable == 0


def test_copies_are_of_the_same_part_and_say_where_labels_differ(
    good: Path, tmp_path: Path
) -> None:
    part = {"path": "good.mp4", "start": "0", "end": "0.6"}
    rows = [
        {"path": "good.mp4", "id": "all"},
        {**part, "id": "a"},
        {**part, "id": "b"},
        {**part, "id": "c", "label": "anger"},
        {"path": "good.mp4", "id": "other", "start": "0.1", "end": "0.7"},
    ]
    found = verify(manifest(tmp_path, *rows), workers=0)
    assert found.problems == [
        Problem("b", "good.mp4", "duplicated", "same content as a"),
        Problem("c", "good.mp4", "duplicated", "same content as a, but another label"),
    ]
    assert found.copies == [["a", "b", "c"]]
    data = manifest(tmp_path, *rows, exclude=["other", *found.exclude])
    again = verify(data, workers=0)
    assert not again.problems
    assert again.exclude == ["other", "b", "c"]


def test_a_file_that_is_gone_is_missing_though_it_is_cached(good: Path, tmp_path: Path) -> None:
    shutil.copyfile(good, tmp_path / "copy.mp4")
    data = manifest(tmp_path, {"path": "good.mp4"}, {"path": "copy.mp4"})
    assert kinds(verify(data, workers=0)) == [("copy.mp4", "duplicated")]
    good.unlink()
    found = verify(data, workers=0)
    assert found.problems == [
        Problem("good.mp4", "good.mp4", "missing", "file not found, but cached and so still used"),
        Problem("good.mp4", "good.mp4", "duplicated", "same content as copy.mp4"),
    ]


def test_what_no_extractor_looks_for_is_not_reported(tmp_path: Path) -> None:
    write_media(tmp_path / "bars.mp4", Picture(times(20)), VOICE)
    found = verify(manifest(tmp_path, {"path": "bars.mp4"}, extractors={"a": LogMel(16000)}), 0)
    assert not found.problems
    assert found.measured == ["no sound", "silent"]


def test_clips_are_counted_by_class_speaker_and_part(tmp_path: Path) -> None:
    rows = []
    for number, (label, group) in enumerate([("fear", "s1"), ("anger", "s1"), ("", "s2")]):
        write_sound(tmp_path / f"{number}.wav", tone(8000, 1.0, 200.0 + number)[None], 8000)
        split = ("train", "train", "test")[number]
        rows.append({"path": f"{number}.wav", "label": label, "group": group, "split": split})
    rows.append({"path": "gone.wav", "group": "s3", "split": "val"})
    found = verify(manifest(tmp_path, *rows, extractors={"audio": LogMel(16000)}), workers=0)
    assert found.listed == 4
    assert found.speakers == {"s1": 2, "s2": 1}
    wanted = {"clips": 3, "speakers": 2, "train": 2, "val": 0, "test": 1, "fear": 1, "anger": 1}
    assert wanted.items() <= found.counts.items()
    assert found.counts["disgust"] == 0


def test_a_set_without_one_file_is_listed_whole(tmp_path: Path) -> None:
    found = verify(manifest(tmp_path, {"path": "a.mp4"}, {"path": "b.mp4"}), workers=0)
    assert kinds(found) == [("a.mp4", "missing"), ("b.mp4", "missing")]
    assert (found.usable, found.measured, found.speakers) == (0, [], {})


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        ([{"split": "train"}, {"split": "trian"}, {"split": "val"}], "official", "'trian'"),
        ([{"group": "a"}, {"group": ""}, {"group": "b"}], "subject_independent", "no speaker"),
        ([{"group": "a"}] * 3, "held_out_text", "has no text"),
    ],
)
def test_what_fit_would_refuse_is_reported_before_anything_is_decoded(
    good: Path, tmp_path: Path, rows: list[dict[str, str]], options: str, words: str
) -> None:
    listed = [{"path": good.name, "id": str(i), **row} for i, row in enumerate(rows)]
    data = manifest(tmp_path, *listed, split=options)
    with pytest.raises(SplitError, match=words):
        verify(data, 0)
    with pytest.raises(SplitError, match=words):
        data.prepare_data()
    assert not (tmp_path / "cache").exists()


def test_too_few_clips_are_reported_and_still_checked(good: Path, tmp_path: Path) -> None:
    found = verify(manifest(tmp_path, {"path": good.name}), 0)
    assert "too few to split" in found.refused
    assert found.usable == 1
