"""soft-HGR alone: against the naive form, in each precision, and as a share of the step.

python -m tests.gpu.loss --out FILE [--tiny]
"""

import argparse
from functools import partial
from pathlib import Path

import torch

from tests.gpu.card import device_here, finish, seconds_of
from tests.gpu.figures import Figures
from tests.gpu.step import FULL, TINY, Step
from tests.helpers.hgr_forms import SIDES, sets_of, step
from tests.helpers.pair import segments
from tests.helpers.toy import put_in_force

SHAPES = ((90, 3), (360, 3), (1024, 3), (1024, 4))  # rows, feature sets of 512
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def main(figures: Figures, *, tiny: bool) -> None:
    """Measure time and memory of each form, then the share."""
    device, sizes = device_here(), TINY if tiny else FULL
    rounds, repeats = (1, 1) if tiny else (10, 10)
    for rows, count in SHAPES[:1] if tiny else SHAPES:
        took, peak = {}, {}
        for side in SIDES:
            sets = [x.detach().to(device).requires_grad_() for x in sets_of(rows, count)]
            took[side] = seconds_of(partial(step, side, sets), device, rounds, repeats)
            peak[side] = _peak(side, sets) if device == "cuda" else None
        name = f"soft-HGR, {count} sets of {rows} x 512, forward and backward"
        for side, seconds in took.items():
            memory = peak[side]
            note = f"{took['naive'] / seconds:.2f} x as fast as naive"
            if memory is not None:
                note += f", {memory / 2**20:.1f} MiB beyond its inputs"
            figures.add(f"{name}: {side}", 1e3 * seconds, "ms", note)
    for dtype in DTYPES:
        sets = [x.detach().to(device, dtype).requires_grad_() for x in sets_of(90, 3)]
        alone = seconds_of(partial(step, "all pairs at once", sets), device, rounds, repeats)
        figures.add(f"soft-HGR, 3 sets of 90 x 512, {dtype}", 1e3 * alone, "ms")
    share(figures, sizes.faces[0], tiny=tiny)


def _peak(side: str, sets: list[torch.Tensor]) -> int:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step(side, sets)
    return torch.cuda.max_memory_allocated() - before


def share(figures: Figures, face: int, *, tiny: bool) -> None:
    """Compare the whole step with the same one without soft-HGR, in turns."""
    sizes = TINY if tiny else FULL
    train = Step(sizes, "channels last")
    batch = segments(sizes.batches[0], face).to(train.device)
    weights = {"with": {"category": 1.0, "hgr": 0.1}, "without": {"category": 1.0}}
    best = dict.fromkeys(weights, float("inf"))
    for _ in range(1 if tiny else 4):
        for name, active in weights.items():
            put_in_force(train.task, objectives=active)
            took = seconds_of(lambda: train(batch), train.device, 3, sizes.repeats)
            best[name] = min(best[name], took)
    finish(train.device)
    more = best["with"] - best["without"]
    name = f"{sizes.backbone} pair, 94 + {face} px, {len(batch)} segments"
    note = f"{1e3 * best['with']:.2f} ms with soft-HGR, {1e3 * best['without']:.2f} ms without"
    figures.add(f"{name}: share of soft-HGR", 100 * more / best["with"], "%", note)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu.loss", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, for a CPU")
    options = parser.parse_args()
    main(Figures(options.out), tiny=options.tiny)
