"""``emorec cache``: list the caches, and delete from them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path

from emorec.cache import maintenance
from emorec.commands.options import CommandParser
from emorec.errors import UserError


class CacheError(UserError):
    """There is nothing to delete."""


def main(argv: Sequence[str]) -> None:
    """List, prune or delete."""
    options = build_parser().parse_args(argv[1:])
    place = options.cache.expanduser()
    options.run(place, options)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec cache",
        description="Caches hold people's faces and voices. This shows which there are, deletes "
        "those made with options no longer in use, and deletes a clip or a speaker everywhere.",
        epilog="example: emorec cache rm --group anna; emorec cache --cache DIR rm --group anna",
    )
    default = user_cache_path("emorec")
    parser.add_argument(
        "--cache", type=Path, default=default, help="folder of the caches, as --data.cache names it"
    )
    commands = parser.add_subparsers(required=True, metavar="list | prune | rm")
    listing = commands.add_parser("list", help="show each cache: clips, size, when it was used")
    listing.set_defaults(run=_list)
    prune = commands.add_parser(
        "prune", help="of each data set, delete all caches but the one that was used last"
    )
    prune.set_defaults(run=_prune)
    remove = commands.add_parser(
        "rm",
        help="delete a clip, a speaker or a data set in all caches",
        description="Deletes from the caches only: delete the media files, too, and what runs "
        "have written (predictions name clips), or the next run caches them again.",
    )
    what = remove.add_mutually_exclusive_group(required=True)
    what.add_argument("--clip", help="id of the clip, as report.csv has it")
    what.add_argument("--group", help="speaker: the group of the clips")
    what.add_argument("--set", help="name of the data set, as the list shows it")
    remove.set_defaults(run=_remove)
    for command in (prune, remove):
        command.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _list(place: Path, options: argparse.Namespace) -> None:
    found = maintenance.caches(place)
    for cache in found:
        sys.stdout.write(
            f"{cache.set_name}  {cache.fingerprint}  {cache.clips} clips  "
            f"{_size(cache.size)}  used {maintenance.age(cache.used)}\n"
        )
    total = sum(cache.size for cache in found)
    sys.stdout.write(f"{len(found)} cache(s), {_size(total)}, in {place}\n")


def _prune(place: Path, options: argparse.Namespace) -> None:
    found = maintenance.stale(maintenance.caches(place))
    if not found:
        sys.stdout.write(f"nothing to prune in {place}: one cache a data set\n")
        return
    for cache in found:
        sys.stdout.write(f"{cache.folder.name}  {cache.clips} clips  {_size(cache.size)}\n")
    if _confirmed(f"delete {len(found)} cache(s)?", options):
        for cache in found:
            maintenance.delete(cache.folder)
        freed = sum(cache.size for cache in found)
        sys.stdout.write(f"{len(found)} cache(s) deleted, {_size(freed)} freed\n")


def _remove(place: Path, options: argparse.Namespace) -> None:
    if options.set:
        folders = [c.folder for c in maintenance.caches(place) if c.set_name == options.set]
        what = f"data set {options.set!r}"
    else:
        key, value = ("id", options.clip) if options.clip else ("group", options.group)
        folders = list(maintenance.find_entries(place, lambda record: record.get(key) == value))
        what = f"{'clip' if options.clip else 'speaker'} {value!r}"
    if not folders:
        raise CacheError(f"nothing of {what} in {place}; emorec cache list shows the caches")
    for folder in folders:
        sys.stdout.write(f"{folder.relative_to(place)}\n")
    if _confirmed(f"delete {what}, {len(folders)} folder(s)?", options):
        for folder in folders:
            (maintenance.delete if options.set else maintenance.delete_entry)(folder)
        sys.stdout.write(f"{what}: {len(folders)} folder(s) deleted\n")


def _confirmed(question: str, options: argparse.Namespace) -> bool:
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise CacheError(f"{question} There is no terminal to answer from; add --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
