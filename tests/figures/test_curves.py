"""Training curves from the tables of the CSV logger."""

from pathlib import Path

import numpy as np
import pytest

from emorec.figures.curves import read_logs, training_curves

FIRST = """epoch,step,train/loss/x_step,train/loss/x_epoch,val/fused/accuracy,train/c/a+b/S_epoch
0,0,3.0,,,
0,1,1.0,,,
0,1,,,0.5,
0,1,,2.25,,-3.0
1,3,0.0,,,
1,3,,,0.25,
1,3,,0.5,,-1.0
"""
RESUMED = """epoch,step,train/loss/x_epoch,val/fused/accuracy,train/scale/audio_epoch
1,3,0.75,,1.5
1,3,,0.75,
2,4,0.25,,2.5
"""


def write(folder: Path, version: int, text: str) -> None:
    table = folder / f"version_{version}" / "metrics.csv"
    table.parent.mkdir(parents=True)
    table.write_text(text, encoding="utf-8")


def test_a_value_of_an_epoch_is_the_mean_over_its_steps(tmp_path: Path) -> None:
    write(tmp_path, 0, FIRST)
    logs = read_logs(tmp_path)
    assert logs == {
        "train/loss/x_step": {0: 2.0, 1: 0.0},
        "train/loss/x_epoch": {0: 2.25, 1: 0.5},
        "val/fused/accuracy": {0: 0.5, 1: 0.25},
        "train/c/a+b/S_epoch": {0: -3.0, 1: -1.0},
    }


@pytest.mark.parametrize("versions", [(0, 1), (2, 10)])
def test_the_later_table_counts_where_two_have_an_epoch(
    tmp_path: Path, versions: tuple[int, int]
) -> None:
    write(tmp_path, versions[0], FIRST)
    write(tmp_path, versions[1], RESUMED)
    logs = read_logs(tmp_path)
    assert logs["train/loss/x_epoch"] == {0: 2.25, 1: 0.75, 2: 0.25}
    assert logs["val/fused/accuracy"] == {0: 0.5, 1: 0.75}
    assert logs["train/scale/audio_epoch"] == {1: 1.5, 2: 2.5}


def test_a_folder_without_tables_has_no_curves(tmp_path: Path) -> None:
    assert read_logs(tmp_path) == {}


def test_the_figure_has_a_panel_for_each_kind_that_was_logged(tmp_path: Path) -> None:
    write(tmp_path, 0, FIRST)
    figure = training_curves(tmp_path, {"joint": (0, 2)})
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "clip accuracy (validation)",
        "loss (training, each objective)",
        "soft-HGR S (training)",
    ]
    line = figure.axes[0].get_lines()[0]
    assert line.get_label() == "fused"
    assert np.asarray(line.get_xdata()).tolist() == [0, 1]
    assert np.asarray(line.get_ydata()).tolist() == [0.5, 0.25]
    (loss,) = figure.axes[1].get_lines()
    assert loss.get_label() == "x"
    assert np.asarray(loss.get_ydata()).tolist() == [2.25, 0.5]
    assert figure.axes[2].get_lines()[0].get_label() == "c/a+b"


def test_neither_losses_called_ccc_nor_what_follows_training_are_drawn(tmp_path: Path) -> None:
    write(tmp_path, 0, "epoch,val/fused/ccc,val/loss/ccc\n0,0.1,0.9\n1,0.2,0.8\n2,0.2,0.8\n")
    figure = training_curves(tmp_path, {"joint": (0, 2)})
    ccc, loss = figure.axes
    assert ccc.get_title(loc="left") == "CCC, mean of dimensions (validation)"
    assert [line.get_label() for line in ccc.get_lines()] == ["fused"]
    assert np.asarray(ccc.get_lines()[0].get_xdata()).tolist() == [0, 1]
    assert [line.get_label() for line in loss.get_lines()] == ["ccc"]
