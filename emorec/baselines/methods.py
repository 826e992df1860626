"""The classifiers: scikit-learn's, with the few settings that validation clips choose from."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from emorec.errors import UserError
from emorec.objectives.category import UNBALANCED

METHODS = ("linear", "svm", "trees")
"""``linear``: logistic regression; ``svm``: support vectors with a Gaussian kernel; ``trees``:
gradient-boosted trees."""

SETTINGS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "linear": ("C", (0.001, 0.01, 0.1, 1.0)),
    "svm": ("C", (0.3, 1.0, 3.0, 10.0)),
    "trees": ("leaves", (4, 16)),
}
"""Method -> the setting that is chosen, and the values it is chosen from. ``C``: how little weights
are held back; ``leaves``: of a tree."""

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]


class BaselineError(UserError):
    """A baseline cannot be fitted; the message says why."""


class Fitted(NamedTuple):
    """A classifier and the settings it was fitted with.

    Attributes:
        settings: Name of a setting -> value.
        classifier: Of scikit-learn.
    """

    settings: dict[str, Any]
    classifier: Any

    def scores(self, x: Matrix, classes: int) -> Matrix:
        """Return probabilities (clips, classes); 0 for classes that were not in training.

        Those of the support vectors are the softmax of their decision values, which are ordered but
        not calibrated.
        """
        if hasattr(self.classifier, "predict_proba"):
            found = self.classifier.predict_proba(x)
        else:
            margins = self.classifier.decision_function(x)
            if margins.ndim == 1:  # two classes
                margins = np.stack([-margins, margins], 1)
            found = softmax(margins, 1)
        every = np.zeros((len(x), classes))
        every[:, self.classifier.classes_] = found
        return every


def candidates(
    method: str, x: Matrix, y: Labels, seed: int, fixed: Mapping[str, Any] | None = None
) -> Iterator[Fitted]:
    """Yield a method, fitted with each of its settings.

    Features are standardised by the training clips; missing ones are their mean. Where the largest
    class has more than twice the clips of the smallest, classes count alike.

    Args:
        method: One of :data:`METHODS`.
        x: Features (clips, D); NaN where missing.
        y: Classes (clips,).
        seed: Of the trees.
        fixed: A setting of :data:`SETTINGS` -> the one value to use.

    Raises:
        BaselineError: The method or a setting is unknown, scikit-learn is not installed, or there
            is one class.
    """
    try:
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise BaselineError(
            "baselines need scikit-learn: pip install 'emorec[baseline]'"
        ) from error
    if method not in METHODS:
        raise BaselineError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    counts = np.bincount(y)
    counts = counts[counts > 0]
    if len(counts) < 2:
        raise BaselineError("the labelled training clips are all of one class; nothing to learn")
    weight = "balanced" if counts.max() > UNBALANCED * counts.min() else None
    for settings, make in _settings(method, weight, seed, fixed or {}):
        fill = SimpleImputer(keep_empty_features=True)
        pipeline = make_pipeline(fill, StandardScaler(), make())
        yield Fitted(dict(settings), pipeline.fit(x, y))


def _settings(
    method: str, weight: str | None, seed: int, fixed: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], Callable[[], Any]]]:
    name, values = SETTINGS[method]
    if unknown := sorted(set(fixed) - {name}):
        raise BaselineError(f"{method} has the setting {name}, got {', '.join(unknown)}")
    for value in (_positive(name, fixed[name]),) if name in fixed else values:
        if method == "linear":
            from sklearn.linear_model import LogisticRegression

            make = partial(LogisticRegression, C=value, class_weight=weight, max_iter=3000)
        elif method == "svm":
            from sklearn.svm import SVC

            make = partial(SVC, C=value, class_weight=weight)
        else:
            from sklearn.ensemble import HistGradientBoostingClassifier

            make = partial(
                HistGradientBoostingClassifier,
                max_iter=100,
                max_leaf_nodes=value,
                max_features=0.1,  # of a thousand features most are alike
                class_weight=weight,
                early_stopping=False,
                random_state=seed,
            )
        yield {name: value}, make


def _positive(name: str, value: Any) -> float:
    kind = int if name == "leaves" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not value > (name == "leaves"):
        wanted = "a whole number of at least 2" if name == "leaves" else "a number above 0"
        raise BaselineError(f"{name} must be {wanted}, got {value!r}")
    return value
