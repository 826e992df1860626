"""``emorec explain``: a page that shows what a prediction is based on."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from emorec.commands.options import CommandParser
from emorec.system.files import check_writable, readable, short_name


def main(argv: Sequence[str]) -> None:
    """Write the page of one clip."""
    options = build_parser().parse_args(argv[1:])
    from emorec.explain import explain, write_page
    from emorec.predict import load_predictor

    predictor = load_predictor(options.checkpoint, options.device, trust=options.trust)
    found = explain(predictor, options.file, label=options.label, count=options.windows)
    out: Path = options.out or Path(f"{short_name(options.file.stem)}_explained.html")
    check_writable(out.parent, "--out")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_page(found, out)
    share = found.prediction.probabilities[found.label]
    sys.stdout.write(f"{readable(str(options.file))}: {found.label} {share:.0%}; {out}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec explain",
        description="Write a page about one clip: Grad-CAM on faces and log-mels, what each window "
        "contributes, and what would change without a modality.",
        epilog="example: emorec explain runs/demo/checkpoints/best.ckpt clip.mp4 --out clip.html",
    )
    parser.add_argument("checkpoint", type=Path, help="such as runs/demo/checkpoints/best.ckpt")
    parser.add_argument("file", type=Path, help="the clip")
    parser.add_argument("--out", type=Path, help="the page; FILE_explained.html by default")
    parser.add_argument("--label", help="the class to explain; the predicted one by default")
    parser.add_argument("--windows", type=int, default=6, help="number of windows to draw")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument(
        "--trust", action="store_true", help="run the code that a checkpoint names; see predict"
    )
    return parser
