"""What a user of one clip waits for: importing what predicts, against importing torch alone."""

import subprocess
import sys
from statistics import median

TIMES = 5


def seconds(module: str) -> float:
    """Return how long importing a module takes in a process of its own, without its start."""
    code = f"from time import perf_counter as t; a = t(); import {module}; print(t() - a)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_import() -> None:
    modules = ("torch", "emorec.predict", "emorec.tasks")
    found: dict[str, list[float]] = {module: [] for module in modules}
    for _ in range(TIMES):  # in turns: what else the machine does falls on all
        for module in modules:
            found[module].append(seconds(module))
    torch = median(found["torch"])
    for module, each in found.items():
        print(f"import {module}: {median(each):.2f} s, {median(each) / torch:.2f} x import torch")
