"""What a checkpoint stores for prediction besides weights and the options of classes."""

from dataclasses import asdict
from typing import Any

from emorec.model.model import EmotionModel
from emorec.system.described import described
from emorec.types import EmotionData

# Options of a task that define the model; the others concern training.
OPTIONS = ("encoders", "fusion", "objectives", "label_encoder", "reads")
PREFIX = "model."  # prefix of the model's tensors in a checkpoint


def kept_of(model: EmotionModel, data: EmotionData | None) -> dict[str, Any]:
    """Return what prediction needs: targets, what is in force, windows and extractors.

    Args:
        model: The model.
        data: Its data module; None: for a checkpoint that only training reads.

    Returns:
        Plain values: ``target``, ``targets``, ``in_force`` and, from the data, class and arguments
        of ``windows`` and ``extractors``, and what inputs are normalised ``within``.
    """
    kept: dict[str, Any] = {
        "target": model.target_name,
        "targets": kept_targets(model),
        "in_force": asdict(model.in_force),
    }
    if data is not None:
        kept["windows"], kept["within"] = described(data.windows), data.within
        kept["extractors"] = {name: described(each) for name, each in data.extractors.items()}
    return kept


def kept_targets(model: EmotionModel) -> dict[str, Any]:
    """Return a model's targets as plain values."""
    return {name: target.to_dict() for name, target in model.targets.items()}
