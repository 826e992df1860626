"""``emorec generate``: segments of each class from a trained generator."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from emorec.commands.options import CommandParser
from emorec.data.generated import CARD, write_generated
from emorec.errors import UserError
from emorec.networks.generators import Generator
from emorec.predict.checkpoint import CheckpointError, Saved, load_model, read_checkpoint
from emorec.system.files import check_writable, digest_file
from emorec.tasks.adversarial import LIMIT, Adversarial, evenly, made_in_parts

MADE = "averaged."  # prefix of the generators' tensors in a checkpoint


def main(argv: Sequence[str]) -> None:
    """Write the folder."""
    options = build_parser().parse_args(argv[1:])
    if options.per_class < 1:
        raise UserError(f"--per-class is {options.per_class}; expected at least 1")
    out: Path = options.out
    if out.exists() and (any(out.iterdir()) if out.is_dir() else True):
        if not options.overwrite:
            raise UserError(f"{out} exists; --overwrite replaces it")
        if not (out / CARD).is_file():
            raise UserError(f"{out} was not written by emorec generate: it is not replaced")
    check_writable(out.absolute().parent, "--out")
    saved = read_checkpoint(options.checkpoint)
    if "shapes" not in saved["hyper_parameters"]:
        raise CheckpointError(
            f"{options.checkpoint} has no generator: train one with the task GenerationTask, such "
            "as configs/experiment/generate_features.yaml"
        )
    model = load_model(options.checkpoint, saved, trust=options.trust)
    label = write(out, model, saved, options)
    sys.stdout.write(
        f"{out}: {len(label)} segments, {options.per_class} of each class; mix them into training "
        f"with --data.generated.folder {out}\n"
    )


def write(out: Path, saved: Saved, checkpoint: dict[str, Any], options: Any) -> Tensor:
    """Write the folder; return the classes of its segments."""
    given, kept = checkpoint["hyper_parameters"], checkpoint["emorec"]
    model, classes = saved.model, list(saved.model.target.names)
    gan = Adversarial(**(given.get("adversarial") or {}))
    label, noise = evenly(len(classes), options.per_class, gan.noise, options.seed)
    generators = {}
    for name in sorted(given["shapes"]):
        generator = Generator(given["shapes"][name], len(classes), gan.noise, gan.width)
        prefix = f"{MADE}{name}."
        state = checkpoint["state_dict"].items()
        generator.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state if k.startswith(prefix)}
        )
        generators[name] = generator.eval()
    card = {
        **{key: kept[key] for key in ("target", "extractors", "within", "contents")},
        "classes": classes,
        "per_class": options.per_class,
        "seed": options.seed,
        "checkpoint": digest_file(options.checkpoint),
    }
    shapes = {name: each.shape for name, each in saved.extractors.items()}
    parts = made_in_parts(generators, model, shapes, label, noise)
    write_generated(out, card, label.numpy(), saved.extractors, parts)
    return label


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec generate",
        description="Make segments of each class with the generators of a checkpoint, and write "
        "them as a folder that training mixes in: --data.generated.folder DIR. Pictures are within "
        f"{LIMIT:g} deviations of the training data's mean. Training refuses the folder where one "
        "of the clips that the generators learned from is validated or tested on.",
        epilog="example: emorec generate runs/generator/checkpoints/best.ckpt --per-class 100 "
        "--out runs/generated",
    )
    parser.add_argument("checkpoint", type=Path, help="of a run with the task GenerationTask")
    parser.add_argument("--per-class", type=int, required=True, help="segments of each class")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier folder")
    parser.add_argument(
        "--trust", action="store_true", help="also import foreign classes that the file names"
    )
    return parser
