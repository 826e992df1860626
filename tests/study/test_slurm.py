"""Cells as jobs on submitit's local cluster; cells that are not ready wait."""

from pathlib import Path

import pytest

from emorec.study import StudyError, read_study
from emorec.study.cells import expand
from emorec.study.runner import CELLS, finished
from emorec.study.slurm import submit_cells
from tests.helpers.fake_study import fit, write

AXES = {"method": {"one": {"x": 1}}}


@pytest.mark.slow
def test_jobs_run_what_is_ready_and_a_second_call_the_rest(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, grids={"main": {"axes": AXES}}))
    cells = expand(study)
    lines: list[str] = []
    for expected in (2, 2, 0):
        jobs = submit_cells(
            study,
            cells,
            tmp_path,
            fit=fit,
            parameters={"timeout_min": 5},
            cluster="local",
            say=lines.append,
        )
        assert len(jobs) == expected
        assert all(job.result() is None for job in jobs)
    assert all(finished(tmp_path / CELLS / cell.name) for cell in cells)
    assert lines[0] == "4 cells, 0 finished, 0 queued or running, 2 submitted now"
    assert "2 wait for pre-training" in lines[1]


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    study = read_study(write(tmp_path, grids={"main": {"axes": AXES}}))
    with pytest.raises(StudyError, match=r"--slurm: .*partitoin"):
        submit_cells(
            study,
            expand(study),
            tmp_path,
            fit=fit,
            parameters={"partitoin": "gpu"},
            cluster="local",
            say=lambda line: None,
        )
