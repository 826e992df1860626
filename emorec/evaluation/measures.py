"""Measures of results: two tables, used wherever they are computed, written or shown.

A measure added here appears in validation logs, ``metrics.json``, dashboards, studies and sweeps;
one for classes also in ``summary.txt``, the results with missing modalities and model cards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emorec.functional import concordance

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A scalar measure of decisions on clips, or of one dimension's values.

    Attributes:
        name: Its key and column, such as ``macro_f1``.
        title: Its displayed name, such as ``macro F1``.
        of: Computes it. For classes: from a confusion matrix (C, C), float64, in clips, rows true,
            columns predicted, with at least one clip. For values: from the predictions and the gold
            standard, float64 (n,) each, of n known steps, possibly 0. NaN where undefined.
        factor: Factor for display: 100 for percent.
        digits: Displayed decimals.
        more_is_better: Whether larger is better; only such measures can be monitored by stages.
    """

    name: str
    title: str
    of: Callable[..., Any]
    factor: float = 100.0
    digits: int = 1
    more_is_better: bool = True

    @property
    def heading(self) -> str:
        """Heading of a column of its values."""
        return f"{self.title}, %" if self.factor == 100 else self.title

    def shown(self, value: float | None) -> str:
        """Return a value as text, padded to seven characters."""
        if value is None:
            return f"{'n/a':>7}"
        text = f"{self.factor * value:.{self.digits}f}"
        return f"{text + '%' * (self.factor == 100):>7}"


def accuracy(confusion: Tensor) -> Tensor:
    """Return the share of clips decided correctly, 0 to 1 (also called WA or WAR)."""
    return confusion.diagonal().sum() / confusion.sum()


def uar(confusion: Tensor) -> Tensor:
    """Return the unweighted average recall, 0 to 1, over the classes that occur.

    A class without a clip is ignored: averaging a 0 for it would blame the model for the split.
    """
    true = confusion.sum(1)
    return (confusion.diagonal() / true)[true > 0].mean()


def macro_f1(confusion: Tensor) -> Tensor:
    """Return the mean F1, 0 to 1, over the classes that occur."""
    return _f1(confusion)[confusion.sum(1) > 0].mean()


def weighted_f1(confusion: Tensor) -> Tensor:
    """Return the mean F1, 0 to 1, weighted by the classes' clips, as is usual for MELD."""
    true = confusion.sum(1)
    occurs = true > 0
    return (_f1(confusion)[occurs] * true[occurs]).sum() / true.sum()


def kappa(confusion: Tensor) -> Tensor:
    """Return Cohen's kappa, -1 to 1: agreement corrected for chance (0).

    Chance predicts each class as often as the model does. NaN if a single class occurs, both true
    and predicted. Cohen, Educational and Psychological Measurement 1960, 20(1):37-46.
    """
    clips = confusion.sum()
    chance = (confusion.sum(0) * confusion.sum(1)).sum() / clips**2
    return (accuracy(confusion) - chance) / (1 - chance)


def _f1(confusion: Tensor) -> Tensor:
    return 2 * confusion.diagonal() / (confusion.sum(1) + confusion.sum(0))


MEASURES = (
    Measure("accuracy", "accuracy", accuracy),
    Measure("uar", "UAR", uar),
    Measure("macro_f1", "macro F1", macro_f1),
    Measure("weighted_f1", "weighted F1", weighted_f1),
    Measure("kappa", "kappa", kappa, factor=1, digits=3),
)
"""For classes, in display order; the first is the main one in tables, tests and figures."""


def ccc(predicted: Column, gold: Column) -> float:
    """Return the concordance correlation coefficient, -1 to 1 (Lin 1989).

    NaN if the gold standard is constant, or has fewer than two steps.
    """
    if len(gold) < 2 or gold.std() == 0:
        return np.nan
    pair = torch.from_numpy(np.stack([predicted, gold])).unsqueeze(-1)
    return float(concordance(*pair)[0])


def pearson(predicted: Column, gold: Column) -> float:
    """Return Pearson's correlation coefficient, -1 to 1; NaN if either is constant."""
    if len(gold) < 2 or gold.std() == 0 or predicted.std() == 0:
        return np.nan
    return float(np.corrcoef(predicted, gold)[0, 1])


def rmse(predicted: Column, gold: Column) -> float:
    """Return the root mean square error, in the unit of the target; NaN without a step."""
    return float(np.sqrt(np.mean(np.square(predicted - gold)))) if len(gold) else np.nan


TRACE_MEASURES = (
    Measure("ccc", "CCC", ccc, factor=1, digits=3),
    Measure("pearson", "Pearson's r", pearson, factor=1, digits=3),
    Measure("rmse", "RMSE", rmse, factor=1, digits=3, more_is_better=False),
)
"""For each dimension of values over time; over all dimensions, their mean is used."""
