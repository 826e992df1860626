"""A training step with compiled encoders and CUDA graphs, and what then still costs time.

python -m tests.gpu.compiled --out FILE [--tiny]
"""

import argparse
from pathlib import Path

from tests.gpu.card import card_here
from tests.gpu.figures import Figures
from tests.gpu.step import COMPILED, FULL, TINY, WAYS, Part, Sizes
from tests.helpers.toy import put_in_force


def main(figures: Figures, sizes: Sizes, *, tiny: bool) -> None:
    """Measure both ways for each size of face; the fastest first, since compiling takes minutes."""
    card = card_here(tiny=tiny)
    parts = [Part(figures, sizes, face, card) for face in sizes.faces]
    for way in list(reversed(WAYS[COMPILED:]))[: 1 if tiny else 2]:
        for part in parts:
            part.attempt(f"{part.name}: {way}", measure, part, way)


def measure(part: Part, way: str) -> None:
    """Measure one way, and the same without soft-HGR, which is not compiled."""
    step = part.one_way(way)
    put_in_force(step.task, objectives={"category": 1.0})
    part.timed(step, f"{way}, without soft-HGR")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu.compiled", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, for a CPU")
    options = parser.parse_args()
    main(Figures(options.out), TINY if options.tiny else FULL, tiny=options.tiny)
