"""``emorec inspect``: one clip's cached windows as a picture."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emorec.cache import Entry, SegmentCache
from emorec.commands.options import CommandParser
from emorec.errors import UserError
from emorec.figures.plots import drawable, save_figure, windows_figure
from emorec.media import MediaError, probe
from emorec.media.audio import read_windows
from emorec.system.files import check_writable
from emorec.system.findings import in_words
from emorec.types import Array, Window

RATE = 4000  # Hz, of the sound that is drawn


class InspectError(UserError):
    """The clip is not in the cache, or has nothing to draw."""


def main(argv: Sequence[str]) -> None:
    """Write the picture, and what was found in words."""
    options = build_parser().parse_args(argv[1:])
    cache = SegmentCache(options.cache)
    entry = cache.read(options.clip)
    if entry is None:
        raise InspectError(_unknown(cache, options.clip))
    facts = ", ".join(f"{name} {value}" for name, value in entry.facts.items())
    sys.stdout.write(f"{entry.id}: {entry.status}, {entry.duration:.2f} s, {facts or 'no facts'}\n")
    for finding in entry.findings:
        sys.stdout.write(f"warning: {in_words(finding)}\n")
    if entry.status != "ok":
        raise InspectError(f"{entry.id} was skipped: {entry.reason}")
    arrays = {
        name: [
            array if found else None
            for array, found in zip(cache.array(entry.id, name), present, strict=True)
        ]
        for name, present in entry.present.items()
        if len(cache.array(entry.id, name).shape) >= 3
    }
    if not arrays:
        raise InspectError(
            f"{entry.id} has only vectors ({', '.join(entry.present)}): nothing to draw"
        )
    out: Path = options.out or Path(f"{cache.entry_folder(entry.id).name}.png")
    spans = [(start, end) for start, end in entry.windows]
    figure = windows_figure(spans, arrays, drawable(entry.id), _sound(options.root, entry))
    check_writable(out.parent, "--out")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_figure(figure, out)
    sys.stdout.write(f"{out}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec inspect",
        description="Draw what was cut from a clip: where its windows lie, the face crop and the "
        "log-mel of each.",
        epilog="example: emorec inspect CACHE anna_01.mp4 --root videos",
    )
    parser.add_argument(
        "cache",
        type=Path,
        help="folder of a cache: the one with report.csv, which preprocess names",
    )
    parser.add_argument("clip", help="id of the clip, as report.csv has it")
    parser.add_argument("--out", type=Path, help="PNG file; named by the clip where left out")
    parser.add_argument(
        "--root", type=Path, help="root of the data set: also draws the sound of the media file"
    )
    return parser


def _sound(root: Path | None, entry: Entry) -> tuple[Array, float] | None:
    """Return the clip's sound for drawing, or None where it is not asked for or has none."""
    if root is None:
        return None
    try:
        media = probe(root / entry.path)
        media = media.part(*entry.span) if entry.span else media
    except MediaError as error:
        raise InspectError(str(error)) from error
    if media.audio is None:
        return None
    seconds = [Window(float(i), i + 1.0) for i in range(int(np.ceil(media.duration)))]
    samples = read_windows(media, seconds, RATE)[0].ravel()
    return samples[: round(media.duration * RATE)], RATE


def _unknown(cache: SegmentCache, clip: str) -> str:
    folder = cache.folder
    if (cache.entry_folder(clip) / "entry.json").is_file():
        return (
            f"clip {clip!r} was cached in {folder} by another version of emorec; expected a cache "
            "of this version: emorec preprocess makes it and prints its folder"
        )
    if not (folder / "report.csv").is_file():
        return f"{folder} is not a cache: it has no report.csv; emorec cache list lists the caches"
    return f"clip {clip!r} is not in {folder}; the first column of its report.csv has the ids"
