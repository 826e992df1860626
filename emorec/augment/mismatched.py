"""Mismatched pairs: the null against which a gain from unlabelled pairs is measured."""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import override

from emorec.augment.base import Augmentation
from emorec.errors import UserError
from emorec.types import SegmentBatch


class Mismatched(Augmentation):
    """Exchanges a modality between unlabelled rows of a batch: a control, not an improvement.

    What a loss on pairs of modalities gains with true pairs and not with these comes from what the
    pairs share. ``within: speaker`` exchanges between rows of one speaker: such pairs share the
    speaker, the room and the camera, but not what changes from clip to clip; a gain that they bring
    too is identity. Labelled rows stay as they are. In batches of several windows a clip, a few
    rows may meet another window of their own clip. A row without any partner loses the modality.

    Args:
        modality: What is exchanged.
        within: ``batch``: any two rows; ``speaker``: two of the same speaker, which needs groups.
        target: Rows without this target are exchanged.
    """

    def __init__(
        self,
        modality: str = "face",
        within: Literal["batch", "speaker"] = "batch",
        target: str = "emotion",
    ) -> None:
        super().__init__()
        self.modality, self.within, self.target = modality, within, target

    @override
    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        """Return the batch with other pairs.

        Raises:
            UserError: It lacks the modality or the target, or a row's speaker is unknown.
        """
        if self.modality not in batch.inputs or self.target not in batch.labelled:
            raise UserError(
                f"Mismatched exchanges {self.modality!r} between rows without {self.target!r}; the "
                f"data has {', '.join([*sorted(batch.inputs), *sorted(batch.labelled)])}"
            )
        rows = (batch.present[self.modality] & ~batch.labelled[self.target]).nonzero().squeeze(1)
        group = torch.zeros_like(rows)
        if self.within == "speaker":
            group = self.speakers.to(rows.device)[batch.clip[rows]]
            if (group < 0).any():
                raise UserError(
                    "Mismatched within: speaker needs the speaker of each clip: fill the column "
                    "group of the manifest, or use within: batch"
                )
        source = torch.arange(len(batch), device=rows.device)
        source[rows] = rows[_partners(group)]
        alone = source[rows] == rows
        x = batch.inputs[self.modality][source]
        present = batch.present[self.modality].clone()
        present[rows[alone]] = False
        x[rows[alone]] = 0
        return replace(
            batch,
            inputs={**batch.inputs, self.modality: x},
            present={**batch.present, self.modality: present},
        )


def _partners(group: Tensor) -> Tensor:
    """Return another member's position for each, in a random ring; its own where it is alone.

    Args:
        group: int64 (n,), the group of each.
    """
    count = len(group)
    order = torch.randperm(count, device=group.device)
    order = order[group[order].argsort(stable=True)]
    sorted_groups = group[order]
    place = torch.arange(count, device=group.device)
    first = torch.searchsorted(sorted_groups, sorted_groups)
    follows = torch.roll(sorted_groups, -1) == sorted_groups
    follows[count - 1 :] = False
    partners = torch.empty_like(order)
    partners[order] = order[torch.where(follows, place + 1, first)]
    return partners
