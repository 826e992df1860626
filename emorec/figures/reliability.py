"""A picture of how sure a model is: reliability, and what abstaining would bring."""

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from emorec.evaluation.calibration import apply_temperature, risk_coverage
from emorec.figures.plots import COLOURS

BINS = 10


def reliability_figure(scores: Tensor, target: Tensor, temperature: float, title: str) -> Figure:
    """Draw accuracy over confidence, as it was and as it is, and risk over coverage.

    Args:
        scores: float (C, classes), probabilities before the temperature.
        target: int64 (C,); -1 where unlabelled; at least one labelled clip.
        temperature: That is applied to them.
        title: Title of the picture.
    """
    figure = Figure(figsize=(9.5, 4.2), dpi=120)
    left, right = figure.subplots(1, 2)
    left.plot((0, 1), (0, 1), color="grey", linestyle="--", linewidth=1)
    warm = apply_temperature(scores, temperature)
    kinds = {"as trained": scores, f"temperature {temperature:.2f}": warm}
    rows = target >= 0
    for colour, (name, shares) in zip(COLOURS, kinds.items(), strict=False):
        sure, said = (values.cpu().numpy() for values in shares[rows].max(1))
        right_ones = said == target[rows].cpu().numpy()
        bins = np.minimum((sure * BINS).astype(int), BINS - 1)
        used = np.unique(bins)
        x = [float(sure[bins == b].mean()) for b in used]
        y = [float(right_ones[bins == b].mean()) for b in used]
        sizes = [20 + 200 * float((bins == b).mean()) for b in used]
        left.plot(x, y, color=colour, label=name, linewidth=1)
        left.scatter(x, y, s=sizes, color=colour, alpha=0.7)
    left.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(-0.02, 1.02), title=title)
    left.legend(fontsize=8, loc="upper left")
    coverage, risk = risk_coverage(warm, target)
    right.plot(coverage, risk, color=COLOURS[4], drawstyle="steps-post")
    right.set(
        xlabel="share of clips that are decided, the surest first",
        ylabel="error rate among them",
        xlim=(0, 1),
        ylim=(-0.02, max(0.1, 1.1 * max(risk))),
        title="risk and coverage",
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.title.set_fontsize(9)
    figure.tight_layout()
    return figure
