"""The device that the tests marked ``gpu`` use: a GPU where there is one, else the CPU."""

import os
from pathlib import Path

import pytest

from tests.conftest import ROOT, Place, smoke
from tests.gpu.card import device_here
from tests.gpu.figures import Figures

OUTCOMES = os.environ.get("EMOREC_TEST_OUTCOMES")  # `python -m tests.gpu` sets it


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write each outcome at once: tests that are stopped at a limit keep those before it."""
    if OUTCOMES is None or "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.passed and report.when != "call":
        return
    if report.skipped and isinstance(report.longrepr, tuple):
        why = f"skipped: {report.longrepr[2]}"
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = "" if report.passed else f"failed: {getattr(crash, 'message', report.longrepr)}"
    seconds = None if why else report.duration
    Figures(Path(OUTCOMES)).add(f"test {report.nodeid}", seconds, "s", why[:300])


@pytest.fixture(scope="session")
def device() -> str:
    return device_here()


@pytest.fixture(scope="session")
def accelerator(device: str) -> str:
    """As Lightning names it."""
    return "gpu" if device == "cuda" else "cpu"


@pytest.fixture(scope="session")
def gpu_trainer(accelerator: str) -> list[str]:
    """Options: the shipped trainer file, on the CPU where there is no GPU."""
    file = str(ROOT / "configs/trainer/gpu.yaml")
    return ["--trainer", file, f"--trainer.accelerator={accelerator}"]


@pytest.fixture(scope="session")
def gpu_run(gpu_trainer: list[str], place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directory of a smoke run on the device; tests must not change it."""
    run = tmp_path_factory.mktemp("runs") / "gpu"
    smoke(run, place, *gpu_trainer)
    return run
