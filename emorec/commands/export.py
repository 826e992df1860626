"""``emorec export``: a trained model as ONNX, torch.export, or a folder for the hub."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from emorec.commands.options import CommandParser
from emorec.errors import UserError
from emorec.system.files import write_text

FORMATS = ("onnx", "torch", "hub")


def main(argv: Sequence[str]) -> None:
    """Write the requested formats."""
    options = build_parser().parse_args(argv[1:])
    run, checkpoint = _find(options.model)
    from emorec.export import PretrainedPredictor, export_onnx, export_torch

    predictor = PretrainedPredictor.from_checkpoint(checkpoint, "cpu", trust=options.trust)
    predictor.need_classes("emorec export")
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    exports: dict[str, tuple[str, Callable[[PretrainedPredictor, Path], None]]] = {
        "onnx": ("model.onnx", export_onnx),
        "torch": ("model.pt2", export_torch),
    }
    written = []
    for kind in options.format:
        if kind in exports:
            name, export = exports[kind]
            export(predictor, out / name)
            written.append(f"{out / name} (agrees with PyTorch to 1e-4)")
        else:
            _to_hub_folder(predictor, run, out, options)
            written.append(f"{out / 'model.safetensors'} and its card {out / 'README.md'}")
    sys.stdout.write("\n".join(written) + "\n")


def _to_hub_folder(
    predictor: "PretrainedPredictor",  # type: ignore[name-defined] # noqa: F821
    run: Path | None,
    out: Path,
    options: argparse.Namespace,
) -> None:
    if run is None:
        raise UserError(
            "the card is written from a run: name the run directory (such as runs/demo) instead "
            f"of {options.model}"
        )
    from emorec.export.card import model_card, pictures
    from emorec.export.pretrained import TRAINING

    predictor.card = model_card(
        run,
        name=options.name or run.resolve().name,
        others=options.runs,
        license_name=options.license,
        data_license=options.data_license,
    )
    predictor.attached = tuple(pictures(run))
    predictor.save_pretrained(out)
    write_text(out / TRAINING, _training_options(run))


def _training_options(run: Path) -> str:
    """Return the options of a run without the folders of the machine that it ran on."""
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    kept = {key: config[key] for key in ("seed_everything", "model", "data", "training")}
    for name in ("root", "cache", "manifest"):
        kept["data"]["init_args"].pop(name, None)
    kept["training"]["start"] = None
    return str(yaml.safe_dump(kept, sort_keys=False))


def _find(model: Path) -> tuple[Path | None, Path]:
    """Return the run directory, where one is named, and the checkpoint."""
    if model.is_dir():
        return model, model / "checkpoints" / "best.ckpt"
    run = model.parent.parent
    return (run if (run / "metrics.json").is_file() else None), model


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec export",
        description="Write a trained model for use without emorec (ONNX, torch.export: from the "
        "extractors' arrays to probabilities, labels and preprocessing in the metadata), or as a "
        "folder for the Hugging Face hub: weights as safetensors, options as JSON, and a model "
        "card from the run's results. Exported graphs are checked against PyTorch.",
        epilog="example: emorec export runs/demo --out export",
    )
    parser.add_argument("model", type=Path, help="a finished run (runs/demo), or a checkpoint")
    parser.add_argument("--out", type=Path, default=Path("export"), help="folder to write to")
    parser.add_argument("--format", nargs="+", choices=FORMATS, default=["onnx", "hub"])
    parser.add_argument("--name", default="", help="name of the model; the run's by default")
    parser.add_argument(
        "--runs",
        nargs="+",
        type=Path,
        default=[],
        metavar="RUN",
        help="further runs (seeds, folds) whose results the card averages with this one's",
    )
    parser.add_argument("--license", default="", help="of the model, such as cc-by-nc-4.0")
    parser.add_argument("--data-license", default="", help="of the training data, in words")
    parser.add_argument(
        "--trust", action="store_true", help="run the code that a checkpoint names; see predict"
    )
    return parser
