"""Kills ``emorec fit`` at random moments until it has ended, and compares it with a whole run.

Not part of `make test`, which kills once in each stage. Run from the root of the repository:

    python -m tests.helpers.fit_kills 50
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from tests.conftest import ROOT, Place


def main(kills: int) -> None:
    """Do as the module says; a run that ends too early is started anew in another folder."""
    folder = Path(tempfile.mkdtemp())
    place = Place(folder / "media", folder / "cache")
    subprocess.run(command(folder / "first", place), capture_output=True, check=True)
    start = time.monotonic()  # clips are made and cached by now
    subprocess.run(command(folder / "whole", place), capture_output=True, check=True)
    longest = time.monotonic() - start
    chance = random.Random(0)
    done = runs = 0
    while done < kills:
        runs += 1
        run = folder / f"killed{runs}"
        while done < kills:
            process = subprocess.Popen(
                command(run, place), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(chance.uniform(0, longest))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                done += 1
        subprocess.run(command(run, place), capture_output=True, check=True)
        assert_same(folder / "whole", run)
        print(f"{done} kills, {runs} runs, all ended with the weights of a whole run", flush=True)


OPTIONS = ["--trainer.enable_progress_bar=false", "--training.stages.joint.epochs=2"]


def command(run: Path, place: Place) -> list[str]:
    config = ["--config", str(ROOT / "configs/experiment/smoke.yaml"), "--run", str(run)]
    return [sys.executable, "-m", "emorec", "fit", *config, *place.options(), *OPTIONS]


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    path = run / f"checkpoints/{name}.ckpt"
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


def assert_same(whole: Path, killed: Path) -> None:
    for name in ("audio", "face", "joint", "last"):
        one, two = weights(whole, name), weights(killed, name)
        assert one.keys() == two.keys()
        assert [key for key in one if not torch.equal(one[key], two[key])] == [], name
    first, second = (json.loads((run / "metrics.json").read_text()) for run in (whole, killed))
    assert first == second


if __name__ == "__main__":
    main(int(sys.argv[1]))
