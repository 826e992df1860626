"""Which clip is for training, validation or testing."""

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

from emorec.errors import UserError
from emorec.system.files import digest
from emorec.types import Clip

Part = Literal["train", "val", "test"]
Split = Literal[
    "random_clip", "subject_independent", "leave_speakers_out", "held_out_text", "official"
]
PARTS: tuple[Part, ...] = ("train", "val", "test")
FOLDED = frozenset({"leave_speakers_out", "held_out_text"})
SHARES_NO_SPEAKER = FOLDED | {"subject_independent"}


class SplitError(UserError):
    """The clips cannot be split as configured; the message says why."""


class TooFewError(SplitError):
    """The split needs more clips, speakers or texts."""


def best_split(clips: Sequence[Clip]) -> Split:
    """Return the strictest split that the clips allow without folds.

    Args:
        clips: The clips.

    Returns:
        ``official`` if each clip has a part of its own and none is empty; else
        ``subject_independent`` if each has a speaker, and there are at least three; else
        ``random_clip``.
    """
    if {clip.split for clip in clips} == set(PARTS):
        return "official"
    groups = {clip.group for clip in clips}
    return "subject_independent" if "" not in groups and len(groups) >= 3 else "random_clip"


def random_clip(clips: Sequence[Clip], seed: int, share: float = 0.15) -> dict[str, Part]:
    """Split by clip, as Ma et al. 2020: validation and test get ceil(share x N) clips each.

    N counts labelled clips; unlabelled ones are for training. All segments of a clip stay together,
    but clips of one speaker fall on both sides, so the result says little about new speakers. The
    paper states 70/15/15; the rounding is inferred from its three accuracies, which only
    ceil(0.15 N) test clips can give.

    Each class is split in the same proportions, by the place of its ids in an order that the seed
    draws for each id independently: adding or removing a clip hardly changes the others' parts.
    (The paper does not say whether it stratified.)

    Args:
        clips: All listed clips, usable or not; their order does not matter.
        seed: Seed of the split.
        share: Share of the clips for validation, and the same for testing.

    Returns:
        Clip id -> part.

    Raises:
        SplitError: Fewer than three clips, or too few for the share.
    """
    classes: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        if clip.labels:
            classes[repr(sorted(clip.labels.items()))].append(clip.id)
    count = sum(map(len, classes.values()))
    size = math.ceil(share * count)
    if count < 3 or count <= 2 * size:
        raise TooFewError(
            f"{count} labelled clip(s) are too few to split into train, val and test; at least "
            "3 are needed"
        )
    parts: dict[str, Part] = dict.fromkeys((clip.id for clip in clips), "train")
    left = {name: sorted(ids, key=lambda i: drawn_place(seed, i)) for name, ids in classes.items()}
    wanted: tuple[Part, ...] = ("test", "val")
    for part in wanted:
        sizes = {name: len(ids) for name, ids in left.items()}
        for name, number in _shares(sizes, size, seed).items():
            parts.update(dict.fromkeys(left[name][:number], part))
            left[name] = left[name][number:]
    return parts


def drawn_place(seed: int | str, clip_id: str) -> bytes:
    """Return a clip's place in the order that a seed draws, independent of other clips."""
    return digest(f"{seed}\0{clip_id}")


def _shares(sizes: Mapping[str, int], total: int, seed: int) -> dict[str, int]:
    """Divide a number over classes by their sizes.

    The rest after rounding down goes to classes drawn by the seed, with their remainders as
    probabilities: over many seeds all clips are tested equally often.
    """
    chance = random.Random(seed)
    names = sorted(sizes)
    chance.shuffle(names)
    found, reached, mark = {}, 0.0, chance.random()
    for name in names:
        exact = total * sizes[name] / sum(sizes.values())
        found[name] = math.floor(exact)
        reached += exact - found[name]
        if reached > mark + 1e-9:
            found[name] += 1
            mark += 1
    short = total - sum(found.values())  # float rounding
    found[max(names, key=lambda name: sizes[name])] += short
    return found


def subject_independent(clips: Sequence[Clip], seed: int, share: float = 0.15) -> dict[str, Part]:
    """Split by speaker: no speaker (``Clip.group``) is in two parts.

    Speakers are drawn in random order into test, then validation, until each holds at least the
    share of the clips; at least one speaker is left for training.

    Args:
        clips: The clips; each must have a group.
        seed: Seed of the split.
        share: Share of the clips for validation, and the same for testing.

    Returns:
        Clip id -> part.

    Raises:
        SplitError: A clip has no group, or the set has fewer than three speakers.
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
        raise TooFewError(
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
    """Use each clip's own part (``Clip.split``).

    Raises:
        SplitError: A clip has none or an unknown one, or a part is empty.
    """
    parts: dict[str, Part] = {}
    wrong = [clip for clip in clips if clip.split not in PARTS]
    if wrong:
        several = f" ({len(wrong)} clips have none of them)" if len(wrong) > 1 else ""
        raise SplitError(
            f"clip {wrong[0].id!r} has split {wrong[0].split!r}; expected one of "
            f"{', '.join(PARTS)}{several}. "
            "Fill the column 'split', or choose split: random_clip or subject_independent"
        )
    for clip in clips:
        parts[clip.id] = next(part for part in PARTS if part == clip.split)
    empty = [part for part in PARTS if part not in parts.values()]
    if empty:
        raise TooFewError(
            f"no clip is marked {' or '.join(empty)} in the official split; each part needs one"
        )
    return parts
