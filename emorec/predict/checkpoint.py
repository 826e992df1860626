"""A model and its inputs, rebuilt from a checkpoint.

Loading and running a model needs none of the training code: only the options of the model's classes
and its tensors are read from the checkpoint.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser
from torch import Tensor

from emorec.errors import UserError
from emorec.extractors import Extractor
from emorec.model import EmotionModel, InForce
from emorec.model.kept import OPTIONS, PREFIX
from emorec.plugins import foreign, load_plugins
from emorec.types import Target
from emorec.windows import Windows

KINDS = ("encoder", "label encoder", "fusion", "objective", "extractor", "windows")
READ = ("model", "windows", "extractors")  # instantiated by jsonargparse
PARTS = (*READ, "target", "targets", "in_force", "within")  # keys of the options
EXPECTED = "expected a file such as runs/NAME/checkpoints/best.ckpt"


class CheckpointError(UserError):
    """A checkpoint cannot be loaded; the message says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A trained model and its inputs.

    Attributes:
        model: The model with its weights, on the CPU, in evaluation mode.
        windows: Cuts clips into windows.
        extractors: Modality -> extractor.
        within: What inputs were normalised within: ``corpus`` or ``speaker``.
        options: The options they were built from, as plain values; keys are :data:`PARTS`.
    """

    model: EmotionModel
    windows: Windows
    extractors: dict[str, Extractor]
    within: str
    options: dict[str, Any]


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the tensors and plain values of a checkpoint of emorec.

    Raises:
        CheckpointError: It is missing, damaged, or not an emorec checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"checkpoint {path} not found; {EXPECTED}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises anything on a file that is no checkpoint
        raise CheckpointError(f"{path} is not a checkpoint that torch can read: {error}") from error
    if not isinstance(saved, dict) or not {"hyper_parameters", "emorec"} <= saved.keys():
        raise CheckpointError(f"{path} is not a checkpoint of emorec fit; {EXPECTED}")
    return saved


def load_model(path: Path, saved: Mapping[str, Any] | None = None, *, trust: bool = False) -> Saved:
    """Load a model and its inputs from a checkpoint of ``emorec fit``.

    Only tensors and plain values are read from the file; the classes it names are called with the
    arguments it gives.

    Args:
        path: The checkpoint.
        saved: Its content, if it was read before.
        trust: Also import and call classes from neither emorec nor an installed plug-in.

    Raises:
        CheckpointError: It is missing, damaged, or not an emorec checkpoint; or it names a foreign
            class and is not trusted; or it is an ensemble.
    """
    saved = read_checkpoint(path) if saved is None else saved
    given, kept = saved["hyper_parameters"], saved["emorec"]
    if "ensemble" in kept:
        raise CheckpointError(
            f"{path} is an ensemble, not one model: use one of its members' checkpoints here"
        )
    if "_class_path" not in given:
        raise CheckpointError(f"{path} was not written by the command line: it names no classes")
    missing = {*PARTS} - {"model"} - kept.keys()
    if missing:
        raise CheckpointError(
            f"{path} lacks {', '.join(sorted(missing))}: an older version of emorec wrote it, "
            "or it was made without a data module; train it again"
        )
    options = {"model": {name: given.get(name) for name in OPTIONS}, **kept}
    return make_model(options, saved["state_dict"], path, trust=trust, prefix=PREFIX)


def make_model(
    options: Mapping[str, Any],
    state: Mapping[str, Tensor],
    path: Path,
    *,
    trust: bool = False,
    prefix: str = "",
) -> Saved:
    """Build a model and its inputs from options and weights.

    Args:
        options: As in :class:`Saved`.
        state: The model's tensors.
        path: Their source, for error messages.
        trust: See :func:`load_model`.
        prefix: Prefix of the names of the model's tensors; tensors without it are ignored.

    Raises:
        CheckpointError: Options and weights do not match, or the options name a foreign class.
    """
    load_plugins(KINDS)
    refuse_foreign({key: options[key] for key in READ}, path, trust=trust)
    try:
        model, windows, extractors = _instances(options)
    except UserError:  # a missing package, an option that does not fit
        raise
    except Exception as error:  # jsonargparse and constructors raise anything on damaged options
        raise CheckpointError(
            f"the classes that {path} names cannot be built: {error}; a class that is not found "
            "may come from a plug-in package that is not installed"
        ) from error
    own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise CheckpointError(f"the weights of {path} do not fit its options: {error}") from error
    kept = {key: options[key] for key in PARTS}
    return Saved(model.eval(), windows, extractors, options["within"], kept)


def _instances(
    options: Mapping[str, Any],
) -> tuple[EmotionModel, Windows, dict[str, Extractor]]:
    parser = ArgumentParser(exit_on_error=False)
    # The model is not instantiated here: its targets are not among the parser's options.
    parser.add_class_arguments(EmotionModel, "model", skip={"targets", "target"}, instantiate=False)
    parser.add_argument("--windows", type=Windows)
    parser.add_argument("--extractors", type=dict[str, Extractor])
    # A copy: jsonargparse writes its namespaces into its input.
    plain = json.loads(json.dumps({key: options[key] for key in READ}))
    ready = parser.instantiate_classes(parser.parse_object(plain))
    targets = {name: Target.from_dict(each) for name, each in options["targets"].items()}
    model = EmotionModel(**vars(ready.model), targets=targets, target=options["target"])
    model.in_force = InForce(**options["in_force"])
    return model, ready.windows, dict(ready.extractors)


def refuse_foreign(options: Any, path: Path, *, trust: bool) -> None:
    """Refuse options that would import foreign classes.

    Args:
        options: As :func:`emorec.plugins.foreign` takes them.
        path: Their source, for the error message.
        trust: Allow them.

    Raises:
        CheckpointError: They name a foreign class and are not trusted.
    """
    names = foreign(options, KINDS)
    if names and not trust:
        raise CheckpointError(
            f"{path} would import {', '.join(names)}, which is neither emorec's nor an installed "
            "plug-in's: loading the file would run that code. Install the plug-in package it comes "
            "from or, if you trust whoever made the file, use --trust"
        )
