"""The wheel alone, in an empty folder: what who installs emorec with pip has."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import Place

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the content of the wheel, as an installation has it."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = place.glob("emorec-*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(place / "site")
    return place / "site"


def emorec(site: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "emorec", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in ("Tip:", "TPU available", "on_after_batch_transfer"):  # not for users of emorec
        assert line not in done.stderr
    return done.stdout


def test_it_holds_the_configs_and_no_tests(installed: Path) -> None:
    ours = {str(p.relative_to(ROOT)) for p in (ROOT / "configs").rglob("*.yaml")}
    theirs = {str(p.relative_to(installed / "emorec")) for p in installed.rglob("configs/*/*.yaml")}
    assert theirs == ours
    assert not (installed / "tests").exists()
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"emorec"}


def test_the_smoke_run_works_in_an_empty_folder(
    installed: Path, tmp_path: Path, place: Place
) -> None:
    where = subprocess.check_output(
        [sys.executable, "-c", "import emorec; print(emorec.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        text=True,
    )
    assert Path(where.strip()).is_relative_to(installed)
    options = [*place.options(), "--trainer.enable_progress_bar", "false"]
    said = emorec(installed, tmp_path, "fit", "--config", "smoke", *options)
    assert "test clips" in said
    clip = str(min(place.media.rglob("*.mp4")))
    best = "runs/smoke/checkpoints/best.ckpt"
    emorec(installed, tmp_path, "predict", best, clip, "--out", "predictions", "--no-pictures")
    assert (tmp_path / "predictions/predictions.jsonl").read_text("utf-8").count("\n") == 1
    emorec(installed, tmp_path, "test", "--run", "runs/smoke")


@pytest.mark.slow
def test_a_project_for_own_clips_is_trained_in_an_empty_folder(
    installed: Path, tmp_path: Path, place: Place
) -> None:
    emorec(installed, tmp_path, "preprocess", "--data", "synthetic_tiny", *place.options())
    said = emorec(installed, tmp_path, "init", "study", "--clips", str(place.media))
    assert "speakers, guessed from numbered names such as s01: 3" in said
    study = tmp_path / "study"
    fit = ["fit", "--config", "quick", "--data.cache", str(tmp_path / "cache")]
    more = ["--training.stages.joint.epochs", "2", "--trainer.enable_progress_bar", "false"]
    said = emorec(installed, study, *fit, *more, "--run", "runs/first")
    assert "subject_independent" in said
