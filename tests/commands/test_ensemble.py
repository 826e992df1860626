"""emorec ensemble: two runs with other inputs, networks and windows as one checkpoint."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import yaml

from emorec import load_predictor
from emorec.cli import main
from emorec.commands.ensemble import main as ensemble_main
from emorec.commands.members import EnsembleError, check_splits
from emorec.media import MediaError
from emorec.predict import CheckpointError, ClassPrediction, Ensemble
from emorec.predict.ensemble import fused
from emorec.runs.results import Results
from emorec.study.runner import train as run_cell
from tests.conftest import ROOT, Place

UTTERANCES = str(ROOT / "configs/experiment/utterances_smoke.yaml")


@pytest.fixture(scope="module")
def utterances_run(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("utterances") / "utterances"
    quiet = ["--trainer.enable_progress_bar", "false"]
    main(["fit", "--config", UTTERANCES, *place.options(), *quiet, "--run", str(run)])
    return run


@pytest.fixture(scope="module")
def ensemble(
    smoke_run: Path, utterances_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("ensemble") / "both"
    main(["ensemble", str(smoke_run), str(utterances_run), "--run", str(folder)])
    return folder


def table(run: Path) -> dict[str, list[float]]:
    """Return clip -> probabilities, as predictions.csv has them."""
    found = pd.read_csv(run / "predictions.csv")
    columns = [name for name in found if str(name).startswith("p_")]
    return dict(zip(found["clip"].tolist(), found[columns].to_numpy().tolist(), strict=True))


def test_it_predicts_what_its_members_saved_predictions_give(
    ensemble: Path, smoke_run: Path, utterances_run: Path
) -> None:
    members = {"smoke": table(smoke_run), "utterances": table(utterances_run)}
    weights = torch.tensor(pd.read_csv(ensemble / "weights.csv").set_index("member").to_numpy())
    assert weights.sum(0).tolist() == pytest.approx([1] * 6, abs=1e-5)
    found = table(ensemble)
    assert len(found) == 3
    for clip, shares in found.items():
        votes = {name: each[clip] for name, each in members.items()}
        wanted = fused(votes, list(members), weights)
        assert shares == pytest.approx(wanted, abs=3e-6)  # tables have six digits
    results = Results.read(ensemble / "metrics.json")
    assert set(results.test) == {"fused", "smoke", "utterances"}
    assert results.finished
    own = Results.read(utterances_run / "metrics.json").test["fused"]
    assert results.test["utterances"]["confusion"] == own["confusion"]


def test_its_checkpoint_is_one_like_any_other(
    ensemble: Path, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = ensemble / "checkpoints/best.ckpt"
    clip = sorted(place.media.rglob("*.mp4"))[0]
    main(["predict", str(checkpoint), str(clip), "--out", str(tmp_path)])
    (line,) = (tmp_path / "predictions.jsonl").read_text().splitlines()
    record = json.loads(line)
    predictor = load_predictor(checkpoint)
    assert isinstance(predictor, Ensemble)
    found = predictor.predict(clip)
    assert isinstance(found, ClassPrediction)
    assert set(record["alone"]) == {"smoke", "utterances"}
    votes = {name: list(p.values()) for name, p in found.alone.items()}
    assert list(found.probabilities.values()) == pytest.approx(predictor.fuse(votes), abs=1e-9)
    assert list(record["probabilities"].values()) == pytest.approx(predictor.fuse(votes), abs=1e-5)
    tested = table(ensemble)
    known = next(c for c in sorted(place.media.rglob("*.mp4")) if c.stem in tested)
    again = predictor.vote(known)
    assert list(again.probabilities.values()) == pytest.approx(tested[known.stem], abs=1e-4)
    timeline = predictor.timeline(clip, 0.25)
    assert {len(row.alone) for row in timeline.rows} == {2}
    capsys.readouterr()
    page = tmp_path / "page.html"
    main(["explain", str(checkpoint), str(clip), "--out", str(page)])
    assert "utterances" in page.read_text()
    with pytest.raises(SystemExit):
        main(["export", str(checkpoint), "--out", str(tmp_path / "x")])
    assert "is an ensemble" in capsys.readouterr().err


def test_a_member_that_cannot_use_a_recording_is_left_out(
    ensemble: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = load_predictor(ensemble / "checkpoints/best.ckpt")
    assert isinstance(predictor, Ensemble)
    clip = sorted(place.media.rglob("*.mp4"))[0]
    whole = predictor.vote(clip)

    def refuse(named: object) -> None:
        raise MediaError("no face in any window")

    monkeypatch.setattr(predictor.members["smoke"], "vote", refuse)
    left = predictor.vote(clip)
    assert left.probabilities == pytest.approx(whole.alone["utterances"])
    assert left.warnings[-1] == "smoke was left out: no face in any window"


def test_a_finished_one_is_left_and_other_folders_too(
    ensemble: Path, smoke_run: Path, utterances_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(smoke_run), str(utterances_run)]
    before = (ensemble / "metrics.json").stat().st_mtime_ns
    main(["ensemble", *runs, "--run", str(ensemble)])
    assert "is finished" in capsys.readouterr().out
    assert (ensemble / "metrics.json").stat().st_mtime_ns == before
    with pytest.raises(SystemExit):
        main(["ensemble", *runs, "--run", str(smoke_run)])
    assert "is not an ensemble's folder" in capsys.readouterr().err


def test_runs_that_do_not_fit_together_are_refused(
    smoke_run: Path,
    utterances_run: Path,
    affect_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*runs: Path) -> str:
        with pytest.raises(SystemExit):
            main(["ensemble", *map(str, runs), "--run", str(tmp_path / "out")])
        return capsys.readouterr().err

    assert "at least two runs" in refused(smoke_run)
    assert "is not the directory of a finished run" in refused(smoke_run, tmp_path / "nothing")
    assert "two runs are called smoke" in refused(smoke_run, smoke_run)
    assert "predicts values over time" in refused(smoke_run, affect_run)
    other = tmp_path / "other"
    shutil.copytree(utterances_run, other)
    split = (other / "split.csv").read_text().replace(",test", ",train", 1)
    (other / "split.csv").write_text(split)
    assert "train all on one split" in refused(smoke_run, other)
    shutil.copyfile(utterances_run / "split.csv", other / "split.csv")
    saved = torch.load(other / "checkpoints/best.ckpt", weights_only=True)
    names = saved["emorec"]["targets"]["emotion"]["names"]
    saved["emorec"]["targets"]["emotion"]["names"] = names[::-1]
    torch.save(saved, other / "checkpoints/best.ckpt")
    assert "expected the same, in the same order" in refused(smoke_run, other)


def test_other_options_and_missing_runs_leave_a_finished_one_as_it_is(
    ensemble: Path, smoke_run: Path, utterances_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in ensemble.iterdir() if path.is_file()}
    runs = [str(smoke_run), str(utterances_run)]
    for more in ([*runs, "--power", "4"], [*runs[:1], "nowhere", "--overwrite"]):
        with pytest.raises(SystemExit):
            main(["ensemble", *more, "--run", str(ensemble)])
        assert {p.name: p.read_bytes() for p in ensemble.iterdir() if p.is_file()} == before
    assert "--overwrite" in capsys.readouterr().err


def test_what_is_marked_in_a_member_is_marked_in_the_whole(
    smoke_run: Path, utterances_run: Path, tmp_path: Path
) -> None:
    marked = tmp_path / "marked"
    shutil.copytree(utterances_run, marked)
    config = (
        (marked / "config.yaml")
        .read_text()
        .replace("select_on_test: false", "select_on_test: true")
    )
    (marked / "config.yaml").write_text(config)
    # As a study runs it: with a log in the folder.
    out = tmp_path / "out"
    arguments = ["ensemble", str(smoke_run), str(marked), "--run", str(out)]
    error = run_cell(ensemble_main, arguments, out, "mine")
    assert error is None
    assert Results.read(tmp_path / "out/metrics.json").selected_on_test
    made = pd.read_csv(tmp_path / "out/predictions.csv")["modalities"].unique().tolist()
    assert made == ["smoke+marked"]
    assert "all together" in (tmp_path / "out/summary.txt").read_text()


def test_members_are_compared_with_all_before(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [{"t": "test"}, {"t": "test", "x": "train"}, {"t": "test", "x": "test"}]
    datas = {f"m{i}": SimpleNamespace(part_of_clip=part) for i, part in enumerate(parts)}
    with pytest.raises(EnsembleError, match="clip 'x' is in train of m1 and in test of m2"):
        check_splits(datas)  # type: ignore[arg-type]
    datas = {f"m{i}": SimpleNamespace(part_of_clip={str(i): "test"}) for i in range(2)}
    with pytest.raises(EnsembleError, match="no test clip in common"):
        check_splits(datas)  # type: ignore[arg-type]


def test_members_need_names_that_files_can_have(
    smoke_run: Path, utterances_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(smoke_run), str(utterances_run)]
    for names in (["fused", "b"], ["a/b", "c"], ["a", "b", "c"]):
        with pytest.raises(SystemExit):
            main(["ensemble", *runs, "--names", *names, "--run", str(tmp_path / "out")])
        assert "--names" in capsys.readouterr().err


def test_a_damaged_ensemble_is_an_error(ensemble: Path, tmp_path: Path) -> None:
    saved = torch.load(ensemble / "checkpoints/best.ckpt", weights_only=True)
    saved["emorec"]["ensemble"]["weights"].pop()
    torch.save(saved, tmp_path / "broken.ckpt")
    with pytest.raises(CheckpointError, match="is a damaged ensemble"):
        load_predictor(tmp_path / "broken.ckpt")
    config = yaml.safe_load((ensemble / "config.yaml").read_text())
    assert config["model"]["shrink"] == 5.0
