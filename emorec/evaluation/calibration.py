"""Confidence of a model: temperature scaling, calibration error, abstention."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

SMALLEST = 1e-12  # floor of probabilities before the logarithm
HOTTEST = 20.0


def apply_temperature(scores: Tensor, temperature: float | Tensor) -> Tensor:
    """Return probabilities p^(1/T), normalised to a sum of 1; the likeliest class is unchanged.

    On the softmax of logits this is the softmax of logits / T (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599). Here p is a clip's vote, the mean over its segments, from
    which the clip is decided.

    Args:
        scores: float (..., classes), probabilities.
        temperature: T, above 0; above 1 lowers the confidence.
    """
    return (scores.clamp(min=SMALLEST).log() / temperature).softmax(-1)


def fit_temperature(scores: Tensor, target: Tensor) -> float | None:
    """Return the temperature with the least negative log likelihood.

    Args:
        scores: float (C, classes), probabilities of clips, at temperature 1.
        target: int64 (C,); -1 where unlabelled.

    Returns:
        1/20 to 20; None where undetermined: no labelled clip, or no wrong decision (the smallest T
        would always win).
    """
    from scipy.optimize import minimize_scalar  # lazy: slow to import

    rows = target >= 0
    p, y = scores[rows].double().cpu(), target[rows].cpu()
    if not len(y) or bool((p.argmax(1) == y).all()):
        return None

    def loss(log_t: float) -> float:
        scaled = apply_temperature(p, float(np.exp(log_t)))
        return -float(scaled[torch.arange(len(y)), y].clamp(min=SMALLEST).log().mean())

    limit = float(np.log(HOTTEST))
    found = minimize_scalar(loss, bounds=(-limit, limit), method="bounded")
    return float(np.exp(found.x))


class Calibration(NamedTuple):
    """Calibration of probabilities on labelled clips.

    Attributes:
        ece: Expected calibration error: the mean of |accuracy - confidence| over 15 equal bins of
            confidence, weighted by their clips; 0 to 1.
        nll: Negative log likelihood, in nats.
        brier: Brier score: the sum over classes of squared differences, 0 to 2.
        aurc: Area under the risk-coverage curve, 0 to 1: the mean error rate over all coverages,
            most confident decisions first.
    """

    ece: float
    nll: float
    brier: float
    aurc: float


def calibration(scores: Tensor, target: Tensor) -> Calibration | None:
    """Return the calibration of probabilities; None without a labelled clip.

    Args:
        scores: float (C, classes), probabilities.
        target: int64 (C,); -1 where unlabelled.
    """
    from torchmetrics.functional.classification import multiclass_calibration_error  # lazy: slow

    rows = target >= 0
    p, y = scores[rows].float().cpu(), target[rows].cpu()
    if not len(y):
        return None
    p_true = p[torch.arange(len(y)), y].clamp(min=SMALLEST)
    one_hot = torch.nn.functional.one_hot(y, p.shape[1])
    return Calibration(
        float(multiclass_calibration_error(p, y, p.shape[1], n_bins=15)),
        -float(p_true.log().mean()),
        float((p - one_hot).square().sum(1).mean()),
        float(np.mean(risk_coverage(scores, target)[1])),
    )


def risk_coverage(scores: Tensor, target: Tensor) -> tuple[list[float], list[float]]:
    """Return the coverages of labelled clips, most confident first, and their error rates.

    Selective prediction (El-Yaniv and Wiener 2010): with a threshold on the confidence, the model
    decides a share of the clips (coverage) and errs on a share of these (risk).

    Args:
        scores: float (C, classes), probabilities.
        target: int64 (C,); -1 where unlabelled.
    """
    rows = target >= 0
    confidence, predicted = scores[rows].cpu().max(1)
    order = confidence.argsort(descending=True, stable=True)
    wrong = (predicted != target[rows].cpu())[order].double()
    count = torch.arange(1, len(wrong) + 1)
    return (count / max(1, len(wrong))).tolist(), (wrong.cumsum(0) / count).tolist()
