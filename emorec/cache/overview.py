"""``report.html``: the result of preprocessing a set, as one self-contained page."""

import base64
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import cv2
import jinja2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emorec.cache.entry import Entry
from emorec.cache.report import summary
from emorec.cache.store import SegmentCache
from emorec.figures.plots import png_of
from emorec.media.image import as_picture
from emorec.system.files import write_text
from emorec.system.findings import Finding, all_in_words, in_words, without_numbers
from emorec.types import Array, Clip

Why = TypeVar("Why", bound=Hashable)  # the reason by which clips are counted
SHOWN, CELLS, SIDE = 8, 10, 88  # clips per contact sheet, windows per clip, pixels per window


def write_overview(
    path: Path,
    entries: Sequence[Entry],
    clips: Sequence[Clip],
    classes: Sequence[str],
    cache: SegmentCache,
    target: str,
) -> None:
    """Write the page: counts, distributions, warnings by reason, balance, contact sheets.

    Args:
        path: The file.
        entries: Records of the clips.
        clips: The clips, for their labels and speakers.
        classes: Names of the classes of the target.
        cache: Holds the arrays that the contact sheets show.
        target: Target whose labels are counted.
    """
    good = [entry for entry in entries if entry.status == "ok"]
    skipped = [(entry.id, _why(entry)) for entry in entries if entry.status != "ok"]
    warned = [(entry.id, without_numbers(found)) for entry in good for found in entry.findings]
    labels = Counter(
        classes[label]
        if isinstance(label := clip.labels.get(target), int)
        else ("no label" if label is None else "trace")
        for clip in clips
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = resources.files("emorec.cache").joinpath("overview.html").read_text("utf-8")
    page = environment.from_string(template).render(
        title=f"Preprocessing of {cache.folder.name.rpartition('-')[0]}",
        line=summary(entries),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        modalities=list(_modalities(good)),
        histograms=_png(_histograms(good)),
        notes=[("Skipped clips", _by(skipped, _in_words)), ("Warnings", _by(warned, in_words))],
        balance=_png(_balance(labels, Counter(clip.group or "unknown" for clip in clips))),
        strips=_strips(good, cache),
    )
    write_text(path, page)


def _modalities(entries: Sequence[Entry]) -> Iterable[dict[str, Any]]:
    for name in sorted({name for entry in entries for name in entry.present}):
        present = [entry.present.get(name, []) for entry in entries]
        windows, every = sum(map(sum, present)), sum(map(len, present))
        without = sum(not any(one) for one in present)
        percent = 100 * windows / max(every, 1)
        yield {"name": name, "windows": windows, "percent": percent, "without": without}


def _why(entry: Entry) -> tuple[str, tuple[Finding, ...]]:
    """Return what clips skipped for the same reason have in common."""
    findings = entry.findings if entry.nothing_usable else ()
    return entry.brief, tuple(map(without_numbers, findings))


def _in_words(why: tuple[str, tuple[Finding, ...]]) -> str:
    brief, findings = why
    return f"{brief} ({all_in_words(findings)})" if findings else brief


def _by(found: Iterable[tuple[str, Why]], words: Callable[[Why], str]) -> list[dict[str, Any]]:
    """Return one row per reason, the most frequent first."""
    groups: dict[Why, list[str]] = defaultdict(list)
    for clip, why in dict.fromkeys(found):
        groups[why].append(clip)
    rows = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [
        {"count": len(ids), "text": words(why), "examples": ", ".join(ids[:3])} for why, ids in rows
    ]


def _histograms(entries: Sequence[Entry]) -> Figure:
    def fact(name: str) -> list[float]:
        return [float(e.facts[name]) for e in entries if name in e.facts]

    share = [
        100 * float(e.facts["windows_with_face"]) / max(len(e.windows), 1)
        for e in entries
        if "windows_with_face" in e.facts
    ]
    level = [20 * np.log10(max(rms, 1e-6)) for rms in fact("sound_rms")]
    panels: dict[str, list[Any]] = {
        "duration in seconds": [entry.duration for entry in entries],
        "side of the face in pixels of its frame": [x for x in fact("face_side") if x > 0],
        "windows with a face in %": share,
        "loudness in dB of full scale (RMS)": level,
    }
    figure = Figure(figsize=(12, 2.6), layout="constrained")
    for ax, (title, values) in zip(figure.subplots(1, len(panels)), panels.items(), strict=True):
        if values:
            ax.hist(values, bins=min(30, max(5, len(set(values)))), color="tab:blue")
        else:
            ax.text(0.5, 0.5, "none", ha="center", transform=ax.transAxes)
        ax.set_title(title, fontsize=9)
        ax.set_ylabel("clips" if ax.get_subplotspec().is_first_col() else "")
    return figure


def _balance(labels: Mapping[str, int], groups: Mapping[str, int]) -> Figure:
    figure = Figure(figsize=(12, 3), layout="constrained")
    left, right = figure.subplots(1, 2)

    def bars(ax: Axes, counts: Mapping[str, int], title: str) -> None:
        names = sorted(counts)
        ax.bar(range(len(names)), [counts[name] for name in names], color="tab:blue")
        few = len(names) <= 40
        ax.set_xticks(range(len(names)) if few else [], names if few else [], rotation=60)
        ax.set_title(f"{title} ({len(names)})", fontsize=9)
        ax.tick_params(labelsize=8)

    bars(left, labels, "clips per class")
    bars(right, groups, "clips per speaker")
    return figure


def _strips(entries: Sequence[Entry], cache: SegmentCache) -> list[tuple[str, list[Any]]]:
    """Return the contact sheets: the clips that lack the most, and some random ones."""

    def lacking(entry: Entry) -> tuple[int, int]:
        absent = sum(one.count(False) for one in entry.present.values())
        return absent, len(entry.findings)

    worst = [e for e in sorted(entries, key=lacking, reverse=True) if any(lacking(e))][:SHOWN]
    some = random.Random(0).sample(list(entries), min(SHOWN, len(entries)))
    sheets = {"Clips that lack the most": worst, "Random clips": some}
    return [
        (title, [_strip(entry, cache) for entry in chosen])
        for title, chosen in sheets.items()
        if chosen
    ]


def _strip(entry: Entry, cache: SegmentCache) -> dict[str, str]:
    windows = np.linspace(0, len(entry.windows) - 1, min(CELLS, len(entry.windows))).astype(int)
    rows = []
    for name, present in sorted(entry.present.items()):
        draw = _drawing(cache.array(entry.id, name))
        if draw is not None:
            grey = np.full((SIDE, SIDE, 3), 225, np.uint8)
            rows.append(np.hstack([draw(i) if present[i] else grey for i in windows]))
    picture = ""
    if rows:
        data = cv2.imencode(".jpg", np.vstack(rows)[..., ::-1])[1].tobytes()
        picture = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    text = f"{entry.duration:.1f} s; {all_in_words(entry.findings) or 'no warnings'}"
    return {"id": entry.id, "text": text, "picture": picture}


def _drawing(array: Array) -> Callable[[int], Array] | None:
    """Return a function that draws one window's array, if it is a picture or a spectrogram."""

    def scaled(image: NDArray[np.uint8]) -> Array:
        return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA))

    if as_picture(array[0]) is not None:
        return lambda i: scaled(np.ascontiguousarray(as_picture(array[i]), np.uint8))
    if array.ndim == 4 and array.shape[1] == 1:
        low, high = np.percentile(array[:].astype(np.float32), (2, 99.5))
        colours = mpl.colormaps["magma"]

        def draw(i: int) -> Array:
            level = (array[i, 0, ::-1].astype(np.float32) - low) / max(float(high - low), 1e-6)
            return scaled((colours(level)[..., :3] * 255).astype(np.uint8))

        return draw
    return None


def _png(figure: Figure) -> str:
    return f"data:image/png;base64,{base64.b64encode(png_of(figure, dpi=100)).decode()}"
