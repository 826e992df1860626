"""What a stage of training puts in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InForce:
    """What counts now, of all that a model has; another stage hands over another one.

    The model goes by the first two; they are kept in checkpoints. Training goes by all.

    Attributes:
        objectives: Name -> weight of each that counts; one that is not in it is not evaluated,
            and its head says nothing.
        modalities: Encoders that are shown their modality, by name; the others see nothing, and
            their features are zeros.
        train: Modules that learn, by the start of their names (``encoders.audio``, ``fusion``);
            None: all.
        unlabelled: Whether rows without a label take part in training.
        learning_rates: Prefix of a parameter group's name (``encoders``, ``encoders.audio``,
            ``fusion``, ``head``, ``label_encoder``, ``objectives.NAME``) -> learning rate, where
            it is not the optimizer's.
    """

    objectives: Mapping[str, float]
    modalities: tuple[str, ...]
    train: tuple[str, ...] | None = None
    unlabelled: bool = True
    learning_rates: Mapping[str, float] = field(default_factory=dict)

    def learns(self, name: str) -> bool:
        """Return whether a parameter group, such as ``encoders.audio``, learns."""
        return self.train is None or any(f"{name}.".startswith(f"{t}.") for t in self.train)
