"""The tables of a study of a continuous target, from invented agreement values."""

from pathlib import Path

import pandas as pd
import pytest

from emorec.study import StudyError
from emorec.study.collect import collect
from emorec.study.comparisons import comparisons
from emorec.study.measures import measures_of
from emorec.study.pictures import pictures
from emorec.study.relations import check_relations
from emorec.study.report import write_report
from emorec.study.runner import CELLS
from emorec.study.tables import rows_of
from tests.helpers.fake_study import agree, finish_traces, made


def test_the_table_has_a_ccc_a_dimension_and_no_interval(tmp_path: Path) -> None:
    where = {"method": "full", "size": "2", "protocol": "nested"}
    published = [{"where": where, "ccc": 0.6123, "source": "somebody"}]
    study, cells = made(tmp_path, published=published)
    finish_traces(cells, tmp_path, agree)
    text = write_report(study, cells, tmp_path)
    assert "concordance\ncorrelation coefficient" in text
    for word in ("ccuracy", "%", "points", "robustness", "missing", "confusion"):
        assert word not in text
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    head = ["protocol", "scores", "method", "size"]
    numbers = ["mean CCC", "CCC arousal", "CCC valence", "runs", "test recordings", "published"]
    assert [*head, *numbers] in lines
    # Seeds 0 to 2 have mean CCCs 0.4, 0.42 and 0.44 over the dimensions; method full has 0.1 more.
    marked = "random_clip (shares speakers)"
    base = ["0.420 ± 0.020", "0.520 ± 0.020", "0.320 ± 0.020", "3", "9", ""]
    assert [marked, "fused", "base", "1", *base] in lines
    full = ["**0.520 ± 0.020**", "0.620 ± 0.020", "0.420 ± 0.020", "3", "9", ""]
    assert [marked, "fused", "full", "1", *full] in lines
    assert ["nested", "fused", "full", "2"] in [line[:4] for line in lines if "12" in line]
    assert "0.612 (somebody)" in text
    assert (
        "\\textbf{0.520 $\\pm$ 0.020} & 0.620 $\\pm$ 0.020" in (tmp_path / "table.tex").read_text()
    )
    assert not (tmp_path / "predictions.csv").exists()  # the fake runs have none either
    assert (tmp_path / "main_nested_size.png").is_file()
    # The written table has the same columns.
    again = measures_of(pd.read_csv(tmp_path / "results.csv"))
    assert list(again.headings) == ["ccc", "ccc_arousal", "ccc_valence"]


def test_methods_are_compared_by_the_ccc_of_runs_on_the_same_recordings(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish_traces(cells, tmp_path, agree)
    results = collect(cells, tmp_path)
    note, table = comparisons(study, "main", results, tmp_path / CELLS)
    assert "same split and test recordings: the difference of the mean CCCs" in note
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert lines[0] == ["protocol", "size", "compared", "difference, in CCC", "p", "pairs of runs"]
    assert sorted(lines[2:]) == [
        [protocol, size, "full - base", "+0.100", p, pairs]
        for protocol, p, pairs in (("nested", "0.125", "4"), ("random_clip", "0.250", "3"))
        for size in ("1", "2")
    ]
    # The same folds and seeds, but other recordings: another data set.
    full = [cell for cell in cells if cell.choices.get("method") == "full"]
    finish_traces(full, tmp_path, agree, recordings=("r1", "r2", "r4"))
    _, table = comparisons(study, "main", results, tmp_path / CELLS)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    message = "not compared: other test data (2 recordings in common of 3 and 3)"
    assert [line[3:] for line in lines[2:]] == [[message, "-", "-"]] * 4


def test_relations_go_by_the_mean_ccc(tmp_path: Path) -> None:
    sides = {"greater": {"method": "full"}, "less": {"method": "base"}}
    study, cells = made(tmp_path, relations=[{"say": "so", **sides}])
    finish_traces(cells, tmp_path, agree)
    (held,) = check_relations(study, collect(cells, tmp_path))
    assert (held.held, held.compared) == (4, 4)
    line = "- held: in 4 of 4 comparisons (differences of +0.100 to +0.100 in CCC): so"
    assert held.line() == line


def test_the_mean_ccc_is_drawn_over_a_number(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish_traces(cells, tmp_path, agree)
    drawn = dict(pictures(study, "main", collect(cells, tmp_path), tmp_path / CELLS))
    assert set(drawn) == {"main_random_clip_size", "main_nested_size"}
    (panel,) = drawn["main_random_clip_size"].axes
    assert panel.get_ylabel() == "mean CCC of test recordings"
    base = panel.containers[0].lines[0]  # type: ignore[attr-defined]
    assert base.get_ydata().tolist() == pytest.approx([0.42, 0.42])


def test_an_undefined_ccc_is_in_no_mean_and_the_line_says_so(tmp_path: Path) -> None:
    study, cells = made(tmp_path)
    finish_traces(
        cells, tmp_path, lambda cell: (None, None) if cell.seed == 1 and cell.grid else agree(cell)
    )
    results = collect(cells, tmp_path)
    found = rows_of(study, "main", results, tmp_path / CELLS)
    row = next(r for r in found if (r.protocol, r.choices.get("method")) == ("random_clip", "base"))
    assert row.marked == "mean CCC undefined in 1, shares speakers"
    assert row.scores["ccc"][0] == pytest.approx((0.4 + 0.44) / 2)
    _, table = comparisons(study, "main", results, tmp_path / CELLS)
    assert "random_clip" not in table  # two pairs remain; three are needed
    # If one method has no defined CCC at all, another is still the best.
    finish_traces(
        cells,
        tmp_path,
        lambda cell: (None, None) if cell.choices.get("method") == "base" else agree(cell),
    )
    text = write_report(study, cells, tmp_path)
    assert "| nan " in text
    assert "**0.520 ± 0.020**" in text


def test_a_published_number_is_of_the_same_score(tmp_path: Path) -> None:
    published = [{"where": {"method": "full"}, "accuracy": 0.6, "source": "somebody"}]
    study, cells = made(tmp_path, published=published)
    finish_traces(cells, tmp_path, agree)
    with pytest.raises(StudyError, match="published, somebody: it has no ccc"):
        write_report(study, cells, tmp_path)
