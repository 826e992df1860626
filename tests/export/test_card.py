"""The model card: its statements, its warnings, and what it refuses to average."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from emorec.errors import UserError
from emorec.export.card import model_card


@pytest.fixture
def run(smoke_run: Path, tmp_path: Path) -> Path:
    """A copy of the smoke run, without its weights."""
    return Path(
        shutil.copytree(smoke_run, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    )


def change(run: Path, **values: Any) -> None:
    file = run / "metrics.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_a_card_states_data_protocol_results_and_limits(run: Path) -> None:
    card = model_card(run, name="mine", license_name="cc-by-nc-4.0", data_license="my own clips")
    _, head, text = card.split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["license"] == "cc-by-nc-4.0"
    assert metadata["library_name"] == "emorec"
    metrics = json.loads((run / "metrics.json").read_text())
    (index,) = metadata["model-index"]
    values = {m["type"]: m["value"] for r in index["results"] for m in r["metrics"]}
    assert values["uar"] == pytest.approx(metrics["test"]["fused"]["uar"], abs=1e-4)
    for words in (
        "as stated by whoever made this card: my own clips",
        "**Test speakers are also in training**",
        "One run: the spread over seeds or folds is **not known**.",
        "random_clip, seed 0",
        "| all together |",
        "| audio alone ",
        "2024/1689",
        "![confusion_matrix.png]",
        'from_pretrained("mine")',
    ):
        assert words in text, words


def test_several_runs_give_mean_and_spread(run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "other"))
    metrics = json.loads((run / "metrics.json").read_text())
    accuracies = []
    for path, shift in ((run, 0.0), (other, 0.2)):
        changed = json.loads(json.dumps(metrics["test"]))
        changed["fused"]["accuracy"] = 0.5 + shift
        accuracies.append(0.5 + shift)
        change(path, test=changed)
    card = model_card(run, name="mine", others=[other])
    assert "over 2 runs" in card
    spread = 100 * pd.Series(accuracies).std(ddof=1)
    assert f"60.0 ± {spread:.1f}" in card
    change(other, split="subject_independent")
    with pytest.raises(UserError, match="results cannot be averaged"):
        model_card(run, name="mine", others=[other])


def test_groups_of_people_are_given_with_a_warning_where_they_are_small(run: Path) -> None:
    table = pd.read_csv(run / "predictions.csv", dtype=str)
    many = pd.concat([table] * 30, ignore_index=True)
    many["group"] = [f"s{i % 12}" for i in range(len(many))]
    many["sex"] = ["female" if i % 12 < 9 else "male" for i in range(len(many))]
    many.to_csv(run / "predictions.csv", index=False)
    card = model_card(run, name="mine")
    assert "By sex (this model):" in card
    assert "| female " in card
    assert "| male (!) " in card
    assert "not a statement about the group" in card
    assert "By age" not in card


def test_what_was_selected_on_test_is_not_shared_without_saying_so(run: Path) -> None:
    change(run, selected_on_test=True)
    assert "**SELECTED ON TEST: the epoch was chosen on the test clips." in model_card(
        run, name="m"
    )
    change(run, finished=False)
    with pytest.raises(UserError, match="not a finished run"):
        model_card(run, name="m")


def test_a_run_that_was_not_tested_has_no_card(run: Path) -> None:
    change(run, test={})
    with pytest.raises(UserError, match=r"was not tested; emorec test --run"):
        model_card(run, name="m")
