"""The cells of a study: all combinations, shared pre-training, and the arguments of fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from emorec.study import Cell, StudyError, read_study
from emorec.study.cells import expand, runs_of
from emorec.study.config import Study
from tests.conftest import ROOT
from tests.helpers.fake_study import write

GRIDS = {
    "main": {
        "axes": {
            "method": {"base": {"stages.joint.objectives": ["category"]}, "full": {}},
            "labels": {"50": {"data.labelled_share": 0.5}, "100": {}},
        },
        "pretrain_axes": ["labels"],
        "options": {"missing.rates": [0.5]},
        "skip": [{"method": "full", "labels": ["50"]}],
    }
}
PROTOCOLS = {
    "random": {"options": {"data.split": "random_clip"}, "seeds": 2},
    "folds": {"options": {"data.split": "leave_speakers_out"}, "folds": 3},
}


def cells(folder: Path) -> list[Cell]:
    return expand(read_study(write(folder, grids=GRIDS, protocols=PROTOCOLS)))


def test_all_combinations_are_there_once_and_pre_training_is_shared(tmp_path: Path) -> None:
    found = cells(tmp_path)
    assert len({cell.name for cell in found}) == len(found)
    joint = [cell for cell in found if cell.grid]
    first = [cell for cell in found if not cell.grid]
    assert len(joint) == 3 * 5  # method full with half of the labels is skipped
    assert len(first) == 2 * 5  # by labels and run, not by method
    assert found == first + joint
    names = {cell.name for cell in first}
    assert all(cell.start in names for cell in joint)
    both = [c for c in joint if c.choices["labels"] == "100" and c.seed == 0 and c.fold is None]
    assert len(both) == 2
    assert both[0].start == both[1].start


def test_options_of_stages_go_into_the_stages_they_name(tmp_path: Path) -> None:
    for cell in cells(tmp_path):
        assert set(cell.stages) == ({"joint"} if cell.grid else {"audio"})
        assert not any(key.startswith("stages.") for key in cell.options)
        objectives = cell.stages.get("joint", {}).get("objectives")
        assert objectives == (["category"] if cell.choices.get("method") == "base" else None)
        assert ("missing.rates" in cell.options) == bool(cell.grid)


def test_a_seed_is_another_split_and_a_fold_keeps_the_division(tmp_path: Path) -> None:
    for cell in cells(tmp_path):
        assert cell.options["seed_everything"] == cell.seed
        if cell.fold is None:
            assert cell.options["data.seed"] == cell.seed
        else:
            assert cell.options["data.fold"] == cell.fold
            assert "data.seed" not in cell.options


def test_arguments_are_those_of_fit(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, grids=GRIDS, protocols=PROTOCOLS))
    cell = next(cell for cell in expand(study) if cell.grid)
    arguments = cell.arguments(Path("out"), study.files)
    assert arguments[0] == "fit"
    assert [a.partition("=")[0] for a in arguments[1:4]] == ["--data", "--model", "--trainer"]
    assert f"--run=out/{cell.name}" in arguments
    assert f"--training.start=out/{cell.start}/checkpoints/best.ckpt" in arguments
    stages = next(a for a in arguments if a.startswith("--training.stages="))
    assert json.loads(stages.partition("=")[2]) == {
        "joint": {"epochs": 2, "objectives": ["category"]}
    }
    assert "--missing.rates=[0.5]" in arguments


def test_changed_options_are_other_cells(tmp_path: Path) -> None:
    before = {cell.name for cell in cells(tmp_path)}
    changed = {"audio": {"epochs": 1}, "joint": {"epochs": 9}}
    study = read_study(write(tmp_path, grids=GRIDS, protocols=PROTOCOLS, stages=changed))
    after = expand(study)
    assert {cell.name for cell in after if not cell.grid} <= before
    assert not {cell.name for cell in after if cell.grid} & before


def test_cells_of_the_same_options_are_one_run_that_both_grids_show(tmp_path: Path) -> None:
    again = {
        **GRIDS["main"],
        "axes": {"shown": {"as base": {"stages.joint.objectives": ["category"]}}},
    }
    again = {**again, "pretrain_axes": [], "skip": []}
    grids = {**GRIDS, "again": again}
    study = read_study(write(tmp_path, grids=grids, protocols=PROTOCOLS))
    found = expand(study)
    of_base = {c.name for c in found if c.choices.get("method") == "base" and not _half(c)}
    of_again = {c.name for c in found if c.grid == "again"}
    assert len(of_again) == 5
    assert of_again == of_base
    assert len(runs_of(found)) == len(cells(tmp_path))
    # With only one grid, a run has the same name as in the whole study.
    assert {c.name for c in expand(study, ["again"]) if c.grid} == of_again


def _half(cell: Cell) -> bool:
    return cell.choices["labels"] == "50"


def test_files_count_by_their_content(tmp_path: Path) -> None:
    names = []
    for folder, rate in (("one", 1), ("two", 1), ("three", 2)):
        (tmp_path / folder).mkdir()
        for file in ("t", "m", "d"):
            (tmp_path / folder / f"{file}.yaml").write_text(f"rate: {rate}")
        names.append({cell.name for cell in cells(tmp_path / folder)})
    assert names[0] == names[1]
    assert not names[0] & names[2]


def test_the_papers_grid_has_its_27_cells() -> None:
    study = read_study(ROOT / "configs/study/ravdess.yaml")
    found = [cell for cell in expand(study, ["lambda"]) if cell.grid]
    assert len({tuple(cell.choices.values()) for cell in found}) == 27


def test_an_ensemble_is_made_of_earlier_choices_of_its_axis(tmp_path: Path) -> None:
    networks = {
        "a": {},
        "b": {"data.batch_size": 8},
        "both": {"ensemble": ["a", "b"], "power": 4.0, "gate": True, "only": ["b=joy"]},
    }
    sizes = {"1": {}, "2": {"data.workers": 2}}
    grid = {"axes": {"network": networks, "size": sizes}, "pretrain_axes": ["network", "size"]}
    study = read_study(write(tmp_path, grids={"main": grid}, protocols=PROTOCOLS))
    found = {cell.name: cell for cell in expand(study)}
    both = [cell for cell in found.values() if cell.choices.get("network") == "both"]
    assert len(both) == 2 * 5
    for cell in both:
        assert list(cell.members) == ["a", "b"]
        for choice, name in cell.members.items():
            member = found[name]
            assert member.choices == {**cell.choices, "network": choice}
            assert (member.protocol, member.fold, member.seed) == (
                cell.protocol,
                cell.fold,
                cell.seed,
            )
        assert set(cell.after) == set(cell.members.values())
        arguments = cell.arguments(Path("out"), study.files)
        runs = [f"out/{name}" for name in cell.members.values()]
        assert arguments[:6] == ["ensemble", *runs, "--names", "a", "b"]
        assert set(arguments[6:]) == {
            "--power=4.0",
            "--gate",
            "--only",
            "b=joy",
            f"--run=out/{cell.name}",
        }
    assert len({cell.name for cell in both}) == 10


def with_methods(folder: Path, methods: dict[str, Any], **changes: Any) -> Study:
    grids = {"main": {"axes": {"method": methods}}}
    options = {"pretrain": [], "stages": {"joint": {"epochs": 1}}, **changes}
    return read_study(write(folder, grids=grids, protocols=PROTOCOLS, **options))


def test_a_cell_trains_on_what_an_earlier_choice_generates(tmp_path: Path) -> None:
    mixed = {"generated": "gan", "data.generated.balance": True}
    gan = {"model.adversarial.per_class": 30}
    study = with_methods(tmp_path, {"gan": gan, "mixed": mixed})
    by = {(c.choices["method"], c.fold, c.seed): c for c in expand(study)}
    for (method, fold, seed), cell in by.items():
        if method != "mixed":
            assert cell.generator is None
            continue
        generator = by["gan", fold, seed].name
        assert cell.generator == generator
        assert generator in cell.after
        assert "generated" not in cell.options
        arguments = cell.arguments(Path("out"), study.files)
        assert f"--data.generated.folder=out/{generator}/generated" in arguments
        assert "--data.generated.balance=true" in arguments
    again = with_methods(tmp_path, {"gan": {"model.adversarial.per_class": 40}, "mixed": mixed})
    # Other generators are other runs, and so are those that use them.
    assert not {c.name for c in by.values()} & {c.name for c in expand(again)}
    with pytest.raises(StudyError, match="generated of method names 'gan', which is no earlier"):
        expand(with_methods(tmp_path, {"mixed": mixed}))
    with pytest.raises(StudyError, match="generated does not go with pretrain"):
        with_methods(
            tmp_path,
            {"gan": gan, "mixed": {"generated": "gan"}},
            pretrain=["first"],
            stages={"first": {"epochs": 1}, "joint": {"epochs": 1}},
        )


def test_an_ensemble_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    grid = {"axes": {"network": {"both": {"ensemble": ["y", "z"]}, "y": {}, "z": {}}}}
    study = read_study(write(tmp_path, grids={"main": grid}, protocols=PROTOCOLS))
    with pytest.raises(StudyError, match="names 'y', which is no earlier choice"):
        expand(study)
