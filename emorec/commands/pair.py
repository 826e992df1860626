"""``emorec pair``: a manifest of voices with pictures of other people."""

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from emorec.commands.options import CommandParser
from emorec.data.pairing import Pair, pair, read_recordings
from emorec.errors import UserError
from emorec.system.files import seen_from, write_text


def main(argv: Sequence[str]) -> None:
    """Write the manifest."""
    options = build_parser().parse_args(argv[1:])
    if options.out.exists() and not options.overwrite:
        raise UserError(f"{options.out} exists; --overwrite replaces it")
    voices, faces = read_recordings(options.voices), read_recordings(options.faces)
    pairs = pair(voices, faces, by=options.by, count=options.count, seed=options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.out, _table(pairs, options.out, options.by))
    shown = len({each.face.path for each in pairs})
    classes = Counter(each.voice.label for each in pairs)
    sys.stdout.write(
        f"{options.out}: {len(pairs)} pairs by {options.by} of {len(voices)} voices and {shown} "
        f"pictures; {', '.join(f'{name} {count}' for name, count in sorted(classes.items()))}\n"
    )


def _table(pairs: Sequence[Pair], out: Path, by: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "path", "sidecar_face", "label", "group"])
    seen: Counter[Path] = Counter()
    for voice, face in pairs:
        seen[voice.path] += 1
        path = seen_from(voice.path, out.parent)
        # Where nothing is shared, voice and picture show different emotions.
        label = "" if by == "nothing" else voice.label
        writer.writerow(
            [
                f"{path}+{seen[voice.path]}",
                path,
                seen_from(face.path, out.parent),
                label,
                voice.group,
            ]
        )
    return text.getvalue()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec pair",
        description="Pair recordings of voices with pictures of other people's faces, and write "
        "the pairs as a manifest: voices in path, pictures in sidecar_face. What a pair shares is "
        "then known: its class, or also a made-up person, or nothing. Both inputs are manifests "
        "with the columns path, label and, for splits by speaker, group. Each picture goes to one "
        "speaker only. No file is copied.",
        epilog="example: emorec pair voices.csv faces.csv --out pairs.csv",
    )
    parser.add_argument("voices", type=Path, help="manifest of the voices")
    parser.add_argument("faces", type=Path, help="manifest of the pictures, or of videos")
    parser.add_argument("--out", type=Path, default=Path("pairs.csv"), help="manifest to write")
    parser.add_argument(
        "--by",
        choices=("class", "person", "nothing"),
        default="class",
        help="what a pair shares: the class; class and person, the speaker having one picture of "
        "each class; or nothing, then without labels",
    )
    parser.add_argument("--count", type=int, default=1, help="pictures for each voice")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    parser.add_argument("--overwrite", action="store_true", help="replace the manifest")
    return parser
