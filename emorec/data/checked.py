"""The list of clips and their traces, checked before any media file is read."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from lightning.pytorch.utilities import rank_zero_warn

from emorec.errors import DataError
from emorec.types import Array, Clip


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


def check_traces(
    clips: Sequence[Clip], targets: Iterable[str], read: Callable[[Clip, str], Array]
) -> None:
    """Read the annotations over time, before hours of work on their media; warn of bad ones.

    Args:
        clips: All clips.
        targets: Those with values; a clip that has one has it in its labels.
        read: Returns the values of a clip's target.

    Raises:
        DataError: None can be used.
    """
    every = list(read_traces(clips, targets, read))
    bad = [f"{clip.id}: {found}" for clip, found in every if isinstance(found, DataError)]
    if bad and len(bad) == len(every):
        raise DataError(f"none of {len(bad)} recordings has a trace that can be used: {bad[0]}")
    if bad:
        rank_zero_warn(
            f"{len(bad)} of {len(every)} recordings have traces that cannot be used and will "
            f"be left out, for instance {bad[0]}"
        )


def read_traces(
    clips: Iterable[Clip], targets: Iterable[str], read: Callable[[Clip, str], Array]
) -> Iterator[tuple[Clip, Array | DataError]]:
    """Yield each annotation over time, float32 (steps, dimensions), or what is wrong with it.

    Arguments: see :func:`check_traces`.
    """
    for clip, target in ((c, t) for c in clips for t in targets if t in c.labels):
        try:
            yield clip, read(clip, target)
        except DataError as error:
            yield clip, error


def check_length(trace: float, recording: float) -> None:
    """Check that the times of a trace may be seconds: in other units it is far too long.

    Args:
        trace: How long the trace is, in steps times seconds a step.
        recording: Seconds of the recording, and of the annotators' delay.

    Raises:
        DataError: The trace is more than twice as long, and a minute.
    """
    if trace > 2 * recording + 60:
        raise DataError(
            f"its trace lasts {trace:.0f} s, the recording {recording:.0f} s; expected times in "
            "seconds from the start of the recording, no milliseconds or frame numbers"
        )
