"""Which clip is for training, validation or testing."""

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from emorec.errors import UserError
from emorec.types import Clip

Part = Literal["train", "val", "test"]
Split = Literal[
    "random_clip", "subject_independent", "leave_speakers_out", "held_out_text", "official"
]
PARTS: tuple[Part, ...] = ("train", "val", "test")
FOLDED = frozenset({"leave_speakers_out", "held_out_text"})
SHARES_NO_SPEAKER = FOLDED | {"subject_independent"}


class SplitError(UserError):
    """The clips cannot be split as asked; the message says why."""


def random_clip(clips: Sequence[Clip], seed: int, share: float = 0.15) -> dict[str, Part]:
    """Split by clip, as Ma et al. 2020: validation and test get ceil(share x N) clips each.

    N counts labelled clips; an unlabelled one is for training. All segments of a clip stay
    together, but clips of one speaker fall on both sides, so the
    result says little about new speakers. The paper states 70/15/15; the rounding is inferred
    from its three accuracies, which only ceil(0.15 N) test clips can give.

    Args:
        clips: The clips; their order does not matter.
        seed: Another seed, another split.
        share: Share of the clips for validation, and the same for testing.

    Returns:
        Clip id -> part.

    Raises:
        SplitError: There are fewer than three clips, or too few for the share.
    """
    ids = sorted(clip.id for clip in clips if clip.labels)
    size = math.ceil(share * len(ids))
    if len(ids) < 3 or len(ids) <= 2 * size:
        raise SplitError(
            f"{len(ids)} labelled clip(s) are too few to split into train, val and test; at least "
            "3 are needed"
        )
    random.Random(seed).shuffle(ids)
    parts: dict[str, Part] = dict.fromkeys((clip.id for clip in clips), "train")
    parts.update(dict.fromkeys(ids[:size], "test"))
    parts.update(dict.fromkeys(ids[size : 2 * size], "val"))
    return parts


def subject_independent(clips: Sequence[Clip], seed: int, share: float = 0.15) -> dict[str, Part]:
    """Split by speaker: no speaker (``Clip.group``) is in two parts.

    Speakers are drawn in random order into test, then validation, until each holds at least the
    share of the clips; at least one speaker is left for training.

    Args:
        clips: The clips; each must have a group.
        seed: Another seed, another split.
        share: Share of the clips for validation, and the same for testing.

    Returns:
        Clip id -> part.

    Raises:
        SplitError: A clip has no group, or there are fewer than three speakers.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        if not clip.group:
            raise SplitError(
                f"clip {clip.id!r} has no speaker: a subject-independent split needs the group of "
                "each clip (column 'group' of a manifest), or choose split: random_clip"
            )
        groups[clip.group].append(clip.id)
    if len(groups) < 3:
        raise SplitError(
            f"{len(groups)} speaker(s) are too few for train, val and test without a shared "
            "speaker; at least 3 are needed, or choose split: random_clip"
        )
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    parts: dict[str, Part] = {}
    wanted = math.ceil(share * len(clips))
    counts = {"test": 0, "val": 0}
    for position, name in enumerate(names):
        left = len(names) - position
        part: Part = "train"
        if counts["test"] < wanted and (counts["test"] == 0 or left > 2):
            part = "test"
        elif counts["val"] < wanted and (counts["val"] == 0 or left > 1):
            part = "val"
        counts[part] = counts.get(part, 0) + len(groups[name])
        parts.update(dict.fromkeys(groups[name], part))
    return parts


def official(clips: Sequence[Clip]) -> dict[str, Part]:
    """Take the split that each clip brings (``Clip.split``).

    Raises:
        SplitError: A clip brings none or an unknown one, or a part is empty.
    """
    parts: dict[str, Part] = {}
    for clip in clips:
        known = [part for part in PARTS if part == clip.split]
        if not known:
            raise SplitError(
                f"clip {clip.id!r} has split {clip.split!r}; expected one of {', '.join(PARTS)}. "
                "Fill the column 'split', or choose split: random_clip or subject_independent"
            )
        parts[clip.id] = known[0]
    empty = [part for part in PARTS if part not in parts.values()]
    if empty:
        raise SplitError(
            f"no clip is marked {' or '.join(empty)} in the official split; each part needs one"
        )
    return parts
