"""The tables of a study, from invented decisions: which runs are in which row."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emorec.evaluation.measures import MEASURES
from emorec.study import Cell, Study, StudyError, read_study
from emorec.study.cells import expand
from emorec.study.collect import collect
from emorec.study.comparisons import comparisons
from emorec.study.pictures import pictures
from emorec.study.read import AXIS_NAMES_TAKEN
from emorec.study.report import write_report
from emorec.study.runner import CELLS
from emorec.study.tables import rows_of
from tests.conftest import ROOT
from tests.helpers.fake_study import finish, write

GRID: dict[str, Any] = {
    "axes": {
        "method": {"base": {"stages.joint.epochs": 1}, "full": {}},
        "weight": {"none": {}, "low": {"x": 1}, "high": {"x": 2}},
    },
    "skip": [{"method": "base", "weight": ["low", "high"]}, {"method": "full", "weight": "none"}],
}
PROTOCOLS = {
    "random_clip": {"options": {"data.split": "random_clip"}, "seeds": 5},
    "nested": {"options": {"data.split": "leave_speakers_out"}, "folds": 4},
}


def made(folder: Path, grid: dict[str, Any] = GRID, **changes: Any) -> tuple[Study, list[Cell]]:
    study = read_study(write(folder, grids={"main": grid}, protocols=PROTOCOLS, **changes))
    return study, expand(study)


@pytest.mark.parametrize("name", ["enterface05", "baum1s", "ravdess"])
def test_each_published_number_stands_in_one_line(name: str, tmp_path: Path) -> None:
    study = read_study(ROOT / f"configs/study/{name}.yaml")
    cells = expand(study, ["lambda"])
    finish(cells, tmp_path)
    found = rows_of(study, "lambda", collect(cells, tmp_path), tmp_path / CELLS)
    published = [row.published for row in found if row.published]
    assert len(study.published) == 1
    assert published == [(each["accuracy"], each["source"]) for each in study.published]
    # 27 methods and two modalities alone, under two protocols.
    assert len(found) == 2 * (27 + 2)
    assert all(row.runs == len(read_runs(study, row.protocol)) for row in found)


def read_runs(study: Study, protocol: str) -> range:
    kept = study.protocols[protocol]
    return range((kept.folds or 1) * kept.seeds)


def test_a_baseline_is_compared_with_each_weight(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish(cells, tmp_path, lambda cell: 0.9 if cell.choices.get("method") == "full" else 0.4)
    note, table = comparisons(study, "main", collect(cells, tmp_path), tmp_path / CELLS)
    assert "0.0625 with 5" in note
    lines = [line.split("|") for line in table.splitlines()[2:]]
    found = sorted([cell.strip() for cell in line[1:-1]] for line in lines)
    assert [line[:3] for line in found] == [
        [protocol, weight, "full - base"]
        for protocol in ("nested", "random_clip")
        for weight in ("high", "low")
    ]
    assert all(float(line[3]) > 20 for line in found)
    assert [line[4:] for line in found] == [["0.125", "4"]] * 2 + [["0.062", "5"]] * 2


def test_methods_that_share_no_choice_are_not_compared(tmp_path: Path) -> None:
    axes = {
        "method": {"base": {"stages.joint.epochs": 1}, "full": {}},
        "weight": {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}, "d": {"x": 4}},
        "zone": {"all": {}},
    }
    skip = [{"method": "base", "weight": ["c", "d"]}, {"method": "full", "weight": ["a", "b"]}]
    study, cells = made(tmp_path, {"axes": axes, "skip": skip})
    finish(cells, tmp_path)
    assert list(comparisons(study, "main", collect(cells, tmp_path), tmp_path / CELLS)) == []


def test_rates_of_missing_modalities_do_not_count_as_runs(tmp_path: Path) -> None:
    study, cells = made(tmp_path, {**GRID, "robustness": True})
    finish(cells, tmp_path, rates=[0, 0.5])
    found = rows_of(study, "main", collect(cells, tmp_path), tmp_path / CELLS)
    assert {row.runs for row in found if row.protocol == "random_clip"} == {5}
    assert {row.tested for row in found if row.protocol == "nested"} == {4 * 24}
    text = write_report(study, cells, tmp_path)
    assert "effective robustness" in text
    assert "![main_random_clip_missing_low]" in text


def test_an_axis_is_no_column_of_its_own(tmp_path: Path) -> None:
    _, cells = made(tmp_path)
    finish(cells, tmp_path)
    table = collect(cells, tmp_path)
    measures = {each.name for each in MEASURES}  # the fake runs have some of them
    assert set(table.columns) - {"method", "weight"} - measures == set(AXIS_NAMES_TAKEN) - measures
    assert measures <= set(AXIS_NAMES_TAKEN)
    with pytest.raises(StudyError, match=r"none called .*tested_clips"):
        made(tmp_path, {"axes": {"data": {"a": {}}}})


def test_accuracy_over_the_share_of_labels_is_drawn_with_the_baseline_in_each_panel(
    tmp_path: Path,
) -> None:
    axes = {
        "method": {"base": {"stages.joint.epochs": 1}, "full": {}},
        "weight": {"0": {}, "1": {"x": 1}, "2": {"x": 2}},
        "labels": {"20": {"y": 1}, "100": {}},
    }
    skip = [{"method": "base", "weight": ["1", "2"]}, {"method": "full", "weight": "0"}]
    lines = [{"x": "labels", "by": "method", "panel": "weight"}]
    study, cells = made(tmp_path, {"axes": axes, "skip": skip, "lines": lines})
    finish(cells, tmp_path)
    drawn = dict(pictures(study, "main", collect(cells, tmp_path), tmp_path / CELLS))
    panels = drawn["main_nested_labels"].axes
    assert [panel.get_title() for panel in panels] == ["weight 1", "weight 2"]
    for panel in panels:
        assert panel.get_legend_handles_labels()[1] == ["base", "full"]
        assert panel.containers[0].lines[0].get_xdata().tolist() == [20.0, 100.0]  # type: ignore[attr-defined]


def test_robustness_is_reported_where_it_is_asked_for(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish(cells, tmp_path, rates=[0.5])
    text = write_report(study, cells, tmp_path)
    assert "robustness" not in text
    assert "missing" not in text


def test_modalities_alone_of_a_shared_pre_training_are_one_line_and_else_a_line_a_method(
    tmp_path: Path,
) -> None:
    study, cells = made(tmp_path)
    finish(cells, tmp_path)
    results = collect(cells, tmp_path)
    found = rows_of(study, "main", results, tmp_path / CELLS)
    alone = [row for row in found if row.choices["scores"] == "audio"]
    assert {(row.protocol, row.runs) for row in alone} == {("random_clip", 5), ("nested", 4)}
    assert len(alone) == 2
    assert "method" not in alone[0].choices

    # The same scores, from a cell that trains all stages itself.
    own = results[results["scores"] == "fused"].assign(scores="audio")
    both = pd.concat([results[results["scores"] == "fused"], own], ignore_index=True)
    for cell in set(own["cell"]):
        folder = tmp_path / CELLS / cell
        (folder / "predictions_audio.csv").write_bytes((folder / "predictions.csv").read_bytes())
    found = rows_of(study, "main", both, tmp_path / CELLS)
    alone = [row for row in found if row.choices["scores"] == "audio"]
    assert {(row.choices["method"], row.choices["weight"]) for row in alone} == {
        ("base", "none"),
        ("full", "low"),
        ("full", "high"),
    }
    assert {row.runs for row in alone} == {4, 5}


def test_a_mean_of_folds_stands_beside_the_pooled_accuracy(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish(cells, tmp_path)
    (row, *_) = rows_of(study, "main", collect(cells, tmp_path), tmp_path / CELLS)
    assert row.limits is not None
    assert row.pooled is not None
    assert row.limits[0] <= row.pooled <= row.limits[1]
    text = write_report(study, cells, tmp_path)
    head = next(line for line in text.splitlines() if line.startswith("| protocol"))
    for column in ("accuracy, %", "UAR, %", "macro F1, %", "pooled accuracy, %", "95 % interval"):
        assert f" {column} " in head


def test_versions_of_the_code_are_named_and_speakers_stay_text(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish(cells, tmp_path)
    assert "several versions" not in write_report(study, cells, tmp_path)
    predictions = pd.read_csv(tmp_path / "predictions.csv", dtype=str)
    assert set(predictions["group"]) == {"00", "01", "02", "03"}
    file = tmp_path / CELLS / cells[-1].name / "metrics.json"
    file.write_text(file.read_text().replace("0 abc", "0 def"))
    text = write_report(study, cells, tmp_path)
    assert "code 0 abc, 0 def." in text
    assert "several versions of the code" in text
