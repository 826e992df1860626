"""The spectrum of validation features: what is logged, and when nothing is."""

from pathlib import Path

import torch
from lightning.pytorch import Callback

from emorec.callbacks import Spectrum
from emorec.functional import hgr_spectrum
from tests.callbacks.staging import three_stages, train
from tests.toy import ToyData, toy_task


class Keep(Callback):
    def __init__(self) -> None:
        self.logged: list[dict[str, float]] = []

    def on_validation_end(self, trainer: object, pl_module: object) -> None:
        metrics = trainer.callback_metrics  # type: ignore[attr-defined]
        self.logged.append({k: float(v) for k, v in metrics.items() if "spectrum" in k})


def test_pairs_that_are_there_are_logged_in_each_stage(tmp_path: Path) -> None:
    keep = Keep()
    train(tmp_path, three_stages(), Spectrum(count=2), keep, data=ToyData(tmp_path, windows=9))
    pairs = [{name.rsplit("/", 1)[0].split("/")[-1] for name in logged} for logged in keep.logged]
    assert pairs[0] == {"audio+label"}
    assert pairs[2] == {"face+label"}
    assert pairs[4] == {"audio+face", "audio+label", "face+label"}
    for logged in keep.logged:
        assert all(0 <= value <= 1 for value in logged.values())
        for name in logged:
            if name.endswith("/2"):
                assert logged[name] <= logged[name.replace("/2", "/1")]


def test_values_are_those_of_all_validation_segments(tmp_path: Path) -> None:
    keep, data = Keep(), ToyData(tmp_path, windows=9)
    task, _ = train(
        tmp_path, {"joint": three_stages()["joint"]}, Spectrum(), keep, task=toy_task(), data=data
    )
    task.eval()
    with torch.no_grad():
        bundles = [task(batch) for batch in data.val_dataloader()]
    features = {n: torch.cat([b.features[n] for b in bundles]) for n in ("audio", "face")}
    rows = torch.cat([b.present["audio"] & b.present["face"] for b in bundles])
    components = int(rows.sum()) // 10
    assert 0 < components < features["audio"].shape[1]
    sigma = hgr_spectrum(features["audio"], features["face"], rows, components=components)
    for i, value in enumerate(sigma[:5].tolist(), start=1):
        torch.testing.assert_close(keep.logged[-1][f"val/spectrum/audio+face/{i}"], value)


def test_too_few_segments_log_nothing(tmp_path: Path) -> None:
    keep = Keep()
    train(tmp_path, three_stages(), Spectrum(), keep, data=ToyData(tmp_path, windows=2))
    assert keep.logged
    assert not any(keep.logged)
