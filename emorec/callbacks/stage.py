"""One stage of training: which modules learn, on what, for how long."""

from dataclasses import dataclass, field

from emorec.errors import UserError


class StageError(UserError):
    """The stages do not fit the model, or a stage left nothing to go on from."""


@dataclass
class Stage:
    """One stage of training.

    Attributes:
        epochs: How many.
        train: Modules that learn, by the start of their names (``encoders.audio``, ``fusion``);
            all others are frozen. None: all modules learn.
        objectives: Objectives that count, with their own weights. None: all of them.
        modalities: Modalities that are shown; the others are absent and cost nothing. None: all.
        unlabelled: Whether training clips without a label take part, in what needs no label.
        monitor: Validation metric whose best epoch gives the stage's weights; larger is better.
        learning_rates: Parameter group -> learning rate, where not the optimizer's.
        warmup: Objective -> training steps over which its weight rises from 0 to its own.
    """

    epochs: int
    train: list[str] | None = None
    objectives: list[str] | None = None
    modalities: list[str] | None = None
    unlabelled: bool = True
    monitor: str = "val/fused/accuracy"
    learning_rates: dict[str, float] = field(default_factory=dict)
    warmup: dict[str, int] = field(default_factory=dict)
