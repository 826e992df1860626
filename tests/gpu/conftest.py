"""The device that the tests marked ``gpu`` use: a GPU where there is one, else the CPU."""

import os
from pathlib import Path

import pytest

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
