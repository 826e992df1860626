"""``emorec app``: a trained model as a local web page."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emorec.commands.options import CommandParser


def main(argv: Sequence[str]) -> None:
    """Serve the page until Ctrl-C, then delete what was uploaded."""
    options = build_parser().parse_args(argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as with Ctrl-C, folders are deleted
    with tempfile.TemporaryDirectory(prefix="emorec-app-") as folder:
        # Both before Gradio is imported.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["GRADIO_TEMP_DIR"] = folder
        _run(options, Path(folder))


def _run(options: argparse.Namespace, folder: Path) -> None:
    from emorec.app import build_page
    from emorec.app.analyse import Analyser
    from emorec.app.examples import generate_examples
    from emorec.predict import load_predictor

    predictor = load_predictor(options.checkpoint, options.device, trust=options.trust)
    analyser = Analyser(predictor, options.longest, options.hop)
    path: Path = options.checkpoint.resolve()
    name = path.parent.parent.name if path.parent.name == "checkpoints" else path.stem
    examples = options.examples
    if examples is None:
        (folder / "examples").mkdir()
        examples = generate_examples(folder / "examples")
    page = build_page(analyser, name=name, megabytes=options.megabytes, examples=examples)
    try:
        _serve(page, options)
    finally:
        analyser.close()


def _serve(page: Any, options: argparse.Namespace) -> None:
    from emorec.app import serve

    if options.host not in ("127.0.0.1", "localhost", "::1"):
        sys.stderr.write(
            f"everybody who can reach this machine can use the page ({options.host}): there is no "
            "password, and uploads hold faces and voices\n"
        )
    address = serve(page, host=options.host, port=options.port, megabytes=options.megabytes)
    sys.stdout.write(f"{address}   (Ctrl-C ends it)\n")
    sys.stdout.flush()
    page.block_thread()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec app",
        description="Serve a web page on this computer: upload or record a clip, see its timeline "
        "under the player, and what audio alone and vision alone predict. Works without a "
        "network.",
        epilog="example: emorec app runs/demo/checkpoints/best.ckpt",
    )
    parser.add_argument("checkpoint", type=Path, help="such as runs/demo/checkpoints/best.ckpt")
    parser.add_argument(
        "--host", default="127.0.0.1", help="0.0.0.0 lets other machines in; there is no password"
    )
    parser.add_argument("--port", type=int, help="a free one from 7860 on by default")
    parser.add_argument("--megabytes", type=int, default=200, help="largest upload")
    parser.add_argument(
        "--longest", type=float, default=300.0, help="longest recording, in seconds"
    )
    parser.add_argument("--hop", type=float, default=0.25, help="seconds between windows")
    parser.add_argument(
        "--examples",
        nargs="*",
        type=Path,
        help="clips that the page offers to try; two generated ones by default",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ...")
    parser.add_argument(
        "--trust", action="store_true", help="run the code that a checkpoint names; see predict"
    )
    return parser
