"""Preprocessing a clip: our pipeline, what published code does, and decoding alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
import pytest
import torch
import torchaudio
from facenet_pytorch import MTCNN

from emorec.cache import SegmentCache
from emorec.cache.entry import make_entry
from emorec.extractors import FaceCrops, FaceSearch, LogMel
from emorec.system.workers import one_thread
from emorec.types import Clip
from emorec.windows import RandomWindows
from tests.helpers.grainy import FORMATS, RATE, SECONDS, decode, write_clip


def naive(path: Path, out: Path, detector: MTCNN) -> None:
    """Do what research code does: all frames by index, full-size detection, a file a segment."""
    video = cv2.VideoCapture(str(path))
    rate, frames = video.get(cv2.CAP_PROP_FPS), []
    while True:
        good, frame = video.read()
        if not good:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    with av.open(str(path)) as container:
        blocks = [block.to_ndarray() for block in container.decode(audio=0)]
    sound = np.concatenate(blocks, 1).astype(np.float32)
    # Planar formats have a row a channel, packed ones one row in all.
    mono = torch.from_numpy(sound.mean(0) if len(sound) > 1 else sound.reshape(-1, 2).mean(1))
    to_mel = torchaudio.transforms.MelSpectrogram(RATE, n_fft=1920, hop_length=256, n_mels=94)
    for i, window in enumerate(RandomWindows()("clip", len(frames) / rate)):
        face = detector(frames[min(len(frames) - 1, round(window.middle * rate))])
        start = int(window.start * RATE)
        part = mono[start : start + RATE // 2]
        part = torch.nn.functional.pad(part, (0, RATE // 2 - len(part)))
        torch.save((face, torch.log(to_mel(part) + 1e-6)), out / f"{i}.pt")


@pytest.fixture(scope="module", params=list(FORMATS))
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    one_thread()
    folder = tmp_path_factory.mktemp("preprocess")
    return write_clip(folder / f"clip.{FORMATS[request.param][0]}", request.param)


@pytest.mark.parametrize(
    "side", ["tracked", "every_frame", "every_frame, blazeface", "naive", "decoding alone"]
)
def test_time(benchmark: Any, clip: Path, tmp_path: Path, side: str) -> None:
    benchmark.group = f"a clip of {SECONDS} s, {clip.suffix}"
    run: Callable[[], object]
    if side == "naive":
        detector = MTCNN(image_size=224, margin=20, post_process=False)
        run = lambda: naive(clip, tmp_path, detector)  # noqa: E731
    elif side == "decoding alone":
        run = lambda: decode(clip)  # noqa: E731
    else:
        mode: Literal["tracked", "every_frame"] = "tracked" if side == "tracked" else "every_frame"
        method: Literal["mtcnn", "blazeface"] = "blazeface" if "blazeface" in side else "mtcnn"
        faces = FaceCrops(faces=FaceSearch(mode=mode, method=method))
        cache = SegmentCache(tmp_path / "cache")

        def run() -> None:
            entry, arrays = make_entry(
                Clip("clip", Path(clip.name)),
                clip.parent,
                RandomWindows(),
                {"audio": LogMel(), "face": faces},
            )
            assert entry.facts["windows_with_face"] == 30
            cache.write(entry, arrays)

    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
