"""Speech transformers on the windows of a clip: seconds and memory, forward and training.

    python -m tests.benchmarks.speech_encoders          # base models with random weights, a minute

Each case is a process of its own: 30 windows of half a second, one thread. ``forward`` is a frozen
encoder (features without a gradient), ``two layers`` trains the last two, ``all`` all layers but
the convolutions, ``checkpointed`` the same with activations computed again.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from statistics import median
from typing import Any

import torch

CASES = ("wavlm", "hubert", "wav2vec2", "whisper")
WAYS: dict[str, dict[str, Any]] = {
    "forward": {"learning_layers": 0},
    "two layers": {"learning_layers": 2},
    "all": {"learning_layers": None},
    "checkpointed": {"learning_layers": None, "gradient_checkpointing": True},
}


def measure(architecture: str, way: str, windows: int, repeats: int, threads: int) -> None:
    """Print seconds a pass (median), and what it adds to the process's peak memory in MiB."""
    from emorec.encoders import SpeechEncoder

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    encoder = SpeechEncoder(architecture, dim=512, **WAYS[way]).train()  # type: ignore[arg-type]
    sound = 0.1 * torch.randn(windows, 8000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = []
    for _ in range(repeats + 1):  # the first one warms up
        start = time.perf_counter()
        encoder(sound).square().mean().backward()
        taken.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    millions = sum(p.numel() for p in encoder.model.parameters()) / 1e6
    found = {"seconds": median(taken[1:]), "mib": (after - before) / 1024, "millions": millions}
    sys.stdout.write(json.dumps(found) + "\n")


def main() -> None:
    """Measure all cases, each in its own process, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs=2, metavar=("ARCHITECTURE", "WAY"))
    parser.add_argument("--windows", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.case:
        architecture, way = options.case
        measure(architecture, way, options.windows, options.repeats, options.threads)
        return
    lines = ["| model (million parameters) | way | seconds | MiB |", "|---|---|---|---|"]
    for architecture in CASES:
        for way in WAYS:
            command = [sys.executable, "-m", "tests.benchmarks.speech_encoders"]
            command += ["--case", architecture, way, f"--windows={options.windows}"]
            command += [f"--repeats={options.repeats}", f"--threads={options.threads}"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            name = f"{architecture} ({found['millions']:.0f})"
            lines.append(f"| {name} | {way} | {found['seconds']:.2f} | {found['mib']:.0f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
