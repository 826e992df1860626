"""The people present in each window, and the predictions for them."""

from collections.abc import Iterator, Mapping, Sequence

from emorec.extractors import Extraction
from emorec.predict.scoring import WHOLE, WindowRunner
from emorec.predict.timeline import TimelineRow
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window


def timeline_rows(
    run: WindowRunner, windows: Sequence[Window], found: Mapping[str, Extraction]
) -> Iterator[TimelineRow]:
    """Yield one row per person and window, and one for the sound where no face is visible.

    Args:
        run: Runs the model.
        windows: Consecutive windows of a recording.
        found: Modality -> what was extracted from them.
    """
    people = sorted({person for one in found.values() for person in one.persons})
    rows: list[tuple[int, int | None, dict[str, Array | None]]] = []
    for i in range(len(windows)):
        shared = {name: one.arrays[i] for name, one in found.items() if one.arrays}
        seen: list[tuple[int, int | None, dict[str, Array | None]]] = []
        for person in people:
            own = {n: one.persons[person][i] for n, one in found.items() if person in one.persons}
            if any(array is not None for array in own.values()):
                seen.append((i, person, {**shared, **own}))
        if not seen and any(array is not None for array in shared.values()):
            seen.append((i, None, shared))
        rows += seen
    scores = run([arrays for _, _, arrays in rows]) if rows else []
    for (i, who, _), each in zip(rows, scores, strict=True):
        shares = {name: values.tolist() for name, values in each.items()}
        boxes = [one.boxes[who][i] for one in found.values() if who in one.boxes]
        alone = {name: values for name, values in shares.items() if name != WHOLE}
        box = boxes[0] if boxes else None
        yield TimelineRow(windows[i], who, box, shares[WHOLE], alone)


def absent(rows: Sequence[TimelineRow], count: int, shown: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding for each modality that is absent in some of ``count`` windows.

    Args:
        rows: The rows of the timeline.
        count: Number of windows in the recording.
        shown: Modalities of the model; a single one is reported only if there is no row at all.
    """
    for name in shown if len(shown) > 1 or not rows else ():
        present = len({row.window for row in rows if name in row.alone})
        if present < count:
            yield Finding(FindingKind.ABSENT, name, count - present, count)
