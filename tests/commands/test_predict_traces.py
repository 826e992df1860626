"""emorec predict with a model of values over time: traces, bad files, resuming, what it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest

from emorec.cli import main
from tests.helpers.media_files import Sound, tone, write_media

BOTH = ["arousal", "valence"]

pytestmark = pytest.mark.usefixtures("one_place")


@pytest.fixture
def model(affect_run: Path) -> str:
    return str(affect_run / "checkpoints/best.ckpt")


@pytest.fixture
def recording(affect_run: Path) -> Path:
    return sorted((affect_run.parent / "media").rglob("*.mp4"))[0]


def test_each_file_gets_a_trace_and_a_bad_one_is_listed(
    model: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, out = tmp_path / "bad.mp4", tmp_path / "out"
    bad.write_text("no video")
    heard = write_media(tmp_path / "heard.m4a", None, Sound(tone(48000, 3.0)[None]))
    command = ["predict", model, str(bad), str(recording), str(heard), f"--out={out}"]
    command += ["--device=cpu", "--format", "csv", "parquet"]
    main(command)
    shown = capsys.readouterr()
    assert f"{bad}: skipped, not readable as media" in shown.err
    assert f"{recording}: arousal " in shown.out
    assert "2 of 3 files predicted, 1 skipped" in shown.out
    assert shown.out.rstrip().endswith("and a trace picture each")
    lines = [json.loads(line) for line in (out / "predictions.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [str(bad), str(recording), str(heard)]
    assert lines[1]["files"] == [f"{recording.stem}_trace.csv", f"{recording.stem}_trace.png"]
    assert lines[2]["modalities"] == {"audio": 2, "face": 0}
    assert "no video" in lines[2]["warnings"]
    trace = pd.read_csv(out / lines[1]["trace"])
    assert len(trace) == 175
    assert trace["arousal"].mean() == pytest.approx(
        lines[1]["dimensions"]["arousal"]["mean"],
        abs=1e-6,  # both are rounded to 6 digits
    )
    assert (out / lines[1]["picture"]).stat().st_size > 10000
    for table in (
        pd.read_csv(out / "predictions.csv"),
        pd.read_parquet(out / "predictions.parquet"),
    ):
        assert table["file"].tolist() == [str(bad), str(recording), str(heard)]
        assert table["error"].fillna("").tolist()[1:] == ["", ""]
        assert "label" not in table
        assert table["valence_maximum"].notna().tolist() == [False, True, True]
        assert table["face_arousal_mean"].notna().tolist() == [False, True, False]

    before = (out / lines[1]["trace"]).stat().st_mtime_ns
    main(command)
    assert "2 of 3 files predicted, 2 of them before, 1 skipped" in capsys.readouterr().out
    assert (out / lines[1]["trace"]).stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main([*command, "--no-pictures"])
    assert "another model or with other options" in capsys.readouterr().err
    (out / lines[2]["picture"]).unlink()
    main([*command, "--no-pictures", "--overwrite"])
    assert "2 of 3 files predicted, 1 skipped" in capsys.readouterr().out
    assert not (out / lines[2]["picture"]).exists()
    assert (out / lines[1]["trace"]).stat().st_mtime_ns > before


@pytest.mark.parametrize("options", [["--timeline"], ["--video"], ["--timeline", "--video"]])
def test_a_trace_is_a_timeline_already(
    model: str,
    recording: Path,
    options: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SystemExit):
        main(["predict", model, str(recording), f"--out={out}", "--device=cpu", *options])
    error = capsys.readouterr().err
    assert "its trace, a value every 0.04 s, is the timeline already" in error
    assert f"leave out {' and '.join(options)}" in error
    assert not out.exists()


@pytest.mark.parametrize("command", ["app", "explain", "export", "export run"])
def test_commands_for_classes_say_what_works(
    command: str,
    model: str,
    affect_run: Path,
    recording: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = {
        "app": ["app", model],
        "explain": ["explain", model, str(recording), f"--out={tmp_path / 'page.html'}"],
        "export": ["export", model, f"--out={tmp_path / 'out'}"],
        "export run": ["export", str(affect_run), f"--out={tmp_path / 'out'}", "--format=hub"],
    }
    with pytest.raises(SystemExit):
        main(arguments[command])
    error = capsys.readouterr().err
    assert f"emorec {arguments[command][0]} needs a model of classes; this one predicts" in error
    assert "(arousal, valence): emorec predict writes each recording's trace" in error
    assert list(tmp_path.iterdir()) == []
