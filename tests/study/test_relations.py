"""Order relations: which means are compared, and when a relation holds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from emorec.study import read_study
from emorec.study.relations import RelationCheck, check_relations
from tests.helpers.fake_study import write

RESULTS = pd.DataFrame(
    [
        # method, lambda, layers, scores, accuracy, cell
        ("base", "0", "1", "fused", 0.50, "a"),
        ("base", "0", "2", "fused", 0.60, "b"),
        ("full", "0.1", "1", "fused", 0.55, "c"),
        ("full", "1", "1", "fused", 0.45, "d"),
        ("full", "0.1", "2", "fused", 0.65, "e"),
        ("full", "1", "2", "fused", 0.60, "f"),
        ("base", "0", "1", "audio", 0.40, "p"),
        ("full", "0.1", "1", "audio", 0.40, "p"),
        ("base", "0", "2", "audio", 0.40, "p"),
    ],
    columns=["method", "lambda", "layers", "scores", "accuracy", "cell"],
).assign(grid="main", protocol="random", case="", rate=0.0)
RESULTS.attrs["axes"] = ["method", "lambda", "layers"]


def check(folder: Path, greater: dict[str, Any], less: dict[str, Any]) -> RelationCheck:
    relation = {"say": "so", "greater": greater, "less": less}
    study = replace(read_study(write(folder)), relations=(relation,))
    return check_relations(study, RESULTS)[0]


def test_each_choice_of_an_axis_that_one_side_names_is_compared(tmp_path: Path) -> None:
    held = check(tmp_path, {"method": "full"}, {"method": "base", "lambda": "0"})
    assert sorted(round(d, 2) for d in held.differences) == [-0.05, 0.0, 0.05, 0.05]
    assert (held.held, held.compared) == (2, 4)
    assert held.line().startswith("- NOT held: in 2 of 4 comparisons, 1 ties (differences of -5.0 ")


def test_what_neither_side_names_is_the_same_on_both(tmp_path: Path) -> None:
    held = check(tmp_path, {"layers": "2"}, {"layers": "1"})
    assert [round(d, 2) for d in held.differences] == [0.1, 0.1, 0.15]
    assert held.line().startswith("- held: in 3 of 3")


def test_a_modality_alone_counts_once_for_all_cells_that_start_from_it(tmp_path: Path) -> None:
    held = check(tmp_path, {"method": "base"}, {"scores": "audio"})
    assert [round(d, 2) for d in held.differences] == [0.1, 0.2]


def test_runs_that_two_grids_share_are_compared_once(tmp_path: Path) -> None:
    twice = pd.concat([RESULTS, RESULTS.assign(grid="other")], ignore_index=True)
    twice.attrs["axes"] = RESULTS.attrs["axes"]
    relation = {"say": "so", "greater": {"layers": "2"}, "less": {"layers": "1"}}
    study = replace(read_study(write(tmp_path)), relations=(relation,))
    assert check_relations(study, twice)[0].compared == 3


def test_a_relation_that_names_everything_is_one_comparison(tmp_path: Path) -> None:
    where = {"grid": "main", "protocol": "random", "layers": "1"}
    held = check(
        tmp_path,
        {**where, "method": "full", "lambda": "0.1"},
        {**where, "method": "base", "lambda": "0"},
    )
    assert [round(d, 2) for d in held.differences] == [0.05]


def test_what_was_not_run_is_not_compared(tmp_path: Path) -> None:
    held = check(tmp_path, {"method": "other"}, {"method": "base"})
    assert held.compared == 0
    assert held.line() == "- not compared (no runs for it): so"


def test_the_axis_of_a_grid_that_was_not_run_is_not_compared(tmp_path: Path) -> None:
    assert check(tmp_path, {"depth": "2"}, {"method": "base"}).compared == 0
    assert check(tmp_path, {"method": "base"}, {"depth": "2"}).compared == 0
