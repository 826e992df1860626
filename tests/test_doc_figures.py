"""The claims of docs/common_information.md that its figures show."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from tests.conftest import ROOT


def load(name: str) -> ModuleType:
    """Return a script of docs/figures as a module."""
    path = ROOT / f"docs/figures/{name}.py"
    spec = importlib.util.spec_from_file_location(f"figures_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    return load("common_information")


def test_s_of_pairs_that_share_nothing(figures: ModuleType) -> None:
    assert figures.null(90, 512) == 44.5
    assert figures.null(512, 8) == pytest.approx(8**2 / 2 / 511, rel=0.3)
    assert figures.null(512, 64) == pytest.approx(64**2 / 2 / 511, rel=0.1)
    assert figures.null(512, 8) < figures.MOST < figures.null(512, 64)


def test_the_less_inputs_share_the_longer_the_start_takes(figures: ModuleType) -> None:
    much, little = (figures.course(0.05, share=share, steps=150) for share in (0.3, 0.1))
    assert much[60] > 1.2
    assert little[20] < 0.02 < 0.2 < little[-1]


def test_large_features_begin_far_below_zero(figures: ModuleType) -> None:
    course = figures.course(1.0, steps=60)
    assert course[0] < -1.5
    assert course[-1] > 0.8


def test_a_strong_person_takes_the_common_features_unless_centred(figures: ModuleType) -> None:
    label, person = figures.shared(2.0, within=False)
    assert label < 0.7
    assert person > 0.5
    label, person = figures.shared(2.0, within=True)
    assert label > 0.9
    assert person < 0.1


def test_the_page_has_the_numbers_that_the_curves_are_drawn_from() -> None:
    table = pd.read_csv(ROOT / "docs/figures/common_curves.csv")
    page = (ROOT / "docs/common_information.md").read_text()
    names = {"classification alone": "category", "InfoNCE": "info_nce", "soft-HGR": "soft_hgr"}
    labels = table[table["grid"] == "labels"]
    values = sorted(labels["value"].unique())
    assert len(values) == 8
    for title, method in names.items():
        rows = [
            line.split("|")[2:-1] for line in page.splitlines() if line.startswith(f"| {title} |")
        ]
        cells = next(row for row in rows if len(row) == len(values))
        for value, cell in zip(values, cells, strict=True):
            found = labels[(labels["value"] == value) & (labels["method"] == method)]["accuracy"]
            assert len(found) == 10
            assert cell.strip() == f"{found.mean():.1f} ± {found.std():.1f}", (title, value)
    widths = table[table["grid"] == "width"].groupby("value")["accuracy"]
    shown = ", ".join(
        f"{mean:.1f} ± {std:.1f}" for mean, std in zip(widths.mean(), widths.std(), strict=True)
    )
    assert shown in " ".join(page.split())


def test_the_curves_are_drawn_from_any_results(tmp_path: Path) -> None:
    curves = load("common_curves")
    figure = curves.draw(pd.read_csv(ROOT / "docs/figures/common_curves.csv"))
    assert figure.axes[0].get_xlabel() == "labels a class"
    results = tmp_path / "results.csv"
    columns = ["grid", "method", "labels", "k", "batch", "lambda", "seed", "scores", "accuracy"]
    rows = [["labels", "category", 5, None, None, None, 0, "fused", 0.5]]
    rows += [["labels", "category", 5, None, None, None, 0, "voice", 0.4]]
    rows += [["width", None, None, 8, None, None, 0, "fused", 0.625]]
    pd.DataFrame(rows, columns=columns).to_csv(results, index=False)
    found = curves.reduced(results)
    assert found[["grid", "method", "value", "accuracy"]].to_numpy().tolist() == [
        ["labels", "category", 5.0, 50.0],
        ["width", "soft_hgr", 8.0, 62.5],
    ]
