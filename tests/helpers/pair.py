"""The paper's model and random segments, for benchmarks."""

import numpy as np
import torch
from torch import Tensor

from emorec.encoders import ImageEncoder, OneHotLabelEncoder
from emorec.fusion import ConcatFusion
from emorec.objectives import CrossEntropy, SoftHGR
from emorec.tasks import ClassificationTask
from emorec.tasks.standardise import Standardise
from emorec.types import SegmentBatch, Sizes

CLASSES = [f"class{i}" for i in range(6)]


def model(backbone: str) -> ClassificationTask:
    """Return the joint stage's model: two backbones, concatenation, cross-entropy and soft-HGR."""

    def fusion(sizes: Sizes) -> ConcatFusion:
        return ConcatFusion(sizes, layers=1, width=512)

    task = ClassificationTask(
        {name: ImageEncoder(backbone, dim=512) for name in ("audio", "face")},
        fusion,
        {"category": CrossEntropy, "hgr": lambda sizes: SoftHGR(sizes, weight=0.1)},
        {"emotion": CLASSES},
        label_encoder=OneHotLabelEncoder,
    )
    task.configure_model()
    for module in task.standardise.values():
        assert isinstance(module, Standardise)
        module.set(np.zeros((), np.float32), np.ones((), np.float32))
    task.active = {"category": 1.0, "hgr": 0.1}
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
    return task.losses(task.with_label(task(batch), batch), batch)[0]
