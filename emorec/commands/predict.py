"""``emorec predict``: a trained model on media files, with a timeline picture of each."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from emorec.errors import UserError
from emorec.files import write_text
from emorec.media import MediaError
from emorec.plots import timeline_figure
from emorec.predict import Prediction, Predictor
from emorec.progress import progress


def main(argv: Sequence[str]) -> None:
    """Write ``predictions.json`` and one picture a file; a bad file does not end it."""
    options = build_parser().parse_args(argv[1:])
    predictor = Predictor.from_checkpoint(options.checkpoint, options.device)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    failed = 0
    for file in progress(options.files, unit="file", desc="predict"):
        try:
            prediction = predictor.predict(file)
        except Exception as error:  # one bad file never ends a list of them
            failed += 1
            known = isinstance(error, MediaError)
            reason = str(error) if known else f"unexpected {type(error).__name__}: {error}"
            results.append({"file": str(file), "error": reason})
            tqdm.write(f"{file}: skipped, {reason}", file=sys.stderr)
            continue
        picture = _picture_name(out, file, results)
        draw(prediction, out / picture)
        results.append({**prediction.to_dict(), "picture": picture})
        share = prediction.probabilities[prediction.label]
        notes = f"  [{'; '.join(prediction.warnings)}]" if prediction.warnings else ""
        tqdm.write(f"{file}: {prediction.label} {share:.0%}{notes}", file=sys.stdout)
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    write_text(out / "predictions.json", text)
    sys.stdout.write(
        f"{len(results) - failed} of {len(results)} files predicted, {failed} skipped; "
        f"{out / 'predictions.json'} and a timeline picture each\n"
    )
    if failed == len(results):
        raise UserError("no file could be used")


def draw(prediction: Prediction, path: Path) -> None:
    """Draw the timeline of a prediction into a PNG file."""
    label = prediction.label
    title = f"{prediction.file.name}: {label} ({prediction.probabilities[label]:.0%})"
    figure = timeline_figure(
        [window.middle for window in prediction.windows],
        prediction.scores,
        list(prediction.probabilities),
        title,
        prediction.crops,
    )
    figure.savefig(path)


def _picture_name(out: Path, file: Path, earlier: Sequence[dict[str, Any]]) -> str:
    """Return a name that no earlier file of this call has taken."""
    taken = {result.get("picture") for result in earlier}
    name, number = f"{file.stem}_timeline.png", 1
    while name in taken:
        number += 1
        name = f"{file.stem}_{number}_timeline.png"
    return name


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        "emorec predict",
        description="Apply a trained model to media files. Each is cut and encoded as in "
        "training; the clip's class is the mean of its windows' probabilities. A file that "
        "cannot be used is listed with its reason. A checkpoint names classes to import: trust "
        "it like a package.",
    )
    parser.add_argument("checkpoint", type=Path, help="such as runs/demo/checkpoints/best.ckpt")
    parser.add_argument("files", type=Path, nargs="+", help="video or sound files")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder to write to")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    return parser
