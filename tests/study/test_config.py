"""The file of a study: what is read, and that errors name their place."""

from pathlib import Path
from typing import Any

import pytest

from emorec.study import StudyError, read_study
from emorec.study.cells import expand
from tests.conftest import ROOT
from tests.helpers.fake_study import write


def relation(**greater: str) -> dict[str, Any]:
    return {"say": "so", "greater": greater, "less": {"method": "a", "scores": "audio"}}


def test_a_study_is_read_with_its_files_beside_it(tmp_path: Path) -> None:
    study = read_study(write(tmp_path))
    assert study.name == "mine"
    assert study.files["model"] == tmp_path / "m.yaml"
    assert study.protocols["random"].seeds == 2
    assert study.grids["main"].axes["method"] == {"a": {}, "b": {"stages.joint.epochs": 3}}


def test_a_choice_can_name_another_file(tmp_path: Path) -> None:
    axes = {"set": {"one": {}, "two": {"data": "../two.yaml"}}}
    options = {"model": "../other.yaml", "data.workers": 0}
    grids = {"main": {"axes": axes, "pretrain_axes": ["set"], "options": options}}
    study = read_study(write(tmp_path, grids=grids))
    assert study.grids["main"].axes["set"]["two"] == {"data": str(tmp_path.parent / "two.yaml")}
    other = str(tmp_path.parent / "other.yaml")
    assert study.grids["main"].options == {"model": other, "data.workers": 0}


def test_files_in_any_options_are_beside_the_study(tmp_path: Path) -> None:
    other = str(tmp_path.parent / "other.yaml")
    protocols = {"random": {"options": {"data": "../other.yaml"}, "seeds": 2}}
    study = read_study(
        write(tmp_path, protocols=protocols, pretrain_options={"trainer": "../other.yaml"})
    )
    assert study.protocols["random"].options == {"data": other}
    assert study.pretrain_options == {"trainer": other}


@pytest.mark.parametrize(
    "choice",
    [
        {"ensemble": ["a"]},
        {"ensemble": "ab"},
        {"ensemble": ["a", "b"], "powr": 4.0},
        {"ensemble": ["a", "b"], "model.fusion.width": 4},
    ],
)
def test_an_ensemble_has_members_and_its_own_options_alone(
    tmp_path: Path, choice: dict[str, Any]
) -> None:
    grids = {"main": {"axes": {"method": {"a": {}, "b": {}, "c": choice}}}}
    with pytest.raises(StudyError, match="an ensemble is a list of two or more choices"):
        read_study(write(tmp_path, grids=grids))
    good = {"main": {"axes": {"method": {"a": {}, "b": {}, "c": {"ensemble": ["a", "b"]}}}}}
    with pytest.raises(StudyError, match="ensemble needs engine: fit"):
        read_study(write(tmp_path, grids=good, engine="memory", pretrain=[]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": {}}, "unknown grid; known are"),
        ({"stages": None}, "stages is missing"),
        ({"pretrain": ["joint"]}, "pretrain must name the first of the stages"),
        ({"grids": {"main": {"axes": {}}}}, "main: expected axes"),
        ({"grids": {"main": {"axes": {"seed": {"1": {}}}}}}, "none called"),
        ({"grids": {"main": ["a"]}}, "main: expected keys such as axes"),
        (
            {"grids": {"main": {"axes": {"a": {"b": {}}}, "pretrain_axes": ["c"]}}},
            "pretrain_axes has 'c', which is no axis",
        ),
        # Otherwise pre-training could use test clips.
        (
            {"grids": {"main": {"axes": {"a": {"b": {"data.exclude": ["x"]}}}}}},
            "main: axis a sets data.exclude, which affects pre-training",
        ),
        (
            {"grids": {"main": {"axes": {"a": {"b": {"model.encoders.audio.dim": 8}}}}}},
            "axis a sets model.encoders.audio.dim, which affects pre-training",
        ),
        (
            {"grids": {"main": {"axes": {"a": {"b": {"stages.audio.epochs": 8}}}}}},
            "axis a sets stages.audio.epochs, which affects pre-training",
        ),
        # An option that the protocol also sets would have no effect.
        (
            {"grids": {"main": {"axes": {"a": {"b": {}}}, "options": {"data.split": "official"}}}},
            "data.split is also set by protocol random",
        ),
        ({"options": {"data.seed": 3}}, "data.seed is also set by protocol random"),
        (
            {"grids": {"main": {"axes": {"a": {"b": {}}}, "protocols": ["folds"]}}},
            "main: unknown protocol 'folds'; known are random",
        ),
        ({"options": {"stages.jont.epochs": 1}}, r"stages.jont.epochs is no option of a stage"),
        ({"options": {"stages.joint": 1}}, r"stages.joint is no option of a stage"),
        ({"protocols": {"random": {"seed": 1}}}, "random: unknown seed"),
        # Relations are compared at the end, so the names in them are checked first.
        ({"relations": [relation(depth="2")]}, "relation 'so' names 'depth', which is no axis"),
        ({"relations": [relation(method="c")]}, "names method 'c'; expected 'a', 'b'"),
        ({"relations": [relation(grid="other")]}, "names grid 'other'; expected 'main'"),
        ({"relations": [{"say": "so"}]}, "a relation needs say, greater and less"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(StudyError, match=message) as caught:
        read_study(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("text", ["- a", "a: [", ""])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(StudyError, match="is no"):
        read_study(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="not found; configs/study"):
        read_study(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs/study").glob("*.yaml")), ids=lambda p: p.stem
)
def test_shipped_studies_name_files_and_axes_that_exist(path: Path) -> None:
    study = read_study(path)
    assert all(file.is_file() for file in study.files.values())
    axes: dict[str, set[str]] = {}
    for grid in study.grids.values():
        for axis, choices in grid.axes.items():
            axes.setdefault(axis, set()).update(choices)
    known = {"grid": set(study.grids), "protocol": set(study.protocols)}
    free = {"scores", "case", "rate"}
    sides = [relation[side] for relation in study.relations for side in ("greater", "less")]
    for where in [*sides, *(each["where"] for each in study.published)]:
        for axis, choice in where.items():
            assert axis in free or choice in {**axes, **known}[axis], where
    for cell in expand(study):  # fit would refuse it only later
        for stage in cell.stages.values():
            assert set(stage.get("warmup", ())) <= set(stage.get("objectives", ())), cell.name
    for grid in study.grids.values():
        named = {
            a for lines in grid.lines for a in (lines["x"], lines.get("by"), lines.get("panel"))
        }
        assert named - {None} <= set(grid.axes)
