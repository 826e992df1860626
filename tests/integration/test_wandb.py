"""W&B offline: one override, and what it wrote is read back."""

from pathlib import Path

import pytest

from tests.conftest import Place, smoke

wandb = pytest.importorskip("wandb")


def test_a_run_is_written_offline_into_its_directory(
    place: Place, smoke_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = tmp_path / "smoke"
    smoke(run, place, "--trainer.logger=WandbLogger", "--trainer.logger.project=emorec-tests")
    wandb.finish()
    (path,) = run.glob("wandb/offline-run-*/*.wandb")
    written = path.read_bytes()  # protocol buffers, in which names stand as they are
    for name in (
        b"val/fused/accuracy",
        b"val/audio/accuracy",
        b"val/hgr/audio+face/S",
        b"train/loss_epoch",
        b"train/scale/face",
        b"emorec-tests",
        b"shufflenet_v2_x0_5",
    ):
        assert name in written, name
    assert list(run.glob("logs/version_0/metrics.csv")), "the CSV logs are written all the same"
