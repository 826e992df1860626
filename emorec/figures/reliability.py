"""A figure of a model's confidence: reliability, and risk over coverage."""

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from emorec.evaluation.calibration import apply_temperature, risk_coverage
from emorec.figures.plots import COLOURS

BINS = 10


def reliability_figure(scores: Tensor, target: Tensor, temperature: float, title: str) -> Figure:
    """Draw accuracy over confidence before and after temperature scaling, and risk over coverage.

    Args:
        scores: float (C, classes), probabilities before temperature scaling.
        target: int64 (C,); -1 where unlabelled; at least one labelled clip.
        temperature: Temperature to apply.
        title: Title of the figure.
    """
    figure = Figure(figsize=(9.5, 4.2), dpi=120)
    left, right = figure.subplots(1, 2)
    left.plot((0, 1), (0, 1), color="grey", linestyle="--", linewidth=1)
    scaled = apply_temperature(scores, temperature)
    kinds = {"as trained": scores, f"temperature {temperature:.2f}": scaled}
    rows = target >= 0
    for colour, (name, posteriors) in zip(COLOURS, kinds.items(), strict=False):
        confidence, predicted = (values.cpu().numpy() for values in posteriors[rows].max(1))
        correct = predicted == target[rows].cpu().numpy()
        bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
        used = np.unique(bins)
        x = [float(confidence[bins == b].mean()) for b in used]
        y = [float(correct[bins == b].mean()) for b in used]
        sizes = [20 + 200 * float((bins == b).mean()) for b in used]
        left.plot(x, y, color=colour, label=name, linewidth=1)
        left.scatter(x, y, s=sizes, color=colour, alpha=0.7)
    left.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(-0.02, 1.02), title=title)
    left.legend(fontsize=8, loc="upper left")
    coverage, risk = risk_coverage(scaled, target)
    right.plot(coverage, risk, color=COLOURS[4], drawstyle="steps-post")
    right.set(
        xlabel="share of clips decided, most confident first",
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
