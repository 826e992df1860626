"""The parser of configs: jsonargparse with messages of ours."""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser
from lightning.pytorch.cli import LightningArgumentParser

from emorec.commands.messages import one_line
from emorec.data import EmotionDataModule
from emorec.errors import UserError
from emorec.plugins import load_plugins
from emorec.types import Target

EXAMPLES = """examples: emorec fit --config quick --data.manifest clips.csv --run runs/mine;
emorec test --run runs/mine. emorec configs lists what --config can name."""


class EmorecParser(LightningArgumentParser):
    """Says in one line what is wrong with an option, and which names are near."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise what is wrong, in one line.

        Raises:
            UserError: Always.
        """
        known = [name for name in self._option_string_actions if name.startswith("--")]
        said = one_line(message, known)
        words = (self.prog or "").replace("[options] ", "").split()
        program = f"emorec {words[1] if len(words) > 1 else 'fit'}"
        raise UserError(f"{said}; {program} --help explains the options") from ex


def first_cause(error: BaseException) -> BaseException:
    """Return what was wrong with a value, which jsonargparse wraps again and again.

    It is our own error where there is one, else the one that was raised first.
    """
    while not isinstance(error, UserError) and (cause := error.__cause__ or error.__context__):
        error = cause
    return error


def made_of(parser: ArgumentParser, options: Any) -> Any:
    """Return the objects that options describe.

    Raises:
        UserError: A class refuses a value.
    """
    try:
        return parser.instantiate(options)
    except ValueError as error:
        raise UserError(f"{first_cause(error)}; {parser.prog} --help explains options") from error


def data_of(
    make_parser: Callable[[], "EmorecParser"], argv: Sequence[str]
) -> tuple[Any, EmotionDataModule]:
    """Return the options of a command on a data set, and the data module that they describe.

    Args:
        make_parser: Makes the command's parser, with the option ``data``.
        argv: The command's name and its arguments.

    Raises:
        UserError: An option is unknown, or a class refuses a value.
    """
    load_plugins()
    parser = make_parser()
    options = parser.parse_args(list(argv[1:]))
    data: EmotionDataModule = made_of(parser, options).data
    show_info()
    return options, data


def show_info() -> None:
    """Show progress lines on the terminal, and hide warnings that do not apply."""
    # Lightning and PyTorch talk to each other here; users can do nothing about it.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*deprecated")
    # What is logged is of all ranks already (EmotionTask.losses, ClipVote, hgr_spectrum).
    warnings.filterwarnings("ignore", message="It is recommended to use `self.log.*sync_dist")
    # The hook is overridden on purpose, and steps are logged as epochs end.
    warnings.filterwarnings("ignore", message="You have overridden `on_after_batch_transfer`")
    warnings.filterwarnings("ignore", message="The number of training batches .* is smaller than")
    logger: Any = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    logger.setLevel(logging.INFO)
    logger.addFilter(_is_for_users)


def _is_for_users(record: logging.LogRecord) -> bool:
    """Return whether a line is not an advertisement, nor of a device that emorec cannot use."""
    return not record.getMessage().startswith(("\N{ELECTRIC LIGHT BULB} Tip:", "TPU available"))


def add_run_options(parser: ArgumentParser) -> None:
    """Add the options of a run: its directory, and what is tested."""
    parser.add_argument(
        "--run",
        type=Path | None,
        default=None,
        help="run directory; runs/<name of the experiment file> by default. The same command "
        "again resumes an unfinished run.",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="start over; what an earlier run left in the run directory is deleted when the "
        "new one has trained its first epoch",
    )
    parser.add_argument(
        "--select-on-test",
        action="store_true",
        help="choose each stage's best epoch on test clips, as much published code does; for "
        "comparison with it alone: all results of the run are marked",
    )
    parser.add_argument(
        "--test",
        type=bool,
        default=True,
        help="false: fit stops after training, and the test clips are left untouched; the same "
        "command without it then tests",
    )


def plain_targets(targets: Mapping[str, Target]) -> dict[str, Any]:
    """Return a data set's targets as plain values: checkpoints keep no objects."""
    return {name: target.to_dict() for name, target in targets.items()}
