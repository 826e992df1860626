"""``emorec plugins``: what is registered, by kind."""

import sys
from collections.abc import Sequence

from emorec.commands.options import CommandParser
from emorec.plugins import KINDS, load_plugins, registered


def main(argv: Sequence[str]) -> None:
    """Print each registered class with its package and the first line of its docstring."""
    parser = CommandParser(
        "emorec plugins",
        description="List the classes that a config can name, by kind. A package adds its own "
        "through the entry-point group emorec.plugins.",
        epilog="example: emorec plugins",
    )
    parser.parse_args(argv[1:])
    load_plugins()
    width = max(len(cls.__name__) for kind in KINDS for cls in registered(kind))
    for kind in KINDS:
        sys.stdout.write(f"{kind}\n")
        for cls in registered(kind):
            line = (cls.__doc__ or "").strip().partition("\n")[0]
            package = cls.__module__.partition(".")[0]
            sys.stdout.write(f"  {cls.__name__:<{width}} {package:<10} {line}\n")
