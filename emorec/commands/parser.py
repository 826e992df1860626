"""The parser of configs: jsonargparse with a message of ours for unknown class names."""

import logging
import re
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from emorec.plugins import suggest


class EmorecParser(LightningArgumentParser):
    """Says which names are near where a config names a class that does not exist."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the message, with a hint first for an unknown class, and exit with status 2."""
        unknown = re.search(
            r"Unexpected import path format: (\w+)|No module named '(\w+)'", message
        )
        if unknown:
            message = f"{suggest(unknown[1] or unknown[2])}\n\n{message}"
        super().error(message, ex)
        raise SystemExit(2)


def show_info() -> None:
    """Let the progress lines of data modules and stages through to the terminal."""
    logger: Any = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    logger.setLevel(logging.INFO)
