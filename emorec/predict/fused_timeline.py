"""The timelines of several models of one recording as one."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from emorec.predict.timeline import Timeline, TimelineRow

SAME = 0.3  # least overlap of two boxes of one face

Fuse = Callable[[Mapping[str, Sequence[float]]], list[float]]
Person = int | None


def fuse_timelines(found: Mapping[str, Timeline], fuse: Fuse, hop: float) -> Timeline:
    """Return one timeline from those of several models.

    People are those of the model with the shortest windows that sees any; a person of another model
    is the one whose boxes lie over theirs. Windows in which it sees nobody are taken from models
    that hear. A row's ``alone`` has each model's scores in its window with the nearest middle.

    Args:
        found: Model -> its timeline; the scores are calibrated.
        fuse: Returns the fused scores from those of some models.
        hop: Seconds between windows.
    """
    base = min(found.values(), key=lambda each: (each.persons == [None], _length(each)))
    others = {name: _Index(each, base) for name, each in found.items()}
    rows = [*base.rows, *_missing(base, list(found.values()), hop)]
    rows.sort(key=lambda row: (row.window.middle, row.person or 0))
    fused = []
    for row in rows:
        near = {name: index.near(row, hop) for name, index in others.items()}
        alone = {name: each.scores for name, each in near.items() if each is not None}
        fused.append(row._replace(scores=fuse(alone), alone=alone))
    return replace(base, rows=fused)


def _missing(base: Timeline, found: Sequence[Timeline], hop: float) -> list[TimelineRow]:
    """Return rows without a person at times at which the base has none at all."""
    times = sorted(row.window.middle for row in base.rows)
    heard = [each for each in found if None in each.persons]
    best = min(heard, key=_length, default=None)
    if best is None or best is base:
        return []
    reach = hop / 2 + 1e-6
    return [row for row in best.of(None) if not _is_near(times, row.window.middle, reach)]


def _is_near(times: Sequence[float], time: float, reach: float) -> bool:
    at = bisect_left(times, time)
    return any(abs(times[i] - time) <= reach for i in (at - 1, at) if 0 <= i < len(times))


class _Index:
    """A model's rows by person of another timeline, and time.

    Args:
        timeline: The model's.
        base: The other one.
    """

    def __init__(self, timeline: Timeline, base: Timeline) -> None:
        own = {person: timeline.of(person) for person in timeline.persons}
        self.own = {person: sorted(rows, key=_middle) for person, rows in own.items()}
        self.times = {p: [_middle(row) for row in rows] for p, rows in self.own.items()}
        self.of = {p: p for p in self.own} if timeline is base else self._matched(base)

    def _matched(self, base: Timeline) -> dict[Person, Person]:
        """Return person of the base -> the same one here, those with most common boxes first.

        Two who are never shown at one time with a box are taken for the same if their numbers are.
        """
        counts: dict[tuple[int, int], int] = {}
        for row in base.rows:
            for person in self.own if row.person is not None and row.box is not None else ():
                near = self._nearest(person, row.window.middle)
                if person is not None and near is not None and near.box is not None:
                    assert row.box is not None
                    assert row.person is not None
                    same = near.box.overlap(row.box) >= SAME
                    counts[row.person, person] = counts.get((row.person, person), 0) + same
        found: dict[Person, Person] = {}
        for (theirs, own), count in sorted(counts.items(), key=lambda each: -each[1]):
            if count and theirs not in found and own not in found.values():
                found[theirs] = own
        for person in base.persons:
            free = person not in found and person in self.own and person not in found.values()
            if person is not None and free and (person, person) not in counts:
                found[person] = person
        return found

    def near(self, row: TimelineRow, hop: float) -> TimelineRow | None:
        """Return this model's row for a row of the base; what it hears if it sees nobody."""
        person = self.of.get(row.person) if row.person is not None else None
        best = self._nearest(person, row.window.middle)
        if best is None:
            return None
        reach = max(hop, best.window.end - best.window.start) + 1e-6
        return best if abs(_middle(best) - row.window.middle) <= reach else None

    def _nearest(self, person: Person, time: float) -> TimelineRow | None:
        times = self.times.get(person)
        if not times:
            return None
        at = bisect_left(times, time)
        near = [i for i in (at - 1, at) if 0 <= i < len(times)]
        return self.own[person][min(near, key=lambda i: abs(times[i] - time))]


def _middle(row: TimelineRow) -> float:
    return row.window.middle


def _length(timeline: Timeline) -> float:
    window = timeline.rows[0].window
    return window.end - window.start
