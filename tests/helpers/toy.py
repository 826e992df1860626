"""A data set, encoders and a task small enough for tests: no media, no download."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emorec.cache import Entry, WorkPlan
from emorec.data import EmotionDataModule
from emorec.encoders import Encoder, OneHotLabelEncoder
from emorec.extractors import Extraction, Extractor
from emorec.fusion import ConcatFusion
from emorec.media import Media
from emorec.objectives import AuxiliaryCrossEntropy, CrossEntropy, Objective, SoftHGR
from emorec.tasks import ClassificationTask, EmotionTask
from emorec.types import Array, Classes, Clip, FeatureBundle, SegmentBatch, Sizes, Window

CLASSES = ["anger", "calm", "joy"]
WIDTH = 4  # of one window's array
DIM = 6  # of the features


class ToyExtractor(Extractor):
    """Stands for a modality of ``WIDTH`` numbers a window; never extracts."""

    dtype = np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        return (WIDTH,)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        raise AssertionError("the toy set's cache is written, not extracted")


class ToyEncoder(Encoder):
    """A layer, batch norm and dropout: all that staged training can get wrong."""

    def __init__(self, dim: int = DIM, dropout: float = 0.0) -> None:
        super().__init__()
        self.dim = dim
        self.loaded = 0
        self.linear = nn.Linear(WIDTH, dim)
        self.norm = nn.BatchNorm1d(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.dropout(self.norm(self.linear(x)))
        return features

    def load_initial_weights(self) -> None:
        self.loaded += 1


class ToyData(EmotionDataModule):
    """Clips whose audio and face windows cluster by class; its cache is written directly.

    The first clip has no face in window 0 and nothing in window 1; the last one is unlabelled.
    """

    needs_root = False

    def __init__(self, root: Path, clips: int = 24, windows: int = 3, **options: Any) -> None:
        options = {"workers": 0, "batch_size": 10, "cache": root / "cache", **options}
        super().__init__(root, {"audio": ToyExtractor(), "face": ToyExtractor()}, **options)
        self.targets = {"emotion": Classes(CLASSES)}
        self.count, self.windows_each = clips, windows

    def clips(self) -> list[Clip]:
        clips = []
        for number in range(self.count):
            labels = {"emotion": number % 3} if number < self.count - 1 else {}
            group = f"speaker{number % 4}"
            clips.append(Clip(f"clip{number:02}", Path(f"{number}.mp4"), labels, group))
        return clips

    def preprocess(self, work: WorkPlan) -> list[Entry]:
        return [self._write(number, clip) for number, clip in enumerate(self.clips())]

    def _write(self, number: int, clip: Clip) -> Entry:
        random = np.random.default_rng(number)
        centres = np.random.default_rng(99).normal(size=(3, WIDTH))
        there = {name: [True] * self.windows_each for name in self.extractors}
        if number == 0:
            there |= {"face": [False, False, *there["face"][2:]]}
            there["audio"][1] = False
        arrays: dict[str, Array] = {}
        for name, windows in there.items():
            noise = random.normal(size=(len(windows), WIDTH))
            values = 5 + 2 * (centres[number % 3] + 0.7 * noise)
            arrays[name] = (values * np.array(windows)[:, None]).astype(np.float32)
        entry = Entry(clip.id, str(clip.media), "ok", present=there)
        self.source().cache().write(entry, arrays)
        return entry


def toy_objectives() -> dict[str, Callable[[Sizes], Objective]]:
    """Return the objectives of a joint stage and of two unimodal ones."""
    return {
        "class": partial(CrossEntropy, weight=1.0),
        "corr": partial(SoftHGR, weight=0.1),
        "audio_alone": partial(AuxiliaryCrossEntropy, feature="audio"),
        "face_alone": partial(AuxiliaryCrossEntropy, feature="face"),
    }


def toy_task(seed: int = 0, dropout: float = 0.0, **options: Any) -> ClassificationTask:
    """Return a task on audio and face, assembled, with reproducible weights."""
    torch.manual_seed(seed)
    options = {
        "encoders": {"face": ToyEncoder(dropout=dropout), "audio": ToyEncoder(dropout=dropout)},
        "fusion": partial(ConcatFusion, width=DIM),
        "objectives": toy_objectives(),
        "targets": {"emotion": Classes(CLASSES)},
        "label_encoder": partial(OneHotLabelEncoder, dim=DIM),
        **options,
    }
    task = ClassificationTask(**options)
    # The command line keeps class paths and arguments here; checkpoints hold no objects.
    task.hparams.clear()
    return task


def put_in_force(task: EmotionTask, **changes: Any) -> None:
    """Change what is in force, as a stage does: ``objectives``, ``modalities``, ``unlabelled``."""
    task.enter(replace(task.model.in_force, **changes))


def toy_batch(rows: int = 8, seed: int = 0, **present: Sequence[bool]) -> SegmentBatch:
    """Return random segments; a modality is there in all rows unless it is said otherwise."""
    random = torch.Generator().manual_seed(seed)
    masks = {
        name: torch.tensor(list(present.get(name, [True] * rows))) for name in ("audio", "face")
    }
    clip = torch.arange(rows) // 2
    return SegmentBatch(
        inputs={name: torch.randn(rows, WIDTH, generator=random) for name in masks},
        present=masks,
        targets={"emotion": torch.randint(0, len(CLASSES), (rows,), generator=random)[clip]},
        labelled={"emotion": torch.ones(rows, dtype=torch.bool)},
        clip=clip,
        index=torch.arange(rows) % 2,
    )


def toy_bundle(features: Mapping[str, Tensor], output: Tensor, **present: Tensor) -> FeatureBundle:
    """Return a bundle whose features are all there unless it is said otherwise."""
    rows = torch.ones(len(output), dtype=torch.bool)
    masks = {name: present.get(name, rows) for name in features}
    return FeatureBundle(dict(features), masks, output)


def tensors(batch: SegmentBatch) -> list[torch.Tensor]:
    named = [batch.inputs, batch.present, batch.targets, batch.labelled]
    return [*(value for part in named for value in part.values()), batch.clip, batch.index]
