"""The spectrum of validation features: what is logged, and when nothing is."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import torch
from lightning.pytorch import Callback
from torch import Tensor

from emorec.callbacks import Spectrum
from emorec.callbacks.spectrum import by_clip
from emorec.functional import hgr_spectrum
from emorec.tasks import ClassificationTask
from tests.helpers.staging import three_stages, train
from tests.helpers.toy import ToyData, ToyEncoder, toy_task


class Keep(Callback):
    def __init__(self) -> None:
        self.logged: list[dict[str, float]] = []

    def on_validation_end(self, trainer: object, pl_module: object) -> None:
        metrics = trainer.callback_metrics  # type: ignore[attr-defined]
        self.logged.append({k: float(v) for k, v in metrics.items() if "spectrum" in k})


def test_present_pairs_are_logged_in_each_stage(tmp_path: Path) -> None:
    keep, data = Keep(), ToyData(tmp_path, clips=150)
    train(tmp_path, three_stages(), Spectrum(count=2), keep, data=data)
    pairs = [{name.split("/")[2] for name in logged} for logged in keep.logged]
    assert pairs[0] == {"audio+label"}
    assert pairs[2] == {"face+label"}
    assert pairs[4] == {"audio+face", "audio+label", "face+label"}
    for logged in keep.logged:
        assert all(0 <= value <= 1 for value in logged.values())
        for name in logged:
            if name.endswith("/2"):
                assert logged[name] <= logged[name.replace("/2", "/1")]


class WithSide(ToyEncoder):
    """An encoder whose map only objectives see."""

    def __init__(self) -> None:
        super().__init__()
        self.sides: Mapping[str, int] = {"map": 300 * self.dim}

    def forward(self, x: Tensor) -> Tensor:
        features = super().forward(x)
        return torch.cat([features, features.repeat(1, 300)], 1)


def test_maps_on_an_encoders_way_are_left_out(tmp_path: Path) -> None:
    keep, data = Keep(), ToyData(tmp_path, clips=150)
    task = toy_task(encoders={"audio": ToyEncoder(), "face": WithSide()})
    assert task.model.sides == {"face-map": "face"}
    train(tmp_path, {"joint": three_stages()["joint"]}, Spectrum(), keep, task=task, data=data)
    pairs = {name.split("/")[2] for logged in keep.logged for name in logged}
    assert pairs == {"audio+face", "audio+label", "face+label"}


def clip_means(task: ClassificationTask, data: ToyData) -> tuple[Tensor, Tensor]:
    """Return the mean feature of each validation clip, audio and face, one clip after another."""
    task.eval()
    found: dict[int, list[Tensor]] = {}
    with torch.no_grad():
        for batch in data.val_dataloader():
            bundle = task(batch)
            rows = bundle.present["audio"] & bundle.present["face"]
            both = torch.cat([bundle.features["audio"], bundle.features["face"]], 1)
            for row in rows.nonzero().flatten().tolist():
                found.setdefault(int(batch.clip[row]), []).append(both[row])
    means = torch.stack([torch.stack(found[clip]).mean(0) for clip in sorted(found)])
    return means.chunk(2, 1)  # type: ignore[return-value]


def test_values_are_those_of_the_means_of_validation_clips(tmp_path: Path) -> None:
    keep, data = Keep(), ToyData(tmp_path, clips=250, windows=9)
    stages = {"joint": three_stages()["joint"]}
    task, _ = train(tmp_path, stages, Spectrum(), keep, task=toy_task(), data=data)
    f, g = clip_means(task, data)
    components = len(f) // 10
    assert len(f) == len(data.clips_of("val"))
    assert 0 < components < f.shape[1]
    for name, other in (("", g), ("permuted/", g.roll(-(len(g) // 3), 0))):
        sigma = hgr_spectrum(f, other, components=components)[:5]
        logged = [
            keep.logged[-1][f"val/spectrum/audio+face/{name}{i + 1}"] for i in range(len(sigma))
        ]
        if not name:
            torch.testing.assert_close(logged, sigma.tolist(), rtol=0, atol=1e-5)
        else:
            assert logged[0] < keep.logged[-1]["val/spectrum/audio+face/1"]


def test_independent_features_that_stay_within_a_clip_are_as_common_as_permuted_ones() -> None:
    """Counted as windows they had canonical correlations of 0.65 to 0.96."""
    random = torch.Generator().manual_seed(0)
    clips, windows, width = 60, 30, 64
    clip = torch.arange(clips).repeat_interleave(windows)
    sets = [
        torch.randn(clips, width, generator=random)[clip]
        + 0.3 * torch.randn(clips * windows, width, generator=random)
        for _ in range(2)
    ]
    rows = torch.ones(len(clip), dtype=torch.bool)
    assert hgr_spectrum(*sets, components=16)[0] > 0.65
    f, g = by_clip(sets[0], sets[1], clip, rows, clips)
    assert f.shape == (clips, width)
    found = hgr_spectrum(f, g, components=clips // 10)
    chance = hgr_spectrum(f, g.roll(20, 0), components=clips // 10)
    assert (found - chance).abs().max() < 0.2


def test_permuted_pairs_are_chance_also_where_the_list_of_clips_is_periodic(tmp_path: Path) -> None:
    """Speakers say the same sentences in one order: what is a third of the list on is alike."""
    logged: dict[str, float] = {}

    class Module:
        def log_dict(self, values: dict[str, Tensor]) -> None:
            logged.update({name: float(value) for name, value in values.items()})

    random = torch.Generator().manual_seed(0)
    kind = torch.nn.functional.one_hot(torch.arange(180) % 6, 6).float()
    sets = {n: kind + 0.1 * torch.randn(180, 6, generator=random) for n in ("audio", "face")}
    spectrum, present = Spectrum(), torch.ones(180, dtype=torch.bool)
    spectrum.kept = {name: [(x, present, torch.arange(180))] for name, x in sets.items()}
    data = SimpleNamespace(all_clips=[None] * 180)
    spectrum.on_validation_epoch_end(SimpleNamespace(datamodule=data), Module())  # type: ignore[arg-type]
    assert logged["val/spectrum/audio+face/1"] > 0.95
    assert logged["val/spectrum/audio+face/permuted/1"] < 0.5


def test_too_few_clips_log_nothing(tmp_path: Path) -> None:
    keep = Keep()
    train(tmp_path, three_stages(), Spectrum(), keep, data=ToyData(tmp_path, windows=9))
    assert keep.logged
    assert not any(keep.logged)
