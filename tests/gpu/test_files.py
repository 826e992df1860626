"""What the device cuts, predicts and exports is what the CPU does, to a stated tolerance."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch.export.passes import move_to_device_pass

from emorec.cache import RandomWindows, Source, Work, build
from emorec.cli import main
from emorec.export import PretrainedPredictor
from emorec.extractors import FaceCrops, LogMel
from emorec.predict import Predictor
from emorec.types import Clip
from tests.conftest import ROOT, Place, smoke
from tests.export.test_export import arrays_of, vote

pytestmark = pytest.mark.gpu

# Convolutions on a GPU round to TF32, ten bits: three digits of a feature.
PROBABILITY = 0.01
# A box may move by a fraction of a pixel: mean difference of crops, in grey levels of 0 to 255.
LEVELS = 3.0


@pytest.fixture(scope="module")
def run(accelerator: str, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run trained on the device."""
    folder = tmp_path_factory.mktemp("runs") / "files"
    trainer = ["--trainer", str(ROOT / "configs/trainer/gpu.yaml")]
    smoke(folder, place, *trainer, f"--trainer.accelerator={accelerator}")
    return folder


def clips_of(place: Place, count: int) -> list[Path]:
    return sorted(p for p in place.media.rglob("*") if p.suffix in (".mp4", ".avi"))[:count]


@pytest.mark.parametrize("mode", ["tracked", "every_frame"])
def test_the_cache_is_that_of_the_cpu(
    run: Path, device: str, place: Place, tmp_path: Path, mode: str
) -> None:
    paths = clips_of(place, 6)
    root = paths[0].parent
    clips = [Clip(path.stem, Path(path.name)) for path in paths]
    caches = {}
    # On one device the number of clips at once may not matter either.
    for name, work in {
        "cpu": Work(1),
        "device": Work(1, (1, 1), device, at_once=4),
    }.items():
        extractors = {
            "audio": LogMel(),
            "face": FaceCrops(94, min_face=80, mode=mode),  # type: ignore[arg-type]
        }
        source = Source("set", root, tmp_path / name, RandomWindows(), extractors)
        entries = build(source, clips, work)
        assert [entry.status for entry in entries] == ["ok"] * len(clips)
        caches[name] = (source.cache(), {entry.id: entry for entry in entries})
    assert caches["cpu"][0].folder.name == caches["device"][0].folder.name, "one cache for both"
    for clip in clips:
        mine, other = (entries[clip.id] for _, entries in caches.values())
        assert (mine.present, mine.windows) == (other.present, other.windows)
        audio, faces = (
            [cache.array(clip.id, name) for cache, _ in caches.values()]
            for name in ("audio", "face")
        )
        assert np.array_equal(audio[0], audio[1])
        far = np.abs(faces[0].astype(int) - faces[1].astype(int)).mean((1, 2, 3))
        assert far.max() < LEVELS, clip.id


def test_a_prediction_is_that_of_the_cpu(run: Path, device: str, place: Place) -> None:
    path = run / "checkpoints/best.ckpt"
    here, there = (Predictor.from_checkpoint(path, name) for name in ("cpu", device))
    for clip in clips_of(place, 4):
        mine, other = here.predict(clip), there.predict(clip)
        assert mine.windows == other.windows
        for name, value in mine.probabilities.items():
            assert other.probabilities[name] == pytest.approx(value, abs=PROBABILITY)


def test_the_command_predicts_on_the_device(
    run: Path, device: str, place: Place, tmp_path: Path
) -> None:
    clips = [str(path) for path in clips_of(place, 3)]
    model = str(run / "checkpoints/best.ckpt")
    main(["predict", model, *clips, "--out", str(tmp_path), "--device", device])
    lines = (tmp_path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(clips)


def test_an_exported_model_agrees_with_the_device(
    run: Path, device: str, place: Place, tmp_path: Path
) -> None:
    main(["export", str(run), "--out", str(tmp_path), "--format", "onnx", "torch"])
    predictor = PretrainedPredictor.from_checkpoint(run / "checkpoints/best.ckpt", device)
    (clip,) = clips_of(place, 1)
    wanted = list(predictor.predict(clip).probabilities.values())
    arrays = arrays_of(predictor, clip)
    (found,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, arrays)
    assert vote(predictor, np.asarray(found)) == pytest.approx(wanted, abs=PROBABILITY)
    exported = move_to_device_pass(torch.export.load(tmp_path / "model.pt2"), device)
    program = exported.module()
    names = ["audio", "face", "present_audio", "present_face"]
    tensors = [torch.from_numpy(arrays[name]).to(device) for name in names]
    shares = program(*tensors).detach().cpu().numpy()
    assert vote(predictor, shares) == pytest.approx(wanted, abs=PROBABILITY)
