"""Recordings with traces, small enough for tests: no media; audio has arousal, face valence."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emorec.cache import Entry, WorkPlan
from emorec.data import EmotionDataModule
from emorec.encoders import Encoder
from emorec.fusion import RecurrentFusion
from emorec.objectives import AuxiliaryConcordance, Concordance
from emorec.tasks import RegressionTask
from emorec.types import Array, Clip, Values
from emorec.windows import SlidingWindows
from tests.helpers.toy import ToyExtractor

DIMENSIONS = ["arousal", "valence"]
STEP = 0.04
STEPS = 25  # a window of 1 s
WIDTH = 3


class StepExtractor(ToyExtractor):
    """Stands for a modality of some numbers a step."""

    pooled_axes = (0,)

    @property
    def shape(self) -> tuple[int, ...]:
        return (STEPS, WIDTH)


class StepEncoder(Encoder):
    """A layer on each step."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.dim = dim
        self.linear = nn.Linear(WIDTH, dim)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.linear(x)
        return features


class ToyRecordings(EmotionDataModule):
    """Recordings of unequal lengths; the last one has no trace, the first lacks a window's face."""

    needs_root = False

    def __init__(self, root: Path, recordings: int = 9, delay: float = 0.0, **options: Any) -> None:
        options = {"workers": 0, "batch_size": 5, "cache": root / "cache", **options}
        extractors = {"audio": StepExtractor(), "face": StepExtractor()}
        super().__init__(root, dict(extractors), windows=SlidingWindows(1.0, 1.0), **options)
        self.count, self.delay = recordings, delay
        self.targets = {"affect": Values(DIMENSIONS, STEP, delay)}

    def clips(self) -> list[Clip]:
        clips = []
        for number in range(self.count):
            labels = {"affect": ()} if number < self.count - 1 else {}
            sidecars = {"affect": Path(f"{number}.csv")}
            group = f"speaker{number}"
            clips.append(
                Clip(f"r{number}", Path(f"{number}.mp4"), labels, group, sidecars=sidecars)
            )
        return clips

    def preprocess(self, work: WorkPlan) -> list[Entry]:
        return [self._write(number, clip) for number, clip in enumerate(self.clips())]

    def _write(self, number: int, clip: Clip) -> Entry:
        seconds = 8.0 + 0.4 * number
        windows = self.windows(clip.id, seconds)
        random = np.random.default_rng(number)
        steps = round(seconds / STEP)
        fast = random.normal(size=(steps + 24, 2)).cumsum(0)
        gold = (fast[24:] - fast[:-24]) / 5  # means of 25 steps, of deviation 1
        arrays: dict[str, Array] = {}
        there = {name: [True] * len(windows) for name in self.extractors}
        if number == 0:
            there["face"][1] = False
        for column, name in enumerate(sorted(self.extractors)):
            shown = gold[:, column, None] + 0.3 * random.normal(size=(steps, WIDTH))
            parts = [shown[round(w.start / STEP) :][:STEPS] for w in windows]
            arrays[name] = np.stack(parts).astype(np.float32)
            arrays[name][[not here for here in there[name]]] = 0
        lag = round(self.delay / STEP)
        late = np.concatenate([gold[:1].repeat(lag, 0), gold])[:steps]
        rows = [f"{i * STEP:.2f},{a:.5f},{v:.5f}" for i, (a, v) in enumerate(late)]
        self.root.mkdir(exist_ok=True)
        text = "\n".join(["time,arousal,valence", *rows])
        (self.root / f"{number}.csv").write_text(text)
        spans = [list(window) for window in windows]
        entry = Entry(clip.id, str(clip.media), "ok", windows=spans, present=there)
        self.source().cache().write(entry, arrays)
        return entry


def toy_regression(seed: int = 0, **options: Any) -> RegressionTask:
    """Return a task on audio and face, assembled, with reproducible weights."""
    torch.manual_seed(seed)
    options = {
        "encoders": {"audio": StepEncoder(), "face": StepEncoder()},
        "fusion": partial(RecurrentFusion, units=8, layers=1),
        "objectives": {
            "ccc": Concordance,
            "audio_alone": partial(AuxiliaryConcordance, feature="audio", units=8, layers=1),
            "face_alone": partial(AuxiliaryConcordance, feature="face", units=8, layers=1),
        },
        "targets": {"affect": Values(DIMENSIONS)},
        "optimizer": partial(torch.optim.Adam, lr=0.02),
        **options,
    }
    task = RegressionTask(**options)
    task.hparams.clear()
    return task
