"""Parsers of commands without a config: their errors are one line, with the nearest option."""

import argparse
import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import NoReturn

from typing_extensions import override

from emorec.errors import UserError


class CommandParser(argparse.ArgumentParser):
    """An ``argparse`` parser that raises :class:`~emorec.errors.UserError`."""

    @override
    def error(self, message: str) -> NoReturn:
        """Raise what is wrong, in one line.

        Raises:
            UserError: Always.
        """
        known = [name for name in self._option_string_actions if name.startswith("--")]
        raise UserError(f"{with_near(message, known)}; {self.prog} --help explains the options")


def with_near(message: str, known: Collection[str]) -> str:
    """Return argparse's message; where an option is unknown, with the nearest known ones."""
    found = re.match(r"unrecognized arguments: (.*)", message, re.DOTALL)
    if not found:
        return message
    unknown = next((word for word in found[1].split() if word.startswith("-")), None)
    if unknown is None:
        return f"{found[1]!r} was not expected"
    name = unknown.partition("=")[0]
    return f"unknown option {name}{near(name, known)}"


def near(name: str, known: Collection[str]) -> str:
    """Return the part of a message that names those known names that are near; else nothing."""
    found = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f", did you mean {' or '.join(found)}?" if found else ""
