"""What the device cuts, predicts and exports is what the CPU does, to a stated tolerance."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import pytest
import torch
from torch.export.passes import move_to_device_pass

from emorec.cache import CacheSource, Entry, SegmentCache, WorkPlan, build
from emorec.cache.entry import make_entry
from emorec.cli import main
from emorec.export import PretrainedPredictor
from emorec.extractors import Extractor, FaceCrops, FaceSearch, LogMel
from emorec.predict import Predictor
from emorec.types import Array, Clip
from emorec.windows import RandomWindows
from tests.conftest import ROOT, Place
from tests.helpers.exported import arrays_of, vote

pytestmark = pytest.mark.gpu

# Convolutions on a GPU round to TF32, ten bits: three digits of a feature.
PROBABILITY = 0.01
WINDOWS = RandomWindows(10)
# A box may move by a fraction of a pixel: mean difference of crops, in grey levels of 0 to 255.
LEVELS = 3.0


def clips_of(place: Place, count: int) -> list[Path]:
    return sorted(p for p in place.media.rglob("*") if p.suffix in (".mp4", ".avi"))[:count]


def differences(caches: list[SegmentCache], clips: list[Clip]) -> float:
    """Check that two caches hold the same; return the largest difference of crops."""
    most = 0.0
    assert caches[0].folder.name == caches[1].folder.name, "one cache for both"
    for clip in clips:
        mine, other = (cache.read(clip.id) for cache in caches)
        assert mine is not None
        assert other is not None
        assert (mine.present, mine.windows) == (other.present, other.windows)
        audio = [cache.array(clip.id, "audio") for cache in caches]
        assert np.array_equal(audio[0], audio[1])
        faces = [cache.array(clip.id, "face").astype(int) for cache in caches]
        most = max(most, float(np.abs(faces[0] - faces[1]).mean((1, 2, 3)).max()))
    return most


@pytest.mark.usefixtures("gpu_run")  # it makes the clips
@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize("mode", ["tracked", "every_frame"])
def test_the_cache_is_that_of_the_cpu(
    device: str, place: Place, tmp_path: Path, mode: Literal["tracked", "every_frame"], at_once: int
) -> None:
    paths = clips_of(place, 6)
    clips = [Clip(path.stem, Path(path.name)) for path in paths]
    caches: list[SegmentCache] = []
    for where, count in (("cpu", 1), (device, at_once)):
        extractors: dict[str, Extractor] = {
            "audio": LogMel(),
            "face": FaceCrops(94, faces=FaceSearch(min_face=80, mode=mode)),
        }
        source = CacheSource(
            "set", paths[0].parent, tmp_path / str(len(caches)), WINDOWS, extractors
        )
        cache = source.cache()
        if count == 1:
            build(source, clips, WorkPlan(0, (1, 1), where))
        else:  # as a worker process does
            for extractor in extractors.values():
                extractor.use(where, count)
            with ThreadPoolExecutor(count) as threads:
                for made in threads.map(lambda c, s=source: cut(s, c), clips):
                    cache.write(*made)
        caches.append(cache)
    assert differences(caches, clips) < LEVELS


def cut(source: CacheSource, clip: Clip) -> tuple[Entry, dict[str, Array]]:
    return make_entry(clip, source.root, source.windows, source.extractors)


def test_the_command_preprocesses_on_the_device(device: str, place: Place, tmp_path: Path) -> None:
    options = [
        "--data",
        str(ROOT / "configs/data/synthetic_tiny.yaml"),
        f"--data.root={place.media}",
    ]
    main(["preprocess", *options, f"--data.cache={tmp_path}", "--workers=0", f"--device={device}"])
    (report,) = tmp_path.glob("*/report.csv")
    assert len(report.read_text(encoding="utf-8").splitlines()) == 1 + 18


def test_a_prediction_is_that_of_the_cpu(gpu_run: Path, device: str, place: Place) -> None:
    path = gpu_run / "checkpoints/best.ckpt"
    here, there = (Predictor.from_checkpoint(path, name) for name in ("cpu", device))
    for clip in clips_of(place, 4):
        mine, other = here.vote(clip), there.vote(clip)
        assert mine.windows == other.windows
        for name, value in mine.probabilities.items():
            assert other.probabilities[name] == pytest.approx(value, abs=PROBABILITY)


def test_the_command_predicts_on_the_device(
    gpu_run: Path, device: str, place: Place, tmp_path: Path
) -> None:
    clips = [str(path) for path in clips_of(place, 3)]
    model = str(gpu_run / "checkpoints/best.ckpt")
    main(["predict", model, *clips, "--out", str(tmp_path), "--device", device])
    lines = (tmp_path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(clips)


def test_an_exported_model_agrees_with_the_device(
    gpu_run: Path, device: str, place: Place, tmp_path: Path
) -> None:
    main(["export", str(gpu_run), "--out", str(tmp_path), "--format", "onnx", "torch"])
    predictor = PretrainedPredictor.from_checkpoint(gpu_run / "checkpoints/best.ckpt", device)
    (clip,) = clips_of(place, 1)
    wanted = list(predictor.vote(clip).probabilities.values())
    arrays = arrays_of(predictor, clip)
    (found,) = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, arrays)
    assert vote(predictor, np.asarray(found)) == pytest.approx(wanted, abs=PROBABILITY)
    exported = move_to_device_pass(torch.export.load(tmp_path / "model.pt2"), device)
    program = exported.module()
    names = ["audio", "face", "present_audio", "present_face"]
    tensors = [torch.from_numpy(arrays[name]).to(device) for name in names]
    shares = program(*tensors).detach().cpu().numpy()
    assert vote(predictor, shares) == pytest.approx(wanted, abs=PROBABILITY)
