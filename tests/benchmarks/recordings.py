"""A training step of affect over time: seconds and memory, for windows of 6 and of 20 s.

    python -m tests.benchmarks.recordings              # all cases, a quarter of an hour

Each case is a process of its own: forward and backward of both networks, the LSTM and the loss on
random sound and faces, as in ``configs/model/end_to_end.yaml`` (96-pixel faces, ResNet-50) and
``end_to_end_small.yaml`` (48 pixels). The optimizer is not part of it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from statistics import median

import torch

from emorec.encoders import FrameSequenceEncoder, ImageEncoder, RawWaveformEncoder
from emorec.functional import concordance
from emorec.fusion import RecurrentFusion
from emorec.types import Sizes

# Model, seconds of a window, windows a batch.
CASES = (("small", 6, 2), ("small", 20, 2), ("published", 6, 2), ("published", 20, 1))


def measure(model: str, seconds: int, batch: int, repeats: int, threads: int) -> None:
    """Print seconds a step (median), and the process's peak memory beyond its start in MiB."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    big, steps = model == "published", 25 * seconds
    audio = RawWaveformEncoder("code" if big else "newer")
    image = (
        ImageEncoder("resnet50", dim=None) if big else ImageEncoder("shufflenet_v2_x0_5", dim=64)
    )
    face = FrameSequenceEncoder(image, "none")
    sizes = Sizes({"audio": audio.dim, "face": face.dim}, {"affect": 2})
    fusion = RecurrentFusion(sizes, 2 if big else 1, 256 if big else 64)
    head = fusion.head(2)
    side = 96 if big else 48
    sound = 0.1 * torch.randn(batch, 640 * steps)
    frames = torch.randn(batch, steps, 3, side, side)
    gold = torch.randn(batch, steps, 2)
    there = {name: torch.ones(batch, dtype=torch.bool) for name in sizes.features}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = []
    for _ in range(repeats + 1):  # the first one warms up
        start = time.perf_counter()
        values = head(fusion({"audio": audio(sound), "face": face(frames)}, there))
        loss = (1 - concordance(values.flatten(0, 1), gold.flatten(0, 1))).mean()
        torch.autograd.backward(loss)
        taken.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = {"seconds": median(taken[1:]), "mib": (after - before) / 1024}
    sys.stdout.write(json.dumps(found) + "\n")


def main() -> None:
    """Measure all cases, each in its own process, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs=3, metavar=("MODEL", "SECONDS", "BATCH"))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.case:
        model, seconds, batch = options.case
        measure(model, int(seconds), int(batch), options.repeats, options.threads)
        return
    lines = [
        "| model | window, s | windows a step | seconds a step | MiB |",
        "|---|---|---|---|---|",
    ]
    for case in CASES:
        command = [sys.executable, "-m", "tests.benchmarks.recordings", "--case", *map(str, case)]
        command += [f"--repeats={options.repeats}", f"--threads={options.threads}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        model, seconds, batch = case
        row = f"{found['seconds']:.2f} | {found['mib']:.0f}"
        lines.append(f"| {model} | {seconds} | {batch} | {row} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
