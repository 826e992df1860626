"""``emorec configs``: the configs that come with emorec, listed, shown, copied."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from emorec.commands.options import CommandParser
from emorec.errors import UserError
from emorec.system.files import copy_file
from emorec.system.shipped import KINDS, Shipped, find, folder, shipped


def main(argv: Sequence[str]) -> None:
    """List, show or copy."""
    options = build_parser().parse_args(argv[1:] or ["list"])
    options.run(options)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec configs",
        description="Configs come with emorec and are found by name from any folder: emorec fit "
        "--config quick. A file of yours comes first. To change more than options on the command "
        "line do, copy one and edit it.",
        epilog="example: emorec configs copy quick --to my_study",
    )
    commands = parser.add_subparsers(metavar="list | show | copy")
    listing = commands.add_parser("list", help="each config and what it is for")
    listing.add_argument("kind", nargs="?", choices=list(KINDS), help="only those of a kind")
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="print a config")
    show.set_defaults(run=_show)
    copying = commands.add_parser(
        "copy", help="copy a config, and the files that it includes, into a folder"
    )
    copying.set_defaults(run=_copy)
    for command in (show, copying):
        command.add_argument("name", help="such as quick, data/ravdess or study/ravdess")
    copying.add_argument(
        "--to", type=Path, default=Path(), help="folder; the files go into its folder configs"
    )
    copying.add_argument("--overwrite", action="store_true", help="replace files that differ")
    return parser


def _list(options: argparse.Namespace) -> None:
    for kind in [options.kind] if options.kind else KINDS:
        every = shipped(kind)
        width = max(len(each.name) for each in every)
        sys.stdout.write(f"\n{kind}: {KINDS[kind]}\n")
        for each in every:
            sys.stdout.write(f"  {each.name:<{width}}  {each.purpose}\n")


def _show(options: argparse.Namespace) -> None:
    found = find(options.name)
    sys.stdout.write(found.path.read_text("utf-8"))
    same = [other for other in shipped() if other.name == found.name and other != found]
    if same:
        others = ", ".join(f"{other.kind}/{other.name}" for other in same)
        sys.stderr.write(f"emorec: this is {found.kind}/{found.name}; there is also {others}\n")


def _copy(options: argparse.Namespace) -> None:
    found = find(options.name)
    for path in copied(found, options.to, overwrite=options.overwrite):
        sys.stdout.write(f"{path}\n")


def copied(config: Shipped, to: Path, *, overwrite: bool = False) -> list[Path]:
    """Copy a config and what it includes to ``to/configs``; return the copies, itself first.

    Raises:
        UserError: A file is there already, with another content; nothing is copied then.
    """
    pairs = {to / "configs" / each.relative_to(folder()): each for each in config.files()}
    differing = [
        target
        for target, source in pairs.items()
        if target.exists() and target.read_bytes() != source.read_bytes()
    ]
    if differing and not overwrite:
        raise UserError(
            f"{differing[0]} exists and differs from emorec's; name another folder, or replace it "
            "with --overwrite"
        )
    for target, source in pairs.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_file(source, target)
    return list(pairs)
