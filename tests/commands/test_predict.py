"""emorec predict: bad files, resuming, lists on standard input, timelines."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from emorec.cli import main
from tests.conftest import Place
from tests.helpers.media_files import Sound, tone, write_media


@pytest.fixture
def model(smoke_run: Path) -> str:
    return str(smoke_run / "checkpoints/best.ckpt")


def test_a_bad_file_is_listed_and_the_rest_is_done_once(
    model: str, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "media" / "bad.mp4"
    bad.parent.mkdir()
    bad.write_text("no video")
    good = sorted(place.media.rglob("*.mp4"))[0]
    out = tmp_path / "out"
    command = ["predict", model, str(bad.parent), str(good), f"--out={out}", "--device=cpu"]
    main([*command, "--format", "csv"])
    shown = capsys.readouterr()
    assert f"{bad}: skipped, not readable as media" in shown.err
    assert "1 of 2 files predicted, 1 skipped" in shown.out
    picture = out / f"{good.stem}_timeline.png"
    before = picture.stat().st_mtime_ns
    table = pd.read_csv(out / "predictions.csv", keep_default_na=False)
    assert table["file"].tolist() == [str(bad), str(good)]
    assert table["error"].iloc[0].startswith("not readable")

    main([*command, "--format", "csv"])
    assert "1 of 2 files predicted, 1 of them before, 1 skipped" in capsys.readouterr().out
    assert picture.stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main([*command, "--timeline"])
    assert "another model or with other options" in capsys.readouterr().err


def test_a_list_on_standard_input_gives_timelines(
    model: str,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clip = sorted(place.media.rglob("*.mp4"))[0]
    heard = write_media(tmp_path / "heard.m4a", None, Sound(tone(48000, 1.0)[None]))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{clip}\n{heard}\n"))
    out = tmp_path / "out"
    main(["predict", model, "-", f"--out={out}", "--device=cpu", "--video", "--hop=0.25"])
    assert "2 of 2 files predicted, 0 skipped" in capsys.readouterr().out
    seen, sound = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
    assert [person["person"] for person in seen["persons"]] == [1]
    assert [person["person"] for person in sound["persons"]] == [None]
    assert "no annotated video: the file has no picture" in sound["warnings"]
    assert all((out / name).is_file() for name in seen["files"] + sound["files"])
    assert seen["video"].endswith("_annotated.mp4")
    table = pd.read_csv(out / seen["timeline"])
    assert table["start"].diff().dropna().round(3).unique().tolist() == [0.25]


def test_nothing_to_predict_is_an_error(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["predict", model, str(tmp_path)])
    assert "no media file found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "message"),
    [("--hop=0", "--hop is 0; expected seconds"), ("--out=clips.csv", "which is a file")],
)
def test_options_that_cannot_be_are_told_at_once(
    model: str,
    option: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips.csv").touch()
    with pytest.raises(SystemExit):
        main(["predict", model, "a.mp4", "--device=cpu", option])
    assert message in capsys.readouterr().err
    assert (tmp_path / "clips.csv").read_text() == ""


def test_clips_of_a_manifest_are_parts_of_a_file(
    model: str, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    media = sorted(place.media.rglob("*.mp4"))[0]
    rows = "".join(
        f"{media.name},{start},{start + 0.5},{name}\n" for name, start in (("a", 0.0), ("b", 0.5))
    )
    (tmp_path / "clips.csv").write_text(f"path,start,end,id\n{rows}gone.mp4,,,c\n")
    command = [
        "predict",
        model,
        str(tmp_path / "clips.csv"),
        f"--root={media.parent}",
        "--device=cpu",
    ]
    main([*command, f"--out={tmp_path / 'out'}", "--video"])
    shown = capsys.readouterr()
    assert "2 of 3 files predicted, 1 skipped" in shown.out
    assert "c: skipped" in shown.err
    first, second, _ = map(
        json.loads, (tmp_path / "out/predictions.jsonl").read_text().splitlines()
    )
    for name, record in (("a", first), ("b", second)):
        assert (record["clip"], record["file"]) == (name, str(media))
        assert "no annotated video: the clip is a part of a file" in record["warnings"]
        table = pd.read_csv(tmp_path / "out" / record["timeline"])
        assert table["end"].max() <= 0.5 + 1e-6
        assert table["clip"].unique().tolist() == [name]
    assert list((tmp_path / "out").glob("*.mp4")) == []


def test_odd_names_end_nothing(
    model: str, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = sorted(place.media.rglob("*.mp4"))[0]
    folder = tmp_path / "media"
    folder.mkdir()
    latin = os.fsdecode(b"M\xfcller.mp4")
    long = "Interview_" * 24 + ".mp4"
    names = ["a.mp4", latin, long, "z.mp4", "日本.mp4"]
    for name in names:
        shutil.copyfile(clip, folder / name)
    out = tmp_path / "out"
    command = ["predict", model, str(folder), f"--out={out}", "--device=cpu", "--timeline"]
    main([*command, "--format", "csv", "parquet"])
    assert "5 of 5 files predicted, 0 skipped" in capsys.readouterr().out
    lines = (out / "predictions.jsonl").read_text("utf-8").splitlines()
    records = {Path(record["file"]).name: record for record in map(json.loads, lines)}
    assert sorted(records) == sorted(names)
    for record in records.values():
        assert all((out / name).is_file() for name in record["files"])
    table = pd.read_csv(out / "predictions.csv")
    assert r"M\xfcller.mp4" in "".join(table["file"])
    main([*command, "--format", "csv", "parquet"])
    assert "5 of 5 files predicted, 5 of them before" in capsys.readouterr().out


def test_a_terminal_that_cannot_show_a_name_ends_nothing(
    model: str, place: Place, tmp_path: Path
) -> None:
    shutil.copyfile(sorted(place.media.rglob("*.mp4"))[0], tmp_path / "日本.mp4")
    command = [sys.executable, "-m", "emorec", "predict", model, str(tmp_path), "--no-pictures"]
    ended = subprocess.run(
        [*command, f"--out={tmp_path / 'out'}", "--device=cpu"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode("latin-1")
    assert rb"\u65e5\u672c.mp4: " in ended.stdout


def test_the_second_run_leaves_out_what_the_first_one_wrote(
    model: str,
    place: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copyfile(sorted(place.media.rglob("*.mp4"))[0], tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    command = ["predict", model, ".", "--video", "--no-pictures", "--device=cpu", "--hop=1"]
    main(command)
    written = sorted(path.name for path in Path("predictions").iterdir())
    assert "clip_annotated.mp4" in written
    capsys.readouterr()
    main(command)
    shown = capsys.readouterr()
    assert "1 of 1 files predicted, 1 of them before" in shown.out
    assert "1 annotated copies of earlier runs" in shown.err
    assert sorted(path.name for path in Path("predictions").iterdir()) == written
