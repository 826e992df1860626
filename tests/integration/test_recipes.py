"""The recipes for one's own clips, as the README gives them, on generated clips."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from emorec.cli import main
from emorec.media import probe, read_key_frames
from tests.conftest import ROOT, Place

RECIPES = {  # and their stages
    "quick": ["joint"],
    "quick_audio": ["joint"],
    "quick_video": ["joint"],
    "quick_unlabelled": ["joint"],
    "audio_from_scratch": ["joint"],
    "finetune_encoders": ["heads", "all"],
}


@pytest.fixture(scope="module")
def manifest(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """List generated clips as a user would: path, label, group."""
    config = ROOT / "configs/data/synthetic_tiny.yaml"
    main(["preprocess", "--data", str(config), *place.options()])
    path = tmp_path_factory.mktemp("own") / "clips.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "group"])
        for clip in sorted(place.media.rglob("s0*-*-*.*")):
            speaker, label, _ = clip.stem.split("-")
            rows.writerow([clip, label, speaker])
    assert path.read_text().count("\n") == 19
    return path


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_trains_tests_and_predicts(recipe: str, manifest: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    epochs = [f"--training.stages.{name}.epochs=1" for name in RECIPES[recipe]]
    few = [] if recipe != "finetune_encoders" else ["--data.windows.count=1", "--data.batch_size=3"]
    few += ["--training.stages.joint.steps=2"] if recipe == "quick_unlabelled" else []
    main(
        [
            "fit",
            "--config",
            str(ROOT / f"configs/experiment/{recipe}.yaml"),
            f"--data.manifest={manifest}",
            f"--data.cache={tmp_path}",
            "--trainer.enable_progress_bar=false",
            f"--run={run}",
            *epochs,
            *few,
        ]
    )
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["clips"]["test"] == 6
    assert "no test speaker is in training" in (run / "summary.txt").read_text()
    clip = manifest.read_text().splitlines()[1].split(",")[0]
    best = str(run / "checkpoints/best.ckpt")
    main(["predict", best, clip, "--out", str(tmp_path / "predictions")])
    (line,) = (tmp_path / "predictions/predictions.jsonl").read_text().splitlines()
    assert json.loads(line)["label"] in metrics["classes"]["emotion"]


@pytest.mark.parametrize("within", ["corpus", "speaker"])
def test_the_floor_is_one_command(within: str, manifest: Path, tmp_path: Path) -> None:
    main(
        [
            "baseline",
            "--data",
            str(ROOT / "configs/data/quick.yaml"),
            f"--data.manifest={manifest}",
            f"--data.cache={tmp_path}",
            f"--data.within={within}",
            "--method=linear",
            f"--run={tmp_path / 'floor'}",
        ]
    )
    metrics = json.loads((tmp_path / "floor/metrics.json").read_text())
    assert metrics["within"] == within


def test_a_still_picture_is_predicted_by_its_face(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, clips = tmp_path / "run", manifest.read_text().splitlines()[1:]
    options = [f"--data.manifest={manifest}", f"--data.cache={tmp_path}"]
    quiet = ["--trainer.enable_progress_bar=false", "--training.stages.joint.epochs=1"]
    config = str(ROOT / "configs/experiment/quick_video.yaml")
    main(["fit", "--config", config, f"--run={run}", *options, *quiet])
    best = str(run / "checkpoints/best.ckpt")
    video = next(each.split(",")[0] for each in clips if ".mp4" in each)
    (frame,) = read_key_frames(probe(Path(video)), [0.5]).images
    still, beside = tmp_path / "photos/still.png", tmp_path / "photos/beside.mp4"
    still.parent.mkdir()
    Image.fromarray(frame).save(still)
    beside.write_bytes(Path(video).read_bytes())
    out = tmp_path / "predictions"
    main(["predict", best, str(still), "--out", str(out)])
    (record,) = map(json.loads, (out / "predictions.jsonl").read_text().splitlines())
    assert record["label"] in record["probabilities"]
    capsys.readouterr()
    main(["predict", best, str(still.parent), "--out", str(tmp_path / "folder")])
    lines = (tmp_path / "folder/predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == [str(beside)]
    assert ".png" in "".join(capsys.readouterr())
