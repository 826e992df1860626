"""Optimizers and their parameter groups."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer

from emorec.model import EmotionModel

OptimizerCallable = Callable[[Iterable[Any]], Optimizer]


def adam(parameters: Iterable[Any]) -> Optimizer:
    """Return the paper's optimizer: Adam with learning rate 0.001."""
    return torch.optim.Adam(parameters, lr=1e-3)


def groups_of(model: EmotionModel, *, decay_norms: bool) -> list[dict[str, Any]]:
    """Return the parameter groups of an optimizer, named by top-level module.

    Args:
        model: The model; learning rates in force are set in its groups.
        decay_norms: Whether weight decay applies to biases, to scales of normalisation layers and
            to other learned vectors, such as layer weights. If not, they are in separate groups.
    """
    groups = []
    learning_rates = model.in_force.learning_rates
    for name, parameters in model.parameter_groups().items():
        group: dict[str, Any] = {"params": parameters, "name": name}
        rates = {k: v for k, v in learning_rates.items() if f"{name}.".startswith(f"{k}.")}
        if rates:
            group["lr"] = rates[max(rates, key=len)]
        vectors = [] if decay_norms else [p for p in parameters if p.ndim <= 1]
        if vectors:
            group["params"] = [p for p in parameters if p.ndim > 1]
            plain = {**group, "params": vectors, "name": f"{name} (no decay)", "weight_decay": 0.0}
            groups += [each for each in (group, plain) if each["params"]]
        else:
            groups.append(group)
    return groups
