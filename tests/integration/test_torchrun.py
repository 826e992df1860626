"""The README's way of starting several processes, on this machine's CPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Place


@pytest.mark.ddp
@pytest.mark.slow
def test_torchrun_trains_and_tests_on_two_processes(
    smoke_run: Path, place: Place, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    started = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    emorec = [str(Path(sys.executable).parent / "emorec"), "fit"]
    options = [f"--config={ROOT}/configs/experiment/smoke.yaml", "--run", str(run)]
    options += ["--trainer.devices=2", "--trainer.strategy=ddp_find_unused_parameters_true"]
    options += [*place.options(), "--trainer.enable_progress_bar=false"]
    command = [*started, "--no-python", "--", *emorec, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Starting with 2 processes" in done.stderr
    metrics, alone = (json.loads((r / "metrics.json").read_text()) for r in (run, smoke_run))
    assert metrics["clips"] == alone["clips"]
    assert metrics["test"]["fused"]["clips"] == alone["test"]["fused"]["clips"]
    assert done.stdout.count("both together") == 1, "only one process reports"
