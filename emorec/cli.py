"""The command ``emorec``: a short help, and one module per command."""

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from emorec import __version__
from emorec.errors import UserError
from emorec.system.shipped import with_paths

COMMANDS = {
    "init": ("emorec.commands.init", "make a project folder for your clips: list, configs, README"),
    "fit": ("emorec.commands.train", "train a model and test its best weights; resumes a run"),
    "validate": ("emorec.commands.train", "measure a run's best weights on its validation clips"),
    "test": ("emorec.commands.train", "test a finished run's best weights and write its report"),
    "verify": (
        "emorec.commands.verify",
        "check a data set on disk: missing, damaged, duplicated, silent, face-less",
    ),
    "pair": ("emorec.commands.pair", "list voices with pictures of other people's faces"),
    "preprocess": ("emorec.commands.preprocess", "cut clips into cached segments; resumes"),
    "inspect": ("emorec.commands.inspect", "draw one clip's cached windows"),
    "baseline": (
        "emorec.commands.baseline",
        "fit linear models, SVMs and trees on the cached features: the floor",
    ),
    "ensemble": ("emorec.commands.ensemble", "put finished runs together as one model"),
    "generate": ("emorec.commands.generate", "make training segments with a trained generator"),
    "predict": ("emorec.commands.predict", "apply a trained model to media files"),
    "explain": (
        "emorec.commands.explain",
        "write a page that explains the prediction for one clip",
    ),
    "app": ("emorec.commands.app", "serve a local web page: upload or record, see the timeline"),
    "export": ("emorec.commands.export", "write a model as ONNX, torch.export or a hub folder"),
    "experiment": ("emorec.commands.experiment", "run a study: a grid of runs, and its tables"),
    "sweep": ("emorec.commands.sweep", "search for options with Optuna, on validation clips"),
    "cache": ("emorec.commands.cache", "list caches, delete stale ones, delete a clip or speaker"),
    "configs": ("emorec.commands.configs", "list the configs that come with emorec; copy one"),
    "doctor": ("emorec.commands.doctor", "say what is installed and what works, for an issue"),
    "plugins": ("emorec.commands.plugins", "list encoders, fusions, objectives, data sets, ..."),
}

# Conditions of the disk, not bugs: full, no permission, read-only, not a folder, name too long.
OF_THE_DISK = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG),
)

HELP = """emorec {version}: audio-visual emotion recognition

usage: emorec COMMAND [OPTIONS]        (emorec COMMAND --help explains its options)

{commands}

the main job, on generated clips and on yours:
  emorec fit --config demo --run runs/demo
  emorec init my_study --clips path/to/videos
  emorec fit --config quick --data.manifest my_study/clips.csv --run runs/mine
  emorec predict runs/mine/checkpoints/best.ckpt clip.mp4 --out predictions
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; errors that the user can fix exit with status 2 and a message."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        lines = "\n".join(f"  {name:<11} {text}" for name, (_, text) in COMMANDS.items())
        sys.stdout.write(HELP.format(version=__version__, commands=lines))
        return
    if arguments[0] == "--version":
        sys.stdout.write(f"emorec {__version__}\n")
        return
    if arguments[0] not in COMMANDS:
        _stop(f"unknown command {arguments[0]!r}; the commands are {', '.join(COMMANDS)}")
    # File names can hold any bytes, and terminals cannot show every character.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    module = importlib.import_module(COMMANDS[arguments[0]][0])
    try:
        module.main(with_paths(arguments))
    except UserError as error:
        _stop(str(error))
    except BrokenPipeError:  # the reader of the output, such as head, has enough
        # Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        _stop(f"{error.strerror}{f': {error.filename}' if error.filename else ''}")
    except KeyboardInterrupt:
        _stop("interrupted; repeat the command to resume", status=130)


def _stop(message: str, status: int = 2) -> None:
    sys.stderr.write(f"emorec: {message}\n")
    raise SystemExit(status)
