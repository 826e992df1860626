"""Preprocessing a clip: our pipeline, what published code does, and decoding alone."""

from collections.abc import Callable
from fractions import Fraction
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
from emorec.extractors import FaceCrops, LogMel
from emorec.synthetic import plan_clips
from emorec.synthetic.frames import render_frames
from emorec.system.workers import one_thread
from emorec.types import Clip
from emorec.windows import RandomWindows
from tests.helpers.media_files import Image

SECONDS, RATE = 3.7, 48000
# Name: container, size, frames a second, codec, bits a second, audio codec.
FORMATS: dict[str, tuple[str, tuple[int, int], int, str, int, str]] = {
    "720p h264, 9 Mbit/s": ("mp4", (1280, 720), 30, "libx264", 9_000_000, "aac"),
    "576p mpeg4 avi": ("avi", (720, 576), 25, "mpeg4", 4_000_000, "pcm_s16le"),
}


def write_clip(path: Path, form: str) -> Path:
    """Write one synthetic person in the middle of a larger, grainy picture."""
    _, size, rate, codec, bits, sound_codec = FORMATS[form]
    plan = plan_clips(subjects=1, takes=1, seconds=(SECONDS, SECONDS))[0]
    count = round(SECONDS * rate)
    random = np.random.default_rng(0)
    grain = random.normal(0, 4, (size[1] + 64, size[0] + 64, 3)).astype(np.int16)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=rate)
        video.width, video.height, video.bit_rate = *size, bits
        video.pix_fmt = "yuv420p"
        audio: Any = container.add_stream(sound_codec, rate=RATE, layout="stereo")
        for i, face in enumerate(render_frames(plan, random.random(count).astype(np.float32))):
            container.mux(video.encode(_frame(face, size, grain, random, i, rate)))
        tone = (8000 * random.normal(size=(1, 2 * round(SECONDS * RATE)))).astype(np.int16)
        block = av.AudioFrame.from_ndarray(tone, format="s16", layout="stereo")
        block.sample_rate = RATE
        container.mux(audio.encode(block))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def _frame(
    face: Image,
    size: tuple[int, int],
    grain: np.ndarray[Any, Any],
    random: np.random.Generator,
    number: int,
    rate: int,
) -> av.VideoFrame:
    scale = size[1] / face.shape[0]
    person = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    room = size[0] - person.shape[1]
    whole = cv2.copyMakeBorder(person, 0, 0, room // 2, room - room // 2, cv2.BORDER_REPLICATE)
    y, x = random.integers(0, 64, 2)
    noisy = whole.astype(np.int16) + grain[y : y + size[1], x : x + size[0]]
    frame = av.VideoFrame.from_ndarray(np.clip(noisy, 0, 255).astype(np.uint8), format="rgb24")
    frame.pts, frame.time_base = number, Fraction(1, rate)
    return frame


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


def decode(path: Path) -> int:
    """Decode the picture, frame after frame, and convert none."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        return sum(1 for _ in container.decode(stream))


@pytest.fixture(scope="module", params=list(FORMATS))
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    one_thread()
    folder = tmp_path_factory.mktemp("preprocess")
    return write_clip(folder / f"clip.{FORMATS[request.param][0]}", request.param)


@pytest.mark.parametrize("side", ["tracked", "every_frame", "naive", "decoding alone"])
def test_time(
    benchmark: Any, clip: Path, tmp_path: Path, side: Literal["tracked", "every_frame"] | str
) -> None:
    benchmark.group = f"a clip of {SECONDS} s, {clip.suffix}"
    run: Callable[[], object]
    if side == "naive":
        detector = MTCNN(image_size=224, margin=20, post_process=False)
        run = lambda: naive(clip, tmp_path, detector)  # noqa: E731
    elif side == "decoding alone":
        run = lambda: decode(clip)  # noqa: E731
    else:
        faces = FaceCrops(mode="tracked" if side == "tracked" else "every_frame")
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
