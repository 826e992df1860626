"""``emorec preprocess``: cut the clips of a data set into cached segments."""

import re
from collections.abc import Sequence

import torch

from emorec.cache import WorkPlan
from emorec.commands.parser import EmorecParser, data_of
from emorec.data import EmotionDataModule
from emorec.errors import UserError


def main(argv: Sequence[str]) -> None:
    """Cache the missing clips and print one line of counts."""
    options, data = data_of(build_parser, argv)
    device = _device(options.device)
    at_once = options.at_once or (8 if device.startswith("cuda") else 1)
    shard = _shard(options.shard)
    made = data.preprocess(WorkPlan(options.workers, shard, device, at_once))
    if shard[1] == 1 and not any(entry.status == "ok" for entry in made):
        raise UserError("no clip could be used; report.csv in the cache folder says why")


def build_parser() -> EmorecParser:
    """Return the parser of the command."""
    parser = EmorecParser(
        "emorec preprocess",
        description="Cut clips into segments and cache them: windows, faces, log-mels. Takes the "
        "data file that fit uses. After an interruption the same command continues. "
        "Writes report.csv into the cache folder: one row a clip, with what was found or why it "
        "was skipped; and report.html, a page with counts, distributions and pictures.",
        epilog="example: emorec preprocess --data quick --data.manifest clips.csv --workers 4",
    )
    parser.add_argument("--workers", type=int, default=2, help="worker processes, one core each")
    parser.add_argument(
        "--shard",
        default="1/1",
        metavar="I/N",
        help="only every N-th clip, beginning with the I-th, for N machines with a shared disk; "
        "run once without it at the end, for the whole report",
    )
    parser.add_argument(
        "--device",
        default="auto",
        help="where faces are detected: auto (a GPU if there is one), cpu, cuda, cuda:1",
    )
    parser.add_argument(
        "--at-once",
        type=int | None,
        help="clips that each worker handles at once, so that their frames are detected in "
        "one batch: 8 on a GPU, otherwise 1",
    )
    parser.add_subclass_arguments(
        EmotionDataModule,
        "data",
        required=True,
        help="a data file of yours, or the name of one: emorec configs list data",
    )
    return parser


def _device(name: str) -> str:
    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    if name.startswith("cuda") and not available:
        raise UserError(f"--device is {name}, but PyTorch sees no GPU here; use cpu or auto")
    return name


def _shard(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    number, of = (int(part) for part in found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise UserError(f"--shard is I/N with 1 <= I <= N, such as 3/8; got {text!r}")
    return number, of
