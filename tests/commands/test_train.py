"""fit, validate and test in this process: what a run leaves, resuming, and refusals."""

import copy
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from emorec.cli import main
from emorec.data import Synthetic
from emorec.data.splits.parts import PARTS
from emorec.errors import DataError
from emorec.extractors import FaceCrops, FaceSearch, LogMel
from emorec.predict.checkpoint import load_model
from emorec.windows import RandomWindows
from tests.conftest import ROOT, Place, smoke


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_files(smoke_run: Path) -> None:
    left = {str(p.relative_to(smoke_run)) for p in smoke_run.rglob("*") if p.is_file()}
    assert left >= {
        "config.yaml",
        "metrics.json",
        "predictions.csv",
        "predictions_audio.csv",
        "predictions_face.csv",
        "confusion_matrix.png",
        "training_curves.png",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "checkpoints/audio.ckpt",
        "checkpoints/face.ckpt",
        "checkpoints/joint.ckpt",
    }
    for picture in smoke_run.glob("*.png"):
        assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_metrics_agree_with_the_table_of_predictions(smoke_run: Path) -> None:
    metrics = json.loads((smoke_run / "metrics.json").read_text())
    assert metrics["split"] == "random_clip"
    assert metrics["clips"] == {"train": 12, "val": 3, "test": 3}
    assert metrics["finished"] is True
    assert metrics["seed"] == metrics["split_seed"] == 0
    assert set(metrics["test"]) == {"audio", "face", "fused"}
    for name, suffix in (("fused", ""), ("audio", "_audio"), ("face", "_face")):
        rows = read_csv(smoke_run / f"predictions{suffix}.csv")
        right = [row["target"] == row["predicted"] for row in rows]
        assert metrics["test"][name]["accuracy"] == pytest.approx(sum(right) / len(right))
        assert metrics["test"][name]["clips"] == len(rows) == 3
    assert {row["modalities"] for row in rows} == {"audio+face"}
    assert {row["segments"] for row in rows} == {"6"}
    assert all(row["group"] for row in rows)


def test_stages_are_recorded_with_their_best_epoch(smoke_run: Path) -> None:
    stages = json.loads((smoke_run / "metrics.json").read_text())["stages"]
    assert [(name, s["best_epoch"]) for name, s in stages.items()] == [
        ("audio", 0),
        ("face", 1),
        ("joint", 2),
    ]


def test_each_term_of_soft_hgr_is_logged(smoke_run: Path) -> None:
    tables = [read_csv(path) for path in smoke_run.glob("logs/version_*/metrics.csv")]
    columns = set(tables[0][0])
    for pair in ("audio+face", "audio+label", "face+label"):
        for part in ("S", "inner", "trace"):
            assert f"train/hgr/{pair}/{part}_epoch" in columns
            assert f"val/hgr/{pair}/{part}" in columns
    rows = [row for row in tables[0] if row["train/hgr/audio+face/S_epoch"]]
    for row in rows:
        s, inner, trace = (
            float(row[f"train/hgr/audio+face/{part}_epoch"]) for part in ("S", "inner", "trace")
        )
        assert s == pytest.approx(inner - trace, abs=1e-4)
    assert "train/scale/audio_epoch" in columns


def test_the_config_of_a_run_parses_back_to_itself(
    smoke_run: Path, place: Place, tmp_path: Path
) -> None:
    main(["fit", "--config", str(smoke_run / "config.yaml"), "--run", str(tmp_path / "again")])
    first, again = (
        yaml.safe_load((p / "config.yaml").read_text()) for p in (smoke_run, tmp_path / "again")
    )
    assert first == again
    # The same seed gives the same metrics twice on the CPU.
    one, two = (
        json.loads((p / "metrics.json").read_text()) for p in (smoke_run, tmp_path / "again")
    )
    assert one == two
    assert (smoke_run / "predictions.csv").read_text() == (
        tmp_path / "again/predictions.csv"
    ).read_text()


def snapshot(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*") if p.name != ".lock"}


def test_a_finished_run_is_left_as_it_is(
    smoke_run: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(smoke_run)
    smoke(smoke_run, place)
    assert snapshot(smoke_run) == before
    assert "is a finished run with these options: nothing is done" in "".join(capsys.readouterr())


def test_another_config_is_refused(
    smoke_run: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        smoke(smoke_run, place, "--model.objectives.hgr.weight", "0.7")
    assert "model.init_args.objectives.hgr.init_args.weight: 0.1 in the run, 0.7 now" in (
        capsys.readouterr().err
    )


def test_test_alone_writes_the_same_report(smoke_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(smoke_run, copy)
    expected = (copy / "predictions.csv").read_text()
    for path in (*copy.glob("*.csv"), *copy.glob("*.png"), copy / "metrics.json"):
        path.unlink()
    main(["test", "--run", str(copy)])
    assert (copy / "predictions.csv").read_text() == expected
    results: list[dict[str, Any]] = [
        json.loads((p / "metrics.json").read_text()) for p in (smoke_run, copy)
    ]
    assert results[1].pop("finished") is False, "only fit says that a run is finished"
    assert results[0].pop("finished") is True
    assert results[0] == results[1]


def test_validate_measures_the_best_weights(
    smoke_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["validate", "--run", str(smoke_run)])
    assert "val/fused/accuracy" in capsys.readouterr().out


def test_a_run_keeps_its_split_when_more_clips_have_come(
    place: Place, smoke_run: Path, tmp_path: Path
) -> None:
    def part(run: Path) -> dict[str, str]:
        return {row["clip"]: row["part"] for row in read_csv(run / "split.csv")}

    kept = part(smoke_run)
    assert sorted(kept.values()) == ["test"] * 3 + ["train"] * 12 + ["val"] * 3
    data = Synthetic(
        {"audio": LogMel(), "face": FaceCrops(94, faces=FaceSearch(min_face=80))},
        root=place.media,
        cache=place.cache,
        subjects=3,
        takes=1,
        seconds=(1.0, 1.2),
        windows=RandomWindows(6),
        workers=0,
    )
    some = {c.id: p for c, p in ((c, kept[c.id]) for c in data.clips()) if c.group != "s03"}
    split = {clip: part for clip in some for part in PARTS if some[clip] == part}
    data.for_run(resumed_split=split, select_on_test=False)
    data.setup()
    assert {c.id for name in PARTS for c in data.clips_of(name)} == set(some)
    lost = Synthetic({"audio": LogMel()}, cache=tmp_path, root=tmp_path, subjects=3, takes=1)
    lost.for_run(resumed_split={"gone": "test"}, select_on_test=False)
    with pytest.raises(DataError):
        lost.setup()


def test_test_without_weights_is_an_error(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        smoke(tmp_path, place, command="test")
    assert "no trained weights in" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["test", "--run", str(tmp_path / "nothing")])
    assert "is not a run directory: it has no config.yaml" in capsys.readouterr().err


def test_a_run_that_a_callback_stopped_is_not_finished_and_goes_on(
    place: Place, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def stop(self: Any, trainer: Any, module: Any) -> None:
        trainer.should_stop = True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emorec.callbacks.Throughput.on_train_epoch_end", stop, raising=False)
        with pytest.warns(UserWarning, match="a callback stopped training after 1 of"):
            smoke(run, place)
    assert json.loads((run / "metrics.json").read_text())["finished"] is False
    assert (run / "summary.txt").read_text().startswith("TRAINING IS NOT FINISHED: weights so far")
    smoke(run, place)
    assert (run / "summary.txt").read_text().startswith("test clips")
    assert json.loads((run / "metrics.json").read_text())["finished"] is True


def stopped_after(run: Path, place: Place, epochs: int) -> None:
    """Leave a run that ended after some epochs."""

    def stop(self: Any, trainer: Any, module: Any) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= epochs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emorec.callbacks.Throughput.on_train_epoch_end", stop, raising=False)
        with pytest.warns(UserWarning, match=f"a callback stopped training after {epochs} of"):
            smoke(run, place, "--test=false")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_damaged_checkpoint_is_named_and_the_run_resumes_from_the_one_before(
    smoke_run: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    stopped_after(run, place, 2)
    cut(run / "checkpoints/last.ckpt")
    with pytest.warns(UserWarning, match="is damaged: the run resumes from before_last.ckpt"):
        smoke(run, place)
    whole, resumed = (json.loads((r / "metrics.json").read_text()) for r in (smoke_run, run))
    assert resumed["finished"]
    assert resumed["test"] == whole["test"]
    weights = [
        torch.load(r / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
        for r in (smoke_run, run)
    ]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_if_both_checkpoints_are_damaged_the_message_says_to_start_over(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    stopped_after(run, place, 2)
    for name in ("last", "before_last"):
        cut(run / f"checkpoints/{name}.ckpt")
    with pytest.raises(SystemExit):
        smoke(run, place)
    shown = capsys.readouterr().err.splitlines()
    assert "start over with --overwrite" in shown[-1]
    assert not any("Traceback" in line for line in shown)


def test_weights_that_were_cut_are_not_tested(
    smoke_run: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(smoke_run, run)
    cut(run / "checkpoints/face.ckpt")
    with pytest.raises(SystemExit):
        smoke(run, place, command="test")
    assert "face.ckpt is damaged" in capsys.readouterr().err


def test_relative_paths_of_a_run_are_found_from_another_folder(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = sorted(place.media.rglob("*.mp4"))
    rows = [f"{clip},{('fear', 'anger')[i % 2]}" for i, clip in enumerate(clips[:12])]
    (tmp_path / "mine").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "mine/clips.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path / "mine")
    config = ROOT / "configs/experiment/smoke.yaml"
    command = ["fit", "--config", str(config), "--run", "run", "--test=false"]
    command += ["--data=Manifest", "--data.manifest=clips.csv", "--data.classes=[fear, anger]"]
    command += ["--data.cache=cache", "--data.split=random_clip", "--data.workers=0"]
    command += ["--trainer.enable_progress_bar=false", "--data.windows=RandomWindows"]
    main([*command, "--data.windows.count=3"])
    monkeypatch.chdir(tmp_path / "other")
    (tmp_path / "other/clips.csv").write_text("another manifest of this name")
    main(["test", "--run", str(tmp_path / "mine/run")])
    assert (tmp_path / "mine/run/predictions.csv").is_file()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["clips.csv"]


def test_a_class_that_is_not_tested_is_told_in_the_summary(smoke_run: Path) -> None:
    """Three test clips cannot be of six classes."""
    tested = {row["target"] for row in read_csv(smoke_run / "predictions.csv")}
    summary = (smoke_run / "summary.txt").read_text()
    (line,) = [line for line in summary.splitlines() if "no test clip is" in line]
    classes = json.loads((smoke_run / "metrics.json").read_text())["classes"]["emotion"]
    for name in classes:
        assert (name in line.split(":")[0]) == (name not in tested)


def test_the_model_of_a_config_can_be_copied(smoke_run: Path) -> None:
    model = load_model(smoke_run / "checkpoints/best.ckpt").model
    other = copy.deepcopy(model)
    assert all(torch.equal(v, other.state_dict()[n]) for n, v in model.state_dict().items())


def test_a_last_checkpoint_that_is_damaged_or_gone_costs_no_other(
    smoke_run: Path, place: Place, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(smoke_run, run)
    cut(run / "checkpoints/last.ckpt")
    smoke(run, place, command="test")
    assert json.loads((run / "metrics.json").read_text())["finished"]
    stopped_after(tmp_path / "two", place, 2)
    (tmp_path / "two/checkpoints/last.ckpt").unlink()
    split = (tmp_path / "two/split.csv").read_text()
    smoke(tmp_path / "two", place)
    assert (tmp_path / "two/split.csv").read_text() == split
    logs = sorted((tmp_path / "two/logs").glob("version_*"))
    epochs = [row["epoch"] for row in read_csv(logs[-1] / "metrics.csv") if row["epoch"]]
    assert min(int(float(epoch)) for epoch in epochs) >= 1  # not from the beginning
