"""One stage of training: which modules are trained, on what, for how long."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EarlyStopping, StochasticWeightAveraging
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging

from emorec.errors import UserError
from emorec.model import EmotionModel, InForce
from emorec.tasks import EmotionTask, Schedule


class StageError(UserError):
    """The stages do not fit the model, or a stage's best weights are missing."""


@dataclass
class Stage:
    """One stage of training.

    Attributes:
        epochs: Number of epochs; each ends with a validation.
        train: Name prefixes of the modules to train (``encoders.audio``, ``fusion``); all others
            are frozen. None: all modules are trained.
        objectives: Active objectives, with their own weights. None: all.
        modalities: Names of the active encoders; the others get no input and cost nothing. None:
            all.
        unlabelled: Whether unlabelled training clips take part in losses that need no label.
        monitor: Validation metric whose best epoch gives the stage's weights; larger is better.
        keep: ``best``: the weights of that epoch; ``last``: those of the last one that was
            validated, whatever ``monitor`` says. For schedules that end at a low rate, and for few
            validation clips, whose chance would otherwise choose an epoch in the middle.
        learning_rates: Parameter group -> learning rate, if not the optimizer's.
        warmup: Objective -> training steps over which its weight rises from 0 to its own.
        steps: Optimizer steps of the whole stage, divided equally over its epochs; an epoch then
            repeats clips or does not use all of them. For comparing methods that learn from
            different numbers of clips. None: each epoch uses each clip once.
        patience: Epochs without a better ``monitor`` after which the stage ends, like one that
            completed its epochs. None: no early end.
        scheduler: Learning-rate schedule of the stage; None: the task's own scheduler, if any.
    """

    epochs: int
    train: list[str] | None = None
    objectives: list[str] | None = None
    modalities: list[str] | None = None
    unlabelled: bool = True
    monitor: str = "val/fused/accuracy"
    keep: Literal["best", "last"] = "best"
    learning_rates: dict[str, float] = field(default_factory=dict)
    warmup: dict[str, int] = field(default_factory=dict)
    steps: int | None = None
    patience: int | None = None
    scheduler: Schedule | None = None

    def in_force(self, model: EmotionModel) -> InForce:
        """Return what the stage activates in the model's task."""
        names = list(model.objectives) if self.objectives is None else self.objectives
        active = model.encoders if self.modalities is None else self.modalities
        return InForce(
            {name: model.objective(name).weight for name in names},
            tuple(sorted(active)),
            None if self.train is None else tuple(self.train),
            self.unlabelled,
            dict(self.learning_rates),
        )

    def batches(self, epoch: int, accumulated: int) -> int | None:
        """Return the number of batches of an epoch; None: as many as the clips fill.

        Args:
            epoch: Epoch within the stage, from 0.
            accumulated: Batches per optimizer step.
        """
        if self.steps is None:
            return None
        steps, remainder = divmod(self.steps, self.epochs)
        return (steps + (epoch < remainder)) * accumulated


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Reject Lightning callbacks that do not work with stages.

    Raises:
        StageError: One would end training in the middle of a stage, or average weights that no
            stage would test.
    """
    for callback in callbacks:
        name = type(callback).__name__
        if isinstance(callback, EarlyStopping):
            raise StageError(
                f"{name} would leave the run unfinished: set training.stages.NAME.patience, which "
                "ends a stage and continues with the next"
            )
        if isinstance(callback, (WeightAveraging, StochasticWeightAveraging)):
            raise StageError(
                f"{name} does not work with stages, which would not save and test the averaged "
                "weights. Use AveragedWeights, which restarts with each stage"
            )


def check_monitor(name: str, stage: Stage, task: EmotionTask) -> None:
    """Check that a stage measures what it monitors, as its first validation may be hours away.

    Args:
        name: Name of the stage.
        stage: The stage.
        task: The task. Metrics other than its measures of scores are not checked.

    Raises:
        StageError: No objective of the stage gives the scores, or the task lacks the measure.
    """
    match = re.fullmatch(r"val/([^/]+)/([^/]+)", stage.monitor)
    if not match:
        return
    measures = task.model.decision.measures
    active = task.model.objectives if stage.objectives is None else stage.objectives
    scores = sorted({key for each in active for key in task.model.objective(each).score_names})
    known = [match[1] in scores, match[2] in measures]
    if any(known) and not all(known):
        metrics = [f"val/{key}/{measure}" for key in scores for measure in measures]
        raise StageError(
            f"stage {name} monitors {stage.monitor}, which it does not measure; with its "
            f"objectives it measures {', '.join(metrics) or 'no scores'}"
        )
