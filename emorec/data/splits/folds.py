"""Cross-validation by speaker, with separate validation speakers, and by text."""

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from emorec.data.splits.parts import (
    Part,
    Split,
    SplitError,
    TooFewError,
    official,
    random_clip,
    subject_independent,
)
from emorec.data.splits.published import published_folds
from emorec.types import Clip

Folds = int | str
HELD_OUT = 0.4  # share of each class's texts that are held out: 2 of eNTERFACE'05's five


def leave_speakers_out(
    clips: Sequence[Clip], seed: int, fold: int, folds: Folds = 5
) -> dict[str, Part]:
    """Split by speaker into folds: test, validation and training speakers are all disjoint.

    Fold i tests on the i-th set of speakers and chooses its epoch on the next set, so that over
    all folds each speaker is tested once, and no epoch is chosen on test speakers.

    Args:
        clips: The clips; each must have a group.
        seed: Seed of the folds, if ``folds`` is a number or ``speakers``.
        fold: Which fold, from 1.
        folds: Number of folds, at least 3; ``speakers`` (each is a fold of its own); or a list of
            speakers: the name of a published one (:func:`published_folds`) or a YAML file with
            ``test`` and ``validation``, each with a list of speakers per fold.

    Returns:
        Clip id -> part.

    Raises:
        SplitError: A clip has no group, the fold does not exist, or a part would be empty.
    """
    test, validation = _speakers(clips, seed, fold, folds)
    part_of: dict[str, Part] = {**dict.fromkeys(validation, "val"), **dict.fromkeys(test, "test")}
    parts: dict[str, Part] = {clip.id: part_of.get(clip.group, "train") for clip in clips}
    _check_parts(parts, f"fold {fold} of {folds}")
    return parts


def held_out_text(clips: Sequence[Clip], seed: int, fold: int, folds: Folds = 5) -> dict[str, Part]:
    """Test on texts and speakers that training never had: an audit of what the words give away.

    In corpora with fixed sentences a model can read the emotion from the words (each emotion of
    eNTERFACE'05 has its own five sentences). The last 40 % of the texts of each class, rounded up,
    are tested, spoken by the fold's test speakers; training and validation have the other texts,
    spoken by other speakers, as in :func:`leave_speakers_out`. Other clips are left out.

    Args:
        clips: The clips; each must have a group and a text.
        seed: See :func:`leave_speakers_out`.
        fold: See :func:`leave_speakers_out`.
        folds: See :func:`leave_speakers_out`.

    Raises:
        SplitError: A clip has no text, a class has one text only, or a text would be on both
            sides; and what :func:`leave_speakers_out` raises.
    """
    texts: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if not clip.text:
            raise SplitError(
                f"clip {clip.id!r} has no text: split held_out_text needs the text of each "
                "clip (column 'text' of a manifest: a sentence or its number)"
            )
        texts[repr(sorted(clip.labels.items()))].add(clip.text)
    held: set[str] = set()
    for names in texts.values():
        listed = sorted(names)
        held.update(listed[len(listed) - math.ceil(HELD_OUT * len(listed)) :])
    kept = {text for names in texts.values() for text in names} - held
    if any(not names & kept for names in texts.values()):
        raise SplitError(
            "a class has too few texts, or classes share texts unevenly: no text of it is left for "
            "training; held_out_text needs sets whose sentences are fixed"
        )
    by_speaker = leave_speakers_out(clips, seed, fold, folds)
    parts = {
        clip.id: part
        for clip in clips
        if (clip.text in held) == ((part := by_speaker[clip.id]) == "test")
    }
    _check_parts(parts, f"fold {fold} of {folds}")
    return parts


def split_clips(
    clips: Sequence[Clip], split: Split, seed: int, fold: int, folds: Folds
) -> dict[str, Part]:
    """Return clip id -> part, by the name of the split.

    Args:
        clips: The clips.
        split: Which split.
        seed: For all but ``official``.
        fold: For ``leave_speakers_out`` and ``held_out_text``.
        folds: For the same.
    """
    if split == "leave_speakers_out":
        return leave_speakers_out(clips, seed, fold, folds)
    if split == "held_out_text":
        return held_out_text(clips, seed, fold, folds)
    if split == "official":
        return official(clips)
    return (random_clip if split == "random_clip" else subject_independent)(clips, seed)


def fold_count(clips: Sequence[Clip], folds: Folds) -> int:
    """Return the number of folds that ``folds`` stands for."""
    if isinstance(folds, int):
        return folds
    if folds == "speakers":
        return len({clip.group for clip in clips})
    return len(published_folds(folds)["test"])


def _speakers(
    clips: Sequence[Clip], seed: int, fold: int, folds: Folds
) -> tuple[set[str], set[str]]:
    """Return the test and the validation speakers of a fold."""
    bare = next((clip for clip in clips if not clip.group), None)
    if bare is not None:
        raise SplitError(
            f"clip {bare.id!r} has no speaker: a split by speaker needs the group of each clip "
            "(column 'group' of a manifest), or choose split: random_clip"
        )
    count = fold_count(clips, folds)
    if not 1 <= fold <= count:
        raise SplitError(f"fold is {fold}; it must be from 1 to {count} (folds: {folds})")
    if isinstance(folds, str) and folds != "speakers":
        lists = published_folds(folds)
        named = {name for each in (*lists["test"], *lists["validation"]) for name in each}
        unknown = sorted(named - {clip.group for clip in clips})
        # A set may lack speakers of a published list; in a user's own list that is a mistake.
        if unknown and Path(folds).expanduser().is_file():
            raise SplitError(f"{folds} names {unknown[0]!r}, who is no speaker of this set")
        return set(lists["test"][fold - 1]), set(lists["validation"][fold - 1])
    names = sorted({clip.group for clip in clips})
    if not 3 <= count <= len(names):
        raise TooFewError(
            f"{count} folds of {len(names)} speaker(s): test, validation and training each need "
            "their own, so there must be 3 folds or more, and as many speakers"
        )
    random.Random(seed).shuffle(names)
    if folds == "speakers":  # a single speaker is too few to choose epochs on
        more = max(1, round(0.15 * len(names)))
        return {names[fold - 1]}, {names[(fold + i) % count] for i in range(more)}
    return set(names[fold - 1 :: count]), set(names[fold % count :: count])


def _check_parts(parts: dict[str, Part], where: str) -> None:
    empty = {"train", "val", "test"} - set(parts.values())
    if empty:
        raise TooFewError(
            f"{where}: no clip for {' and '.join(sorted(empty))}; its speakers are not in this set"
        )
