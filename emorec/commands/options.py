"""Parsers of commands without a config: their errors are one line, with the nearest option."""

import argparse
import re
from collections.abc import Collection
from typing import NoReturn

from typing_extensions import override

from emorec.errors import UserError
from emorec.system.near import near


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
    return with_hint(f"unknown option {name}", near(name, known))


def with_hint(said: str, hint: str) -> str:
    """Return a message and, if there is one, a hint."""
    return f"{said}, {hint}" if hint else said
