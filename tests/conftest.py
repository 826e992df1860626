"""Fixtures that several folders of tests share: generated clips and a run trained on them."""

import os
import random
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

# One thread a process, also in the processes that tests start: `make test` runs one a core, and
# torch's threads would wait for each other. Before torch is imported, which reads it once.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from hypothesis import settings

from emorec.cli import main
from tests.helpers.affect_run import patch_detector, train

ROOT = Path(__file__).parents[1]

# The same examples each time, and no limit of time, which any pause of the machine may exceed.
settings.register_profile("emorec", deadline=None, derandomize=True)
settings.load_profile("emorec")


@pytest.fixture(autouse=True)
def _repository_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in the repository's root, where configs/ is; LightningCLI reads sys.argv."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["emorec"])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Let each test draw the same weights and data alone, in any order and on any process.

    EMOREC_TEST_SEED chooses others: a test that passes with one seed alone tests its luck.
    """
    seed = int(os.environ.get("EMOREC_TEST_SEED", "0"))
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries draw from it
    torch.manual_seed(seed)


@dataclass(frozen=True)
class Place:
    """Session folders of generated clips and their cache."""

    media: Path
    cache: Path

    def options(self) -> list[str]:
        return ["--data.root", str(self.media), "--data.cache", str(self.cache)]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where the clips of configs/data/synthetic_tiny.yaml are generated and cached once.

    EMOREC_TEST_CLIPS names a folder in which they are ready (`make gpu-pack`); it is copied.
    """
    place = Place(tmp_path_factory.mktemp("media"), tmp_path_factory.mktemp("cache"))
    if ready := os.environ.get("EMOREC_TEST_CLIPS"):
        shutil.copytree(Path(ready) / "media", place.media, dirs_exist_ok=True)
        shutil.copytree(Path(ready) / "cache", place.cache, dirs_exist_ok=True)
    return place


def smoke(run: Path, place: Place, *more: str, command: str = "fit") -> None:
    """Run a training command in this process with the smoke experiment."""
    config = ROOT / "configs/experiment/smoke.yaml"
    quiet = ["--trainer.enable_progress_bar", "false"]
    sys.argv = ["emorec"]
    options = [*place.options(), *quiet, *more]
    main([command, "--config", str(config), "--run", str(run), *options])


@pytest.fixture(scope="session")
def smoke_run(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directory of a finished smoke run; tests must not change it."""
    run = tmp_path_factory.mktemp("runs") / "smoke"
    smoke(run, place)
    return run


@pytest.fixture(scope="session")
def affect_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directory of a model of values over time, trained on generated recordings.

    The recordings are in ``media`` beside it. Tests must not change either, and faces are found by
    ``tests.helpers.affect_run.OnePlace``: see the fixture ``one_place``.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch_detector(patch)
        return train(tmp_path_factory.mktemp("affect"))


@pytest.fixture
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find faces where the training of ``affect_run`` found them."""
    patch_detector(monkeypatch)
