"""emorec verify: its summary, its table, its exit status, and the line that excludes copies."""

import csv
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from emorec.cli import main
from emorec.data import Manifest
from tests.helpers.media_files import Picture, Sound, portrait, text_file, times, tone, write_media

FACE = Picture(times(20), draw=lambda number: portrait()[:256, 96 + number % 3 : 352 + number % 3])
VOICE = Sound(tone(16000, 0.8)[None], 16000)
SILENCE = Sound(np.zeros((1, 12800), np.float32), 16000)
COPY = "copy, of 'good'.mp4"
EXTRACTORS = """{
  "audio": {"class_path": "LogMel", "init_args": {"sample_rate": 16000}},
  "face": {"class_path": "FaceCrops", "init_args": {"size": 64}}}"""


def options(folder: Path, *names: str) -> list[str]:
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "group"])
        for number, name in enumerate(names):
            rows.writerow([name, ("fear", "anger")[number % 2], f"speaker{number % 3}"])
    return [
        "verify",
        "--data=Manifest",
        f"--data.manifest={folder / 'clips.csv'}",
        f"--data.cache={folder / 'cache'}",
        f"--data.extractors={EXTRACTORS}",
        "--data.windows=RandomWindows",
        "--data.windows.count=3",
        "--workers=0",
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_media(tmp_path / "good.mp4", FACE, VOICE)
    write_media(tmp_path / "silent.mp4", FACE, SILENCE)
    write_media(tmp_path / "mute.mp4", FACE)
    write_media(tmp_path / "bars.mp4", Picture(times(20)), VOICE)
    return tmp_path


def test_a_broken_set_is_told_in_words_and_in_a_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text_file(folder / "text.mp4")
    shutil.copyfile(folder / "good.mp4", folder / COPY)
    names = ["good.mp4", "gone.mp4", "text.mp4", COPY, "silent.mp4", "mute.mp4", "bars.mp4"]
    command = options(folder, *names)
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    for line in (
        "missing         1  gone.mp4",
        "damaged         1  text.mp4",
        f"duplicated      1  {COPY}",
        "no sound        1  mute.mp4",
        "silent          1  silent.mp4",
        "no video        0",
        "no face         1  bars.mp4",
        "emotion: anger 2, disgust 0, fear 4, happiness 0, sadness 0, surprise 0",
        "speakers: 3; clips of each: 1 (speaker1) to 3 (speaker0)",
        f"  good.mp4 = {COPY}",
    ):
        assert line in lines
    assert lines[-1] == "7 clips, 5 usable: 3 missing, damaged or duplicated, 3 warnings"
    (table,) = (folder / "cache").glob("*/verify.csv")
    assert f"one row a problem: {table}" in lines
    with table.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    assert head == ["clip", "path", "problem", "detail"]
    assert len(rows) == 6
    assert rows[0] == ["gone.mp4", "gone.mp4", "missing", "file not found"]
    assert rows[-1] == [COPY, COPY, "duplicated", "same content as good.mp4, but another label"]


def test_the_line_that_is_printed_leaves_copies_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (COPY, "7.mp4"):
        shutil.copyfile(folder / "good.mp4", folder / name)
    command = options(folder, "good.mp4", COPY, "bars.mp4", "7.mp4")
    for _ in range(2):  # the second time from the cache
        with pytest.raises(SystemExit):
            main(command)
        lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("--data.exclude ")]
    main([*command, *shlex.split(line)])
    assert capsys.readouterr().out.splitlines()[-1].startswith("2 clips, 2 usable: 0 missing")


def test_warnings_alone_end_with_status_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(options(folder, "good.mp4", "silent.mp4", "mute.mp4", "bars.mp4"))
    shown = capsys.readouterr().out
    assert shown.endswith("4 clips, 4 usable: 0 missing, damaged or duplicated, 3 warnings\n")
    assert "--data.exclude" not in shown


def test_published_numbers_stand_beside_what_is_found(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published = {"clips": 1440, "speakers": 24, "anger": 192, "hours": 3}
    monkeypatch.setattr(Manifest, "published", published)
    main([*options(folder, "good.mp4", "bars.mp4"), '--data.extractors={"a": "LogMel"}'])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("found ")] == [
        "found 2, published 1440 clips",
        "found 2, published 24 speakers",
        "found 1, published 192 anger",
    ]
    assert "no face         -  not measured: no extractor for it, or no readable clip" in lines


def test_the_help_states_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--help"])
    assert stop.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 1 when a clip is missing, damaged or duplicated; 0 otherwise" in shown


def test_a_set_that_is_not_there_is_the_users_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*options(tmp_path), f"--data.manifest={tmp_path / 'nowhere.csv'}"])
    assert stop.value.code == 2
    assert "nowhere.csv not found; expected a CSV file" in capsys.readouterr().err


def test_recordings_with_traces_are_counted_and_bad_traces_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        write_media(tmp_path / f"{number}.m4a", None, VOICE)
    (tmp_path / "0.csv").write_text("time,arousal\n0,1\n0.5,0.5\n")
    (tmp_path / "1.csv").write_text("when,arousal\n0,1\n")
    (tmp_path / "3.csv").write_text("time,arousal\n0,1\n800,0.5\n")  # milliseconds
    rows = "0.m4a,0.csv\n1.m4a,1.csv\n2.m4a,\n3.m4a,3.csv\n"
    (tmp_path / "clips.csv").write_text(f"path,trace\n{rows}")
    command = [
        "verify",
        "--data=Manifest",
        f"--data.manifest={tmp_path / 'clips.csv'}",
        "--data.dimensions=[arousal]",
        f"--data.cache={tmp_path / 'cache'}",
        '--data.extractors={"audio": {"class_path": "LogMel"}}',
        "--data.windows=SlidingWindows",
        "--data.windows.length=0.4",
        "--data.windows.hop=0.4",
        "--workers=0",
    ]
    with pytest.warns(UserWarning, match="1 of 3 recordings"), pytest.raises(SystemExit):
        main(command)
    shown = capsys.readouterr().out
    assert "affect: with a trace 3, unlabelled 1" in shown
    assert "damaged         2  1.m4a, 3.m4a" in shown
    (table,) = (tmp_path / "cache").rglob("verify.csv")
    assert "no column time" in table.read_text()
    assert "its trace lasts 800 s, the recording 1 s" in table.read_text()
