"""Statistics of clips for models: mean and deviation of inputs, speakers, class counts."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from emorec.data.segments import SegmentDataset
from emorec.extractors import Extractor
from emorec.extractors.statistics import pooled_statistics
from emorec.types import Array, Clip, Target, Values


def input_statistics(
    train: SegmentDataset, extractors: Mapping[str, Extractor]
) -> dict[str, tuple[Array, Array]]:
    """Return modality -> (mean, deviation): an extractor's constants, or measured ones.

    Args:
        train: The segments that are measured.
        extractors: Modality -> extractor.
    """
    return {
        name: extractor.constants() or pooled_statistics(train.windows(name), extractor.pooled_axes)
        for name, extractor in extractors.items()
    }


def count_classes(clips: Sequence[Clip], targets: Mapping[str, Target]) -> dict[str, Tensor]:
    """Return target -> int64 (classes,): labelled clips of each class.

    Args:
        clips: The clips.
        targets: Name -> target; those with values have no classes and are left out.
    """
    return {
        target: torch.tensor([sum(c.labels.get(target) == i for c in clips) for i in range(n)])
        for target, n in ((t, len(form)) for t, form in targets.items())
        if not isinstance(targets[target], Values)
    }


def balanced_counts(counts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return 1 for each class that has any clip: classes that are dealt equally often count alike.

    Args:
        counts: Target -> int64 (classes,).
    """
    return {name: n.clamp(max=1) for name, n in counts.items()}


def number_speakers(clips: Sequence[Clip]) -> Tensor:
    """Return int64 (clips,): the speaker in each clip, -1 where unknown.

    A speaker (group) is represented by its position among the sorted names.
    """
    names = sorted({clip.group for clip in clips} - {""})
    numbers = {name: number for number, name in enumerate(names)}
    return torch.tensor([numbers.get(clip.group, -1) for clip in clips]).long()
