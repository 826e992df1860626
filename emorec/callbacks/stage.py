"""One stage of training: which modules learn, on what, for how long."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EarlyStopping, StochasticWeightAveraging
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging

from emorec.errors import UserError
from emorec.model import EmotionModel, InForce
from emorec.tasks import EmotionTask, Schedule


class StageError(UserError):
    """The stages do not fit the model, or a stage left nothing to go on from."""


@dataclass
class Stage:
    """One stage of training.

    Attributes:
        epochs: How many; there is a validation after each.
        train: Modules that learn, by the start of their names (``encoders.audio``, ``fusion``);
            all others are frozen. None: all modules learn.
        objectives: Objectives that count, with their own weights. None: all of them.
        modalities: Encoders that are shown their modality, by name; the others see nothing and cost
            nothing. None: all.
        unlabelled: Whether training clips without a label take part, in what needs no label.
        monitor: Validation metric whose best epoch gives the stage's weights; larger is better.
        learning_rates: Parameter group -> learning rate, where not the optimizer's.
        warmup: Objective -> training steps over which its weight rises from 0 to its own.
        steps: Optimizer steps of the whole stage, in equal parts an epoch; clips are gone through
            again and again, or not all of them in an epoch. For comparisons of methods that learn
            from different numbers of clips. None: each epoch is once through the clips.
        patience: Epochs without a better ``monitor`` after which the stage ends, as finished as one
            that went through all of its epochs. None: it does not end early.
        scheduler: Learning rates over the stage; None: the task's own scheduler, if it has one.
    """

    epochs: int
    train: list[str] | None = None
    objectives: list[str] | None = None
    modalities: list[str] | None = None
    unlabelled: bool = True
    monitor: str = "val/fused/accuracy"
    learning_rates: dict[str, float] = field(default_factory=dict)
    warmup: dict[str, int] = field(default_factory=dict)
    steps: int | None = None
    patience: int | None = None
    scheduler: Schedule | None = None

    def in_force(self, model: EmotionModel) -> InForce:
        """Return what the stage hands over to the model's task."""
        names = list(model.objectives) if self.objectives is None else self.objectives
        shown = model.encoders if self.modalities is None else self.modalities
        return InForce(
            {name: model.objective(name).weight for name in names},
            tuple(sorted(shown)),
            None if self.train is None else tuple(self.train),
            self.unlabelled,
            dict(self.learning_rates),
        )

    def batches(self, epoch: int, accumulated: int) -> int | None:
        """Return the batches of an epoch; None: as many as there are clips for.

        Args:
            epoch: From 0, of the stage.
            accumulated: Batches a step.
        """
        if self.steps is None:
            return None
        whole, left = divmod(self.steps, self.epochs)
        return (whole + (epoch < left)) * accumulated


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Refuse callbacks of Lightning that do not know of stages.

    Raises:
        StageError: One would end training in the middle of a stage, or average weights that no
            stage would test.
    """
    for callback in callbacks:
        name = type(callback).__name__
        if isinstance(callback, EarlyStopping):
            raise StageError(
                f"{name} would leave the run unfinished: set training.stages.NAME.patience, which "
                "ends a stage and goes on with the next"
            )
        if isinstance(callback, (WeightAveraging, StochasticWeightAveraging)):
            raise StageError(
                f"{name} does not know of stages: what they keep and test would not be the "
                "averaged weights. Use AveragedWeights, which starts anew with each stage"
            )


def check_monitor(name: str, stage: Stage, task: EmotionTask) -> None:
    """Check that a stage measures what it monitors: its first validation may be hours away.

    Args:
        name: Of the stage.
        stage: The stage.
        task: The model. What others log than its measures of scores is not looked at.

    Raises:
        StageError: The scores are of no objective of the stage, or the measure is none of the
            task's.
    """
    found = re.fullmatch(r"val/([^/]+)/([^/]+)", stage.monitor)
    if not found:
        return
    measures = task.model.decision.measures
    counted = task.model.objectives if stage.objectives is None else stage.objectives
    scores = sorted({kind for each in counted for kind in task.model.objective(each).score_names})
    right = [found[1] in scores, found[2] in measures]
    if any(right) and not all(right):
        there = [f"val/{kind}/{measure}" for kind in scores for measure in measures]
        raise StageError(
            f"stage {name} monitors {stage.monitor}, which it does not measure; with its "
            f"objectives there are {', '.join(there) or 'no scores'}"
        )
