"""emorec experiment: a whole small study, also killed and started again."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from emorec.cli import main
from emorec.commands.experiment import build_parser
from tests.conftest import ROOT, Place

CONFIG = ROOT / "configs/study/synthetic_tiny.yaml"


def command(out: Path, place: Place) -> list[str]:
    return [
        "experiment",
        f"--config={CONFIG}",
        f"--out={out}",
        "--jobs=2",
        "--set",
        f"data.root={place.media}",
        f"data.cache={place.cache}",
    ]


@pytest.fixture(scope="module")
def study(place: Place, smoke_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the finished study."""
    out = tmp_path_factory.mktemp("study")
    sys.argv = ["emorec"]
    main(command(out, place))
    return out


def results(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "results.csv", keep_default_na=False).drop(columns=["seconds", "code"])


def test_a_study_leaves_its_tables_and_pictures(study: Path) -> None:
    table = results(study)
    whole = table[table["rate"] == 0]
    assert len(whole) == 2 * 3 * 2  # methods, runs, fused and audio alone
    assert set(whole["protocol"]) == {"random_clip", "nested"}
    assert set(whole[whole["protocol"] == "nested"]["speakers_shared"]) == {False}
    assert set(whole[whole["protocol"] == "random_clip"]["speakers_shared"]) == {True}
    assert set(table["case"]) == {"", "audio", "face", "either"}
    assert not table["selected_on_test"].any()
    assert table["cell"].nunique() == 9
    text = (study / "table.md").read_text()
    assert "random_clip (shares speakers)" in text
    assert "effective robustness" in text
    assert "in 3 comparisons" in text or "of 3 comparisons" in text or "of 2 comparisons" in text
    assert "\\begin{tabular}" in (study / "table.tex").read_text()
    pictures = {path.name for path in study.glob("*.png")}
    assert {f"methods_{p}_missing.png" for p in ("random_clip", "nested")} <= pictures
    assert "methods_nested_confusion_full.png" in pictures
    predictions = pd.read_csv(study / "predictions.csv")
    assert set(predictions["cell"]) == set(whole["cell"])


def test_a_finished_study_is_read_not_run(
    study: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in study.rglob("metrics.json")}
    main(command(study, place))
    assert "9 finished, 0 to run" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in study.rglob("metrics.json")}
    main([*command(study, place), "--dry-run"])
    assert "9 cells, 0 to run" in capsys.readouterr().out


@pytest.mark.slow
def test_a_killed_study_ends_with_the_same_results(
    study: Path, place: Place, tmp_path: Path
) -> None:
    arguments = [sys.executable, "-m", "emorec", *command(tmp_path, place)]
    log = (tmp_path / "log").open("w")
    for number in range(2):
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        while process.poll() is None and not len(list(tmp_path.rglob("last.ckpt"))) > number:
            time.sleep(0.1)
        time.sleep(random.random() * 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "table.md").exists()
    subprocess.run(arguments, check=True, stdout=log, stderr=log)
    pd.testing.assert_frame_equal(results(tmp_path), results(study))


def test_an_unknown_grid_and_a_bad_setting_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    for more, message in (
        (["--grid", "nothing"], "no grid 'nothing'; the study has methods"),
        (["--set", "data.seed"], "'data.seed' is not a setting; expected NAME=VALUE"),
        (["--set", "stages.jont.epochs=1"], "no option of a stage"),
    ):
        with pytest.raises(SystemExit):
            main(["experiment", f"--config={CONFIG}", *more])
        assert message in capsys.readouterr().err


def test_options_may_be_set_in_several_places() -> None:
    given = ["--config=x.yaml", "--set", "data.root=a", "--set", "data.cache=b", "data.seed=1"]
    assert build_parser().parse_args(given).set == ["data.root=a", "data.cache=b", "data.seed=1"]
