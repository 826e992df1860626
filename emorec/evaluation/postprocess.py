"""Post-processing of traces, fitted step by step on development recordings.

The chain of AVEC's baselines, as in Tzirakis et al. 2017 (https://arxiv.org/abs/1704.08619): median
filter, centring, scaling, shift in time, each kept only if it raises the CCC on them.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from emorec.evaluation.measures import ccc

Column = NDArray[np.float64]
"""(steps,), one dimension of one recording; NaN where unknown."""

STEP = 0.04  # seconds, of the published grids
MEDIANS = tuple(range(10, 501, 10))  # 0.4 to 20 s
SHIFTS = tuple(range(1, 252, 5))  # 0.04 to 10 s
GAIN = 1e-9  # smaller gains are rounding errors


class Chain(NamedTuple):
    """The steps for one dimension.

    Attributes:
        median: Length of the median filter in steps; 0: none.
        centre: Mean that each recording is shifted to; NaN: none.
        scale: Scale factor around ``about``; 1: none.
        about: Fixed point of the scaling.
        shift: Steps by which the trace is delayed (negative: advanced), edge values repeated.
    """

    median: int = 0
    centre: float = float("nan")
    scale: float = 1.0
    about: float = 0.0
    shift: int = 0

    def __call__(self, trace: Column) -> Column:
        """Return the trace after all steps; NaN stays NaN."""
        return self.moved(_filtered(trace, self.median))

    def described(self) -> dict[str, float | None] | None:
        """Return the steps by name, with None for no centring; None for the identity."""
        if repr(self) == repr(Chain()):  # NaN is not equal to NaN
            return None
        return {**self._asdict(), "centre": None if np.isnan(self.centre) else self.centre}

    def moved(self, trace: Column) -> Column:
        """Return a trace after all steps but the median filter."""
        if np.isnan(trace).all():
            return trace
        if not np.isnan(self.centre):
            trace = trace - np.nanmean(trace) + self.centre
        trace = self.about + self.scale * (trace - self.about)
        return _shifted(trace, self.shift)


def fit_chain(traces: Sequence[Column], gold: Sequence[Column], step: float = STEP) -> Chain:
    """Return a chain that raises the CCC of all recordings together, or the identity.

    The steps are fitted in the order of application, and again with the shift first: on traces
    with a time offset, a median filter seems to help. The better chain is returned. Scaling is
    around the mean of the predictions; the public code multiplies the values, which moves the mean
    too.

    Args:
        traces: Predictions for each recording, one dimension.
        gold: Gold standard of each, with as many steps; NaN where unknown.
        step: Seconds per step; the grids cover the same times for any.
    """
    if not gold:
        return Chain()
    true = np.concatenate(gold)

    @cache
    def filtered(steps: int) -> list[Column]:
        return [_filtered(trace, steps) for trace in traces]

    def applied(chain: Chain) -> Column:
        return np.concatenate([chain.moved(trace) for trace in filtered(chain.median)])

    def score(chain: Chain) -> float:
        predicted = applied(chain)
        known = ~(np.isnan(predicted) | np.isnan(true))
        return ccc(predicted[known], true[known])

    start = score(Chain())
    if np.isnan(start):
        return Chain()

    def medians(chain: Chain) -> list[Chain]:
        return [chain._replace(median=steps) for steps in _in_steps(MEDIANS, step)]

    def centred(chain: Chain) -> list[Chain]:
        return [chain._replace(centre=float(np.nanmean(true)))]

    def scaled(chain: Chain) -> list[Chain]:
        predicted = applied(chain)
        known = ~(np.isnan(predicted) | np.isnan(true))
        spread = predicted[known].std()
        scale = float(true[known].std() / spread) if spread > 0 else 1.0
        return [chain._replace(scale=scale, about=float(predicted[known].mean()))]

    def shifted(chain: Chain) -> list[Chain]:
        lengths = _in_steps(SHIFTS, step)
        return [chain._replace(shift=sign * steps) for steps in lengths for sign in (1, -1)]

    fitted = []
    for order in ((medians, centred, scaled, shifted), (shifted, centred, scaled, medians)):
        chain, best = Chain(), start
        for candidates in order:
            for candidate in candidates(chain):
                value = score(candidate)
                if value > best + GAIN:
                    chain, best = candidate, value
        fitted.append((best, chain))
    return max(fitted, key=lambda pair: pair[0])[1]


def _in_steps(grid: Sequence[int], step: float) -> list[int]:
    """Convert a grid in steps of 40 ms to steps of another length, without duplicates and 0."""
    return sorted({round(steps * STEP / step) for steps in grid} - {0})


def _filtered(trace: Column, steps: int) -> Column:
    if not steps:
        return trace
    import pandas as pd  # lazy: classification does not need it, and it is slow to import

    # The window is truncated at the edges.
    medians = pd.Series(trace).rolling(steps, center=True, min_periods=1).median().to_numpy()
    return np.asarray(np.where(np.isnan(trace), np.nan, medians), np.float64)


def _shifted(trace: Column, steps: int) -> Column:
    if not steps:
        return trace
    index = np.arange(len(trace)) - steps
    return np.asarray(trace[index.clip(0, len(trace) - 1)], np.float64)
