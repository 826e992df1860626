"""From a GAN to a folder of segments to a training that mixes them in, by the real commands."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emorec.cli import main
from emorec.data.generated import read_generated
from emorec.errors import DataError
from tests.conftest import ROOT, Place

CONFIGS = ROOT / "configs"
STAGE: dict[str, Any] = {"epochs": 1, "train": None, "objectives": None, "warmup": {}}
SMALL = ["--trainer.enable_progress_bar=false", "--trainer.limit_train_batches=2"]
SMALL += ["--data.windows.count=2", "--data.batch_size=9", "--data.workers=0"]


def fit(run: Path, place: Place, *options: str, model: str = "small", **stage: Any) -> Path:
    """Train a batch or two on generated clips."""
    joint = json.dumps({"joint": {**STAGE, **stage}})
    main(
        [
            *["fit", f"--config={CONFIGS}/experiment/smoke.yaml", f"--run={run}", *SMALL],
            *[f"--model={CONFIGS}/model/{model}.yaml", *place.options(), *options],
            f"--training.stages={joint}",
        ]
    )
    return run


@pytest.fixture(scope="module")
def gan(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("gan") / "run"
    kept = "--model.adversarial.per_class=4"
    return fit(run, place, kept, model="generate_small", monitor="val/fused/uar")


@pytest.fixture(scope="module")
def folder(gan: Path) -> Path:
    out = gan.parent / "generated"
    main(["generate", str(gan / "checkpoints/best.ckpt"), "--per-class=4", f"--out={out}"])
    return out


def test_the_run_is_a_run_like_any_other(gan: Path, place: Place, tmp_path: Path) -> None:
    metrics = json.loads((gan / "metrics.json").read_text())
    assert metrics["finished"]
    assert metrics["test"]["fused"]["clips"] == metrics["clips"]["test"]
    logged = (gan / "logs/version_0/metrics.csv").read_text().splitlines()[0].split(",")
    assert {"gan/critic_epoch", "gan/generator_epoch", "gan/s_epoch", "gan/s_real_epoch"} <= set(
        logged
    )
    quality = json.loads((gan / "generated_quality.json").read_text())
    assert quality.keys() == {"audio", "face"}
    assert all(each["frechet"] > 0 and each["copying"] > 0 for each in quality.values())
    sheets = sorted(path.name for path in (gan / "samples").iterdir())
    assert sheets == ["audio_epoch000.png", "face_epoch000.png"]
    clip = next(iter(sorted(place.media.rglob("*.*"))))
    checkpoint = str(gan / "checkpoints/best.ckpt")
    main(["predict", checkpoint, str(clip), f"--out={tmp_path / 'predictions'}"])
    assert list((tmp_path / "predictions").iterdir())


def test_segments_are_whole_and_reproducible(gan: Path, folder: Path, tmp_path: Path) -> None:
    card, arrays, label = read_generated(folder)
    assert card["generated"] is True
    assert label.tolist() == [c for c in range(6) for _ in range(4)]
    assert arrays["face"].dtype == np.uint8
    assert arrays["audio"].dtype == np.float16
    assert arrays["face"].shape[1:] == (3, *arrays["face"].shape[2:])
    assert np.isfinite(arrays["audio"]).all()
    checkpoint = str(gan / "checkpoints/best.ckpt")
    again, other = tmp_path / "again", tmp_path / "other"
    main(["generate", checkpoint, "--per-class=4", f"--out={again}"])
    main(["generate", checkpoint, "--per-class=4", "--seed=1", f"--out={other}"])
    for name, array in arrays.items():
        assert np.array_equal(np.load(again / f"{name}.npy"), array)
        assert not np.array_equal(np.load(other / f"{name}.npy"), array)
        assert np.array_equal(np.load(gan / "generated" / f"{name}.npy"), array)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_they_join_training_and_nothing_else(folder: Path, place: Place, tmp_path: Path) -> None:
    plain = fit(tmp_path / "plain", place)
    mixed = fit(tmp_path / "mixed", place, f"--data.generated.folder={folder}")
    found = [json.loads((run / "metrics.json").read_text()) for run in (plain, mixed)]
    assert found[1]["clips"] == {**found[0]["clips"], "generated": 24}
    assert "training also used 24 generated segments" in (mixed / "summary.txt").read_text()
    assert found[0]["test"]["fused"]["clips"] == found[1]["test"]["fused"]["clips"]
    weights = [
        torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
        for run in (plain, mixed)
    ]
    for name in ("audio", "face"):  # the statistics are those of real clips
        for key in ("mean", "deviation"):
            one, other = (w[f"model.standardise.{name}.{key}"] for w in weights)
            assert torch.equal(one, other)
    rates = {n: one for n, one in weights[0].items() if not torch.equal(one, weights[1][n])}
    assert rates  # the batches were others


def test_they_are_refused_where_the_generator_saw_tested_clips(
    folder: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        fit(tmp_path / "run", place, f"--data.generated.folder={folder}", "--data.seed=1")
    said = capsys.readouterr().err
    assert "clips that are validated or tested on here: use the same split, fold and seed" in said


def test_more_than_there_are_is_refused(
    folder: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--data.generated.folder={folder}", "--data.generated.per_class=9"]
    with pytest.raises(SystemExit):
        fit(tmp_path / "run", place, *options)
    assert "has 4 segments of" in capsys.readouterr().err


def test_an_existing_folder_is_kept(
    gan: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(gan / "checkpoints/best.ckpt")
    with pytest.raises(SystemExit):
        main(["generate", checkpoint, "--per-class=4", f"--out={folder}"])
    assert "--overwrite replaces it" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(SystemExit):
        main(["generate", checkpoint, "--per-class=4", f"--out={tmp_path}", "--overwrite"])
    assert "was not written by emorec generate" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_checkpoint_without_a_generator_is_refused(
    smoke_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(smoke_run / "checkpoints/best.ckpt")
    with pytest.raises(SystemExit):
        main(["generate", checkpoint, "--per-class=1", f"--out={tmp_path / 'x'}"])
    assert "has no generator" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["card", "label", "array", "short"])
def test_a_damaged_folder_is_refused(damage: str, folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if damage == "card":
        (tmp_path / "generated.json").write_text("{")
    elif damage == "label":
        (tmp_path / "label.npy").unlink()
    elif damage == "array":
        (tmp_path / "audio.npy").write_bytes((folder / "audio.npy").read_bytes()[:-100])
    else:
        np.save(tmp_path / "label.npy", np.zeros(3, np.int64))
    with pytest.raises(DataError, match=r"does not hold generated segments|do not fit"):
        read_generated(tmp_path)
