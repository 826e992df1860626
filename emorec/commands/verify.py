"""``emorec verify``: check a data set on disk before anything is trained on it."""

import csv
import io
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

from emorec.commands.parser import EmorecParser, data_of
from emorec.data import EmotionDataModule
from emorec.data.verify import ERRORS, WARNINGS, Findings, Problem, verify
from emorec.system.files import write_text

SHOWN = 3  # examples of a kind


def main(argv: Sequence[str]) -> None:
    """Print the problems, write the table, and exit with status 1 if there are errors."""
    options, data = data_of(build_parser, argv)
    found = verify(data, options.workers)
    table = data.source().cache().folder / "verify.csv"
    _write(found.problems, table)
    lines = [*_kinds(found), *_counts(found, data), *_copies(found)]
    if found.refused:
        lines.append(f"fit would refuse it: {found.refused}")
    lines.append(f"one row a problem: {table}")
    wrong = sum(len(found.of(kind)) for kind in ERRORS)
    lines.append(
        f"{found.listed} clips, {found.usable} usable: {wrong} missing, damaged or duplicated, "
        f"{len(found.problems) - wrong} warnings"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    if wrong:
        raise SystemExit(1)


def build_parser() -> EmorecParser:
    """Return the parser of the command."""
    parser = EmorecParser(
        "emorec verify",
        description="Check each clip of a data set: does its file exist, can it be read, does "
        "another clip have the same content, does it have sound, video, a face, is it silent? "
        "Preprocesses clips that are not cached yet, as fit would, and reads the "
        "records; sound and faces are searched in the windows that are cut. Compares the "
        "numbers with published ones, where the data set knows them. Writes verify.csv into the "
        "cache folder: one row a problem.",
        epilog="example: emorec verify --data ravdess --data.root path/to/ravdess. Exit status: 1 "
        "when a clip is missing, damaged or duplicated; 0 otherwise; 2, "
        "before anything is decoded, when clips lack what the split needs (speakers, parts). Clips "
        "without sound, video or face, and silent ones, are warnings and do not change it.",
    )
    parser.add_argument("--workers", type=int, default=2, help="worker processes, one core each")
    parser.add_subclass_arguments(
        EmotionDataModule,
        "data",
        required=True,
        help="a data file of yours, or the name of one: emorec configs list data",
    )
    return parser


def _kinds(found: Findings) -> Iterator[str]:
    for kind in (*ERRORS, *WARNINGS):
        ids = found.of(kind)
        if kind in ERRORS or kind in found.measured:
            yield f"{kind:<11}{len(ids):>6}  {_some(ids)}".rstrip()
        else:
            yield f"{kind:<11}     -  not measured: no extractor for it, or no readable clip"


def _counts(found: Findings, data: EmotionDataModule) -> Iterator[str]:
    target, form = next(iter(data.targets.items()))
    names = ["with a trace"] if target in data.values else form.names
    numbers = [f"{name} {found.counts[name]}" for name in names]
    others = found.counts["clips"] - sum(found.counts[name] for name in names)
    yield f"{target}: {', '.join(numbers)}{f', unlabelled {others}' if others else ''}"
    ranked = sorted(found.speakers.items(), key=lambda item: item[1])
    if ranked:
        (least, low), (most, high) = ranked[0], ranked[-1]
        yield f"speakers: {len(ranked)}; clips of each: {low} ({least}) to {high} ({most})"
    unknown = found.counts["clips"] - sum(found.speakers.values())
    if unknown:
        yield f"clips without a speaker: {unknown}"
    for name, number in data.published.items():
        if name in found.counts:
            yield f"found {found.counts[name]}, published {number} {name}"


def _copies(found: Findings) -> Iterator[str]:
    if not found.copies:
        return
    yield f"the same content, {len(found.copies)} time(s):"
    for ids in found.copies[:SHOWN]:
        yield f"  {' = '.join(ids)}"
    # JSON is YAML, too: ids with commas, quotes or digits alone stay what they are.
    yield "to keep one of each:"
    yield f"--data.exclude {shlex.quote(json.dumps(found.exclude, ensure_ascii=False))}"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (", ..." if len(ids) > SHOWN else "")


def _write(problems: Sequence[Problem], path: Path) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows([("clip", "path", "problem", "detail"), *map(astuple, problems)])
    write_text(path, text.getvalue())
