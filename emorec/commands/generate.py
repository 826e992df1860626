"""``emorec generate``: segments of each class from a trained generator."""

import json
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emorec.data.generated import CARD, LABELS
from emorec.errors import UserError
from emorec.model.standardise import Standardise
from emorec.networks.generators import Generator
from emorec.predict.checkpoint import CheckpointError, Saved, load_model, read_checkpoint
from emorec.system.files import beside, check_writable, digest_file
from emorec.tasks.adversarial import LIMIT, Adversarial, as_input
from emorec.types import Array

AT_ONCE = 256
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
    folder = beside(out.absolute())
    folder.mkdir(parents=True)
    try:
        count = write(folder, model, saved, options)
        if out.exists():
            shutil.rmtree(out)
        folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(
        f"{out}: {count} segments, {options.per_class} of each class; mix them into training with "
        f"--data.generated.folder {out}\n"
    )


def write(folder: Path, saved: Saved, checkpoint: dict[str, Any], options: Any) -> int:
    """Write arrays, labels and card to a folder; return the number of segments."""
    given, kept = checkpoint["hyper_parameters"], checkpoint["emorec"]
    model, classes = saved.model, list(saved.model.target.names)
    gan = Adversarial(**(given.get("adversarial") or {}))
    label = torch.arange(len(classes)).repeat_interleave(options.per_class)
    random = torch.Generator().manual_seed(options.seed)
    noise = torch.randn(len(label), gan.noise, generator=random)
    modalities = []
    for name in sorted(given["shapes"]):
        generator = Generator(given["shapes"][name], len(classes), gan.noise, gan.width)
        prefix = f"{MADE}{name}."
        state = checkpoint["state_dict"].items()
        generator.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state if k.startswith(prefix)}
        )
        generator.eval()
        modality = model.reads[name]
        modalities.append(modality)
        extractor, standardise = saved.extractors[modality], model.standardise[modality]
        assert isinstance(standardise, Standardise)
        path = folder / f"{modality}.npy"
        shape = (len(label), *extractor.shape)
        array = np.lib.format.open_memmap(path, "w+", np.dtype(extractor.dtype), shape)
        for start in range(0, len(label), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            with torch.inference_mode():
                made = generator(noise[rows], label[rows])
                raw = as_input(made, standardise, extractor.shape)
            array[rows] = _stored(raw.numpy(), array.dtype)
        array.flush()
    np.save(folder / LABELS, label.numpy())
    card = {
        "generated": True,
        "target": model.target_name,
        "classes": classes,
        "modalities": modalities,
        "per_class": options.per_class,
        "seed": options.seed,
        "checkpoint": digest_file(options.checkpoint),
        "extractors": dict(sorted(kept["extractors"].items())),
        "within": kept["within"],
        "contents": kept["contents"],
    }
    (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
    return len(label)


def _stored(raw: Array, dtype: Any) -> Array:
    """Return values in an extractor's dtype: within its limits and, for integers, rounded."""
    whole = np.issubdtype(dtype, np.integer)
    limits: Any = np.iinfo(dtype) if whole else np.finfo(dtype)
    raw = np.rint(raw) if whole else raw
    return np.clip(raw, limits.min, limits.max).astype(dtype)


def build_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = ArgumentParser(
        "emorec generate",
        description="Make segments of each class with the generators of a checkpoint, and write "
        "them as a folder that training mixes in: --data.generated.folder DIR. Pictures are within "
        f"{LIMIT:g} deviations of the training data's mean. Training refuses the folder where one "
        "of the clips that the generators learned from is validated or tested on.",
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
