"""The configs that come with emorec, found by name."""

from pathlib import Path

import pytest

from emorec.errors import UserError
from emorec.system.shipped import KINDS, find, folder, shipped, with_paths


def test_each_config_of_the_folder_has_a_kind_and_says_what_it_is_for() -> None:
    every = shipped()
    assert {each.path for each in every} == set(folder().rglob("*.yaml"))
    assert {each.kind for each in every} == set(KINDS)
    for each in every:
        assert len(each.purpose) > 10, each.path
        assert not each.purpose.endswith("et al")


def test_a_name_is_the_experiment_of_that_name_and_a_kind_selects_another() -> None:
    assert find("ravdess").kind == "experiment"
    assert find("data/ravdess").path == folder() / "data/ravdess.yaml"
    assert find("configs/study/ravdess.yaml").kind == "study"
    with pytest.raises(UserError, match=r"no config of that name; did you mean ravdess"):
        find("ravdes")


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        ("fit --config quick", "experiment", "quick"),
        ("fit --config=quick", "experiment", "quick"),
        ("fit -c quick", "experiment", "quick"),
        ("fit --config experiment/quick", "experiment", "quick"),
        ("fit --config quick.yaml", "experiment", "quick"),
        ("experiment --config ravdess", "study", "ravdess"),
        ("sweep --config demo", "search", "demo"),
        ("fit --data ravdess", "data", "ravdess"),
        ("verify --data=ravdess", "data", "ravdess"),
        ("fit --model.fusion late", "fusion", "late"),
        ("fit --data.augment mixup", "augment", "mixup"),
        ("fit --trainer gpu", "trainer", "gpu"),
        ("fit --config configs/experiment/quick.yaml", "experiment", "quick"),
        ("experiment --set model=configs/model/quick.yaml", None, None),
    ],
)
def test_names_in_arguments_become_files(
    given: str, kind: str | None, name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no file of that name is near
    text = " ".join(with_paths(given.split()))
    if kind is None:
        assert text == given
    else:
        assert text.endswith(str(folder() / f"{kind}/{name}.yaml"))


def test_files_of_the_user_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "configs/experiment/quick.yaml"
    own.parent.mkdir(parents=True)
    own.touch()
    Path("quick").touch()
    for given in (["fit", "--config", "configs/experiment/quick.yaml"], ["fit", "--config=quick"]):
        assert with_paths(given) == given


def test_a_name_is_the_copy_in_the_folder_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = Path("configs/data/quick.yaml")
    own.parent.mkdir(parents=True)
    own.touch()
    assert with_paths(["baseline", "--data", "quick"])[2] == str(own)
    assert with_paths(["fit", "--config=quick"])[1].endswith(f"{folder()}/experiment/quick.yaml")


def test_what_is_no_config_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["fit", "--data", "Manifest", "--data.manifest", "quick", "--run", "quick", "quick"]
    assert with_paths(given) == given
    given = ["predict", "configs/nothing.yaml", "clip.mp4", "--out", "late"]
    assert with_paths(given) == given
    for option, name in (("--config", "quik"), ("--trainer", "zzz"), ("--data", "ravdes")):
        with pytest.raises(UserError, match=f"no file {name}, and no config of that name; "):
            with_paths(["fit", option, name])
    with pytest.raises(UserError, match="--config is empty"):
        with_paths(["fit", "--config="])


def test_what_a_config_includes_is_found() -> None:
    names = {str(path.relative_to(folder())) for path in find("demo").files()}
    assert names == {
        "experiment/demo.yaml",
        "trainer/cpu.yaml",
        "model/small.yaml",
        "data/synthetic.yaml",
    }
    assert "experiment/demo.yaml" in {
        str(path.relative_to(folder())) for path in find("search/demo").files()
    }
