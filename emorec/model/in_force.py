"""The part of a model and its training that a stage activates."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InForce:
    """What is active in the current stage.

    The model uses the first two, training uses all; checkpoints store them.

    Attributes:
        objectives: Name -> weight of each active objective; the others are not computed, and
            their heads give no scores.
        modalities: Names of the active encoders; the others get no input, and their features are
            zeros.
        train: Name prefixes of the trained modules (``encoders.audio``, ``fusion``); None: all.
        unlabelled: Whether unlabelled rows take part in training.
        learning_rates: Prefix of a parameter group's name (``encoders``, ``encoders.audio``,
            ``fusion``, ``head``, ``label_encoder``, ``objectives.NAME``) -> learning rate, if it
            is not the optimizer's.
    """

    objectives: Mapping[str, float]
    modalities: tuple[str, ...]
    train: tuple[str, ...] | None = None
    unlabelled: bool = True
    learning_rates: Mapping[str, float] = field(default_factory=dict)

    def learns(self, name: str) -> bool:
        """Return whether a parameter group, such as ``encoders.audio``, is trained."""
        return self.train is None or any(f"{name}.".startswith(f"{t}.") for t in self.train)
