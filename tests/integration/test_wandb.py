"""W&B offline: one override, and what it wrote is read back."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Place, smoke

wandb = pytest.importorskip("wandb")


def read_back(folder: Path) -> list[Any]:
    """Return the records of the only offline run below a folder."""
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    store = DataStore()
    store.open_for_scan(str(path))
    records = []
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        records.append(record)
    return records


def test_a_run_is_written_offline_into_its_directory(
    place: Place, smoke_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = tmp_path / "smoke"
    smoke(run, place, "--trainer.logger=WandbLogger", "--trainer.logger.project=emorec-tests")
    wandb.finish()
    records = read_back(run)
    keys = {
        item.key or "/".join(item.nested_key)
        for record in records
        if record.HasField("history")
        for item in record.history.item
    }
    assert {"val/fused/accuracy", "val/hgr/audio+face/S", "train/loss_epoch", "epoch"} <= keys
    (started,) = [record.run for record in records if record.HasField("run")][:1]
    assert started.project == "emorec-tests"
    assert started.display_name == "smoke"
    assert list(run.glob("logs/version_0/metrics.csv")), "the CSV logs are written all the same"
