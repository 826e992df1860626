"""A timeline as an HTML fragment: curves and strips as SVG, values for the playhead as JSON."""

import html
import json
from collections.abc import Sequence

from emorec.figures.plots import COLOURS
from emorec.predict import Timeline, TimelineRow

WIDTH, HEIGHT, STRIP = 1000, 180, 18  # units of the drawings


def timeline_html(timeline: Timeline) -> str:
    """Return the timelines of all people; ``player.js`` moves the playhead and the bars."""
    blocks = [_person(timeline, person) for person in timeline.persons]
    notes = "".join(f"<li>{html.escape(text)}</li>" for text in timeline.warnings)
    warnings = f'<ul class="emorec-notes">{notes}</ul>' if notes else ""
    shared = (
        "<p class='emorec-quiet'>The sound is shared: the model does not know who is speaking.</p>"
        if len(timeline.persons) > 1
        else ""
    )
    return f"{warnings}{shared}{''.join(blocks)}"


def _person(timeline: Timeline, person: int | None) -> str:
    rows = timeline.of(person)
    names = [name for name in timeline.modalities if any(name in row.alone for row in rows)]
    kinds = ["together", *(names if len(names) > 1 else [])]
    title = "sound only" if person is None else f"person {person}"
    data = {
        "duration": timeline.duration,
        "classes": timeline.classes,
        "kinds": kinds,
        "rows": [
            {
                "start": row.window.start,
                "end": row.window.end,
                "together": [round(value, 4) for value in row.scores],
                **{name: [round(v, 4) for v in row.alone[name]] for name in row.alone},
            }
            for row in rows
        ],
    }
    titles = [_title(kind) for kind in kinds] if len(kinds) > 1 else ["probabilities"]
    bars = "".join(
        _bars(kind, text, timeline.classes) for kind, text in zip(kinds, titles, strict=True)
    )
    return (
        f'<section class="emorec-person" data-timeline="{html.escape(json.dumps(data))}">'
        f"<h4>{title}</h4>{_legend(timeline.classes)}"
        f'<div class="emorec-plot">{_curves(timeline, rows)}{_strips(timeline, rows, kinds)}</div>'
        f'<div class="emorec-now">{bars}<p class="emorec-agree" aria-live="polite"></p></div>'
        "</section>"
    )


def _legend(classes: Sequence[str]) -> str:
    items = (
        f'<span><i style="background:{_colour(i)}"></i>{html.escape(name)}</span>'
        for i, name in enumerate(classes)
    )
    return f'<p class="emorec-legend">{"".join(items)}</p>'


def _curves(timeline: Timeline, rows: Sequence[TimelineRow]) -> str:
    lines = []
    for i in range(len(timeline.classes)):
        points = " ".join(
            f"{_x(row.window.middle, timeline):.1f},{HEIGHT * (1 - row.scores[i]):.1f}"
            for row in rows
        )
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{_colour(i)}" stroke-width="2" '
            'vector-effect="non-scaling-stroke"/>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" class="emorec-curves" '
        f'role="img" aria-label="probability of each class over time">{"".join(lines)}'
        f'<line class="emorec-head" x1="0" x2="0" y1="0" y2="{HEIGHT}"/></svg>'
    )


def _strips(timeline: Timeline, rows: Sequence[TimelineRow], kinds: Sequence[str]) -> str:
    names = [*kinds, "agree"] if len(kinds) > 2 else list(kinds)
    drawn = []
    for number, kind in enumerate(names):
        boxes = []
        for row in rows:
            colour = _strip_colour(row, kind, kinds)
            if colour:
                left, right = (_x(t, timeline) for t in _cell(row, rows))
                boxes.append(
                    f'<rect x="{left:.1f}" width="{right - left:.1f}" y="{number * STRIP}" '
                    f'height="{STRIP - 3}" fill="{colour}"/>'
                )
        drawn.append("".join(boxes))
    labels = "".join(f"<span>{html.escape(name)}</span>" for name in names)
    return (
        f'<div class="emorec-strips"><div>{labels}</div>'
        f'<svg viewBox="0 0 {WIDTH} {len(names) * STRIP}" preserveAspectRatio="none" '
        f'style="height: {len(names) * STRIP}px" role="img" '
        f'aria-label="most likely class of each modality">{"".join(drawn)}'
        f'<line class="emorec-head" x1="0" x2="0" y1="0" y2="{len(names) * STRIP}"/></svg></div>'
    )


def _cell(row: TimelineRow, rows: Sequence[TimelineRow]) -> tuple[float, float]:
    """Return the time span of a window in the plot: half a hop on each side of its middle."""
    step = rows[1].window.start - rows[0].window.start if len(rows) > 1 else 0.5
    return row.window.middle - step / 2, row.window.middle + step / 2


def _strip_colour(row: TimelineRow, kind: str, kinds: Sequence[str]) -> str | None:
    if kind == "agree":
        classes = [_best(row.alone[name]) for name in kinds[1:] if name in row.alone]
        return "#444" if len(classes) == len(kinds) - 1 and len(set(classes)) == 1 else None
    scores = row.scores if kind == "together" else row.alone.get(kind)
    return None if scores is None else _colour(_best(scores))


def _title(kind: str) -> str:
    return kind if kind == "together" else f"{kind} alone"


def _bars(kind: str, title: str, classes: Sequence[str]) -> str:
    lines = "".join(
        f'<div class="emorec-bar"><span>{html.escape(name)}</span><b><i style="background:'
        f'{_colour(i)}"></i></b><em></em></div>'
        for i, name in enumerate(classes)
    )
    return (
        f'<div class="emorec-bars" data-kind="{html.escape(kind)}">'
        f"<h5>{html.escape(title)}</h5>{lines}</div>"
    )


def _x(time: float, timeline: Timeline) -> float:
    return WIDTH * time / timeline.duration


def _best(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=scores.__getitem__)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
