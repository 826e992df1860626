"""``emorec predict``: a trained model on media files, with a picture of each."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from emorec.commands.options import CommandParser

FORMATS = ("jsonl", "csv", "parquet")


def main(argv: Sequence[str]) -> None:
    """Write a line and a picture a file."""
    options = build_parser().parse_args(argv[1:])
    from emorec.predict.files import predict_files  # late: --help should not wait for torch

    predict_files(options)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec predict",
        description="Apply a trained model to recordings. Each is cut and encoded as in training; "
        "its class is the mean of its windows' probabilities. With --timeline, windows lie on a "
        "grid over the whole recording and each face in the picture has its own timeline; the "
        "sound is shared by all. A model of values over time (arousal, valence) gives each "
        "recording's trace: a value every step, from start to end, and what each modality alone "
        "says. A file that cannot be used is listed with its reason. "
        "After an interruption the same command continues.",
        epilog="example: emorec predict runs/demo/checkpoints/best.ckpt clips/ 'more/*.mp4' --out "
        "predictions. Writes predictions.jsonl (a line a file or clip), tables where asked, and "
        "pictures; of values over time also NAME_trace.csv, a row a step.",
    )
    parser.add_argument("checkpoint", type=Path, help="such as runs/demo/checkpoints/best.ckpt")
    parser.add_argument(
        "files",
        nargs="+",
        help="video or sound files, folders, patterns, or - (a list on stdin); a .csv, .jsonl "
        "or .json file is a manifest: its rows are clips, with their start and end, transcripts "
        "and other files that the model reads",
    )
    parser.add_argument(
        "--root",
        type=Path,
        help="folder that a manifest's paths are relative to; by default its own",
    )
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder to write to")
    parser.add_argument(
        "--format", nargs="+", choices=FORMATS, default=["jsonl"], help="further tables"
    )
    parser.add_argument(
        "--timeline",
        action="store_true",
        help="window after window, each person; models of classes only: a trace is one already",
    )
    parser.add_argument(
        "--hop", type=float, default=0.5, help="seconds between the windows of a timeline"
    )
    parser.add_argument(
        "--video",
        action="store_true",
        help="also a copy of the video with boxes, labels and probabilities; with --timeline",
    )
    parser.add_argument(
        "--landmarks",
        action="store_true",
        help="also the 468 points of everybody's face, 25 times a second, as NAME_landmarks.csv "
        "(and .parquet with that --format); drawn into the copy of --video",
    )
    parser.add_argument(
        "--no-pictures", dest="pictures", action="store_false", help="draw no pictures"
    )
    parser.add_argument(
        "--speaker",
        metavar="NAME",
        help="all files are of this speaker, whose inputs are normalised with all of them; for "
        "models trained with data.within: speaker. In a manifest the column group says it",
    )
    parser.add_argument(
        "--speakers",
        type=Path,
        metavar="FILE",
        help="speakers.json, as an earlier command with --speaker wrote it: speakers are "
        "normalised as there, so that a single new clip can be, too",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument(
        "--batch-size", type=int, help="windows a forward pass; by default what fits into memory"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="discard what an earlier command wrote to --out"
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="run the code that a checkpoint names; only for a checkpoint from someone you trust",
    )
    return parser
