"""The paper's model and random segments, for benchmarks."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emorec.cache import Entry, SegmentCache
from emorec.data import SegmentDataset
from emorec.encoders import ImageEncoder, OneHotLabelEncoder
from emorec.fusion import ConcatFusion
from emorec.model.standardise import Standardise
from emorec.objectives import CrossEntropy, SoftHGR
from emorec.tasks import ClassificationTask
from emorec.types import Classes, Clip, SegmentBatch, Sizes
from tests.helpers.toy import put_in_force

WINDOWS = 30  # a clip
TARGETS = {"emotion": Classes([f"class{i}" for i in range(6)])}


def model(backbone: str) -> ClassificationTask:
    """Return the joint stage's model: two backbones, concatenation, cross-entropy and soft-HGR."""

    def fusion(sizes: Sizes) -> ConcatFusion:
        return ConcatFusion(sizes, layers=1, width=512)

    task = ClassificationTask(
        {name: ImageEncoder(backbone, dim=512) for name in ("audio", "face")},
        fusion,
        {"category": CrossEntropy, "hgr": lambda sizes: SoftHGR(sizes, weight=0.1)},
        TARGETS,
        label_encoder=OneHotLabelEncoder,
    )
    for module in task.model.standardise.values():
        assert isinstance(module, Standardise)
        module.set(np.zeros((), np.float32), np.ones((), np.float32))
    put_in_force(task, objectives={"category": 1.0, "hgr": 0.1})
    return task


def segments(count: int, face: int) -> SegmentBatch:
    """Return random segments: 94 x 94 log-mels and square faces."""
    here = torch.ones(count, dtype=torch.bool)
    inputs = {"audio": torch.randn(count, 3, 94, 94), "face": torch.randn(count, 3, face, face)}
    number = torch.arange(count)
    targets, labelled = {"emotion": number % 6}, {"emotion": here}
    present = dict.fromkeys(inputs, here)
    return SegmentBatch(inputs, present, targets, labelled, clip=number, index=number)


def loss_of(task: ClassificationTask, batch: SegmentBatch) -> Tensor:
    """Return the loss of a batch, without logging."""
    return task.losses(task.model.with_label(task(batch), batch), batch)[0]


def cached_segments(folder: Path, clips: int, face: int) -> SegmentDataset:
    """Return a data set of random segments in a cache: 94 x 94 log-mels and square faces."""
    random, cache = np.random.default_rng(0), SegmentCache(folder)
    shapes = {"audio": ((1, 94, 94), np.float16), "face": ((3, face, face), np.uint8)}
    present = {name: [True] * WINDOWS for name in shapes}
    made, entries = [], {}
    for number in range(clips):
        clip = Clip(f"clip{number}", Path(f"{number}.mp4"), {"emotion": number % 6})
        arrays: dict[str, Any] = {
            name: random.integers(0, 255, (WINDOWS, *shape)).astype(dtype)
            for name, (shape, dtype) in shapes.items()
        }
        entries[clip.id] = Entry(clip.id, str(clip.media), "ok", present=present)
        cache.write(entries[clip.id], arrays)
        made.append(clip)
    return SegmentDataset(cache, made, entries, range(clips), list(shapes), TARGETS)
