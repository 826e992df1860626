"""The list of clips, checked before anything is read."""

from collections import Counter
from collections.abc import Sequence

from emorec.data.errors import DataError
from emorec.types import Clip


def check_clips(
    clips: Sequence[Clip], more: Sequence[Clip], exclude: Sequence[str], where: str
) -> list[Clip]:
    """Return the clips that are to be used, after checking that no id repeats.

    Args:
        clips: Of the set.
        more: Of an unlabelled corpus beside it.
        exclude: Ids that are left out.
        where: The set's root and what was expected there, for messages.

    Raises:
        DataError: There are none, an id repeats, or one is to be excluded that is not there.
    """
    every = [*clips, *more]
    unknown = sorted(set(exclude) - {clip.id for clip in every})
    if unknown:
        raise DataError(f"exclude names {unknown[0]!r}, which is no clip of {where.split(';')[0]}")
    left = [clip for clip in every if clip.id not in exclude]
    if len(left) == len([clip for clip in more if clip.id not in exclude]):
        raise DataError(f"no clip found in {where}")
    repeated = [i for i, count in Counter(c.id for c in left).items() if count > 1]
    if repeated:
        raise DataError(
            f"{len(repeated)} clip id(s) repeat, for instance {repeated[0]!r}; each clip needs "
            "its own (in a manifest: its own path, or a column 'id')"
        )
    return left
