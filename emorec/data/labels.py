"""Semi-supervised studies: which training clips keep their label."""

import random
from collections import defaultdict
from collections.abc import Iterable

from emorec.types import Clip


def keep_labels(clips: Iterable[Clip], share: float, seed: int) -> set[str]:
    """Draw the clips that keep their labels; the others take part as unlabelled clips.

    Ma et al. 2020 (table 7) train with 20, 50, 80 and 100 % of the labels. They do not state how
    the clips are drawn; here it is by class, each keeping at least one clip, so that a small
    share leaves no class out. With one seed, a smaller share is a part of a larger one.

    Args:
        clips: The training clips; their order does not matter.
        share: Share of each class's labelled clips, 0 to 1, rounded half to even.
        seed: Another seed, other clips.

    Returns:
        Ids of the clips that keep their labels.
    """
    classes: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        if clip.labels:
            classes[repr(sorted(clip.labels.items()))].append(clip.id)
    kept: set[str] = set()
    for name in sorted(classes):
        ids = sorted(classes[name])
        random.Random(f"{seed} {name}").shuffle(ids)
        kept.update(ids[: max(1, round(share * len(ids)))] if share > 0 else ())
    return kept
