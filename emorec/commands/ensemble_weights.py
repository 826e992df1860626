"""How much each member of an ensemble counts for each class."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emorec.commands.members import Clips, EnsembleError
from emorec.fusion.late import class_weights

STATISTICS = ("recall", "precision", "f1", "equal")


def weights_of(
    votes: Sequence[Clips],
    classes: int,
    statistic: str = "recall",
    power: float = 1.0,
    *,
    gate: bool = False,
    shrink: float = 5.0,
) -> Tensor:
    """Return w, float64 (members, classes), columns of sum 1.

    w[m, c] = a[m, c]^q / sum over m' of a[m', c]^q. As epochs were chosen on the same validation
    clips and a class has few of them, a is drawn towards chance: with n_c clips of a class
    a' = (n_c a + k) / (n_c + k classes) for the recall a.

    Args:
        votes: Those of each member on validation clips.
        classes: Number of classes.
        statistic: a: ``recall``, ``precision``, ``f1``, or ``equal`` weights.
        power: q.
        gate: Drop a member for classes where it is below the members' mean.
        shrink: k; 0: as measured.

    Raises:
        EnsembleError: There is no labelled validation clip, or an option is out of range.
    """
    if statistic == "equal":
        return torch.full((len(votes), classes), 1 / len(votes), dtype=torch.float64)
    if statistic not in STATISTICS or power <= 0 or shrink < 0:
        raise EnsembleError(
            f"expected a statistic of {', '.join(STATISTICS)}, a power above 0 and a shrink of 0 "
            f"or more; got {statistic}, {power:g}, {shrink:g}"
        )
    confusion = torch.zeros(len(votes), classes, classes, dtype=torch.float64)
    for member, each in enumerate(votes):
        for scores, target, _ in each.values():
            if target >= 0:
                confusion[member, target, int(scores.argmax())] += 1
    if not confusion.any():
        raise EnsembleError(
            "the members have no labelled validation clip, on which weights are fitted: "
            "--statistic equal takes the plain mean"
        )
    return class_weights(confusion + shrink, statistic, power, gate=gate)  # type: ignore[arg-type]


def restricted(
    weights: Tensor, names: Sequence[str], classes: Sequence[str], only: Sequence[str]
) -> Tensor:
    """Return weights in which some members have 0 outside of classes of their own.

    Args:
        weights: float (members, classes), columns of sum 1.
        names: The members.
        classes: The classes.
        only: Such as ``voice=anger,fear``.

    Raises:
        EnsembleError: A member or a class does not exist, or no member is left for a class.
    """
    own: dict[str, set[str]] = {}
    for each in only:
        name, _, listed = each.partition("=")
        named = {value for value in listed.split(",") if value}
        if name not in names or not named or not named <= set(classes):
            raise EnsembleError(
                f"--only {each}: expected MEMBER=CLASS,CLASS with members {', '.join(names)} and "
                f"classes {', '.join(classes)}"
            )
        own.setdefault(name, set()).update(named)
    weights = weights.clone()
    for name, kept in own.items():
        others = [number for number, value in enumerate(classes) if value not in kept]
        weights[list(names).index(name), others] = 0
    sums = weights.sum(0)
    if not (sums > 0).all():
        lost = classes[int((sums == 0).nonzero()[0])]
        raise EnsembleError(f"--only leaves no member for the class {lost}")
    return weights / sums


def weights_table(names: Sequence[str], classes: Sequence[str], weights: Tensor) -> str:
    """Return the weights as CSV: a line a member, a column a class."""
    rows = [
        ",".join([name, *(f"{value:.6f}" for value in row)])
        for name, row in zip(names, weights.tolist(), strict=True)
    ]
    return "\n".join([",".join(["member", *classes]), *rows]) + "\n"
