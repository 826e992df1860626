"""Learning-rate schedules that know the length of a stage."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, NamedTuple

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from typing_extensions import override

from emorec.errors import UserError

SchedulerCallable = Callable[[Optimizer], LRScheduler]


class Schedule(ABC):
    """Makes the learning-rate scheduler of a stage.

    Attributes:
        every: When it is stepped: after each optimizer ``step``, or each ``epoch``.
    """

    every: Literal["step", "epoch"] = "step"

    @abstractmethod
    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler.

        Args:
            optimizer: Optimizer of the stage; each parameter group has its own learning rate.
            steps: Optimizer steps of the whole stage, unless it ends early.
        """


class WarmupCosine(Schedule):
    """Linear warm-up to the learning rate, then cosine decay.

    Loshchilov and Hutter 2017 (https://arxiv.org/abs/1608.03983), one period, with a warm-up as in
    Goyal et al. 2017 (https://arxiv.org/abs/1706.02677).

    Args:
        warmup: Share of the stage's steps for the warm-up, 0 to below 1.
        least: Final value as a share of the learning rate, 0 to 1.

    Raises:
        UserError: A share is out of bounds.
    """

    def __init__(self, warmup: float = 0.05, least: float = 0.0) -> None:
        if not 0 <= warmup < 1 or not 0 <= least <= 1:
            raise UserError(
                "warmup must be a share from 0 to below 1, least one from 0 to 1; got "
                f"{warmup}, {least}"
            )
        self.warmup, self.least = warmup, least

    @override
    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        rise = round(self.warmup * steps)

        def factor(step: int) -> float:
            if step < rise:
                return (step + 1) / (rise + 1)
            done = min(1.0, (step - rise) / max(1, steps - rise))
            return self.least + (1 - self.least) * (1 + math.cos(math.pi * done)) / 2

        return LambdaLR(optimizer, factor)


class OneCycle(Schedule):
    """Rises from 1/25 of the learning rate to it, then falls to almost 0.

    Smith and Topin 2018 (https://arxiv.org/abs/1708.07120), as torch's ``OneCycleLR``; momentum
    (beta 1 of Adam) moves inversely. The optimizer's learning rate is the maximum.

    Args:
        rise: Share of the stage's steps in which it rises, 0 to 1.

    Raises:
        UserError: The share is out of bounds.
    """

    def __init__(self, rise: float = 0.3) -> None:
        if not 0 <= rise <= 1:
            raise UserError(f"rise must be a share from 0 to 1, got {rise}")
        self.rise = rise

    @override
    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        maximum = [group["lr"] for group in optimizer.param_groups]
        # One more, as Lightning steps the scheduler after the last step too.
        return OneCycleLR(optimizer, maximum, total_steps=steps + 1, pct_start=self.rise)


class TorchSchedule(Schedule):
    """Any torch scheduler, stepped per optimizer step or per epoch.

    Args:
        scheduler: Makes the scheduler from the optimizer.
        every: ``step`` or ``epoch``.
    """

    def __init__(
        self, scheduler: SchedulerCallable, every: Literal["step", "epoch"] = "epoch"
    ) -> None:
        self.scheduler, self.every = scheduler, every

    @override
    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        return self.scheduler(optimizer)


class Planned(NamedTuple):
    """The schedule of a stage.

    Attributes:
        schedule: Makes the scheduler; None: the task's default, if any.
        steps: Optimizer steps of the whole stage.
        monitor: Metric that the stage monitors; larger is better.
    """

    schedule: Schedule | None
    steps: int
    monitor: str

    def config(
        self, optimizer: Optimizer, own: SchedulerCallable | None
    ) -> LRScheduler | dict[str, object] | None:
        """Return the scheduler in Lightning's format; None without one.

        Args:
            optimizer: Optimizer of the stage.
            own: Makes the task's default scheduler.

        Raises:
            UserError: A ReduceLROnPlateau steps per optimizer step, or has a mode other than max.
        """
        if self.schedule is not None:
            made, every = self.schedule(optimizer, self.steps), self.schedule.every
        elif own is not None:
            made, every = own(optimizer), "epoch"
        else:
            return None
        config: dict[str, object] = {"scheduler": made, "interval": every}
        if isinstance(made, ReduceLROnPlateau):
            if every != "epoch":
                raise UserError("ReduceLROnPlateau is stepped after validation: set every: epoch")
            if made.mode != "max":
                raise UserError(
                    "ReduceLROnPlateau follows the metric that the stage monitors, for which "
                    "larger is better: set mode: max"
                )
            # StagedTraining steps it after each validation; Lightning never does.
            config |= {"monitor": self.monitor, "reduce_on_plateau": True, "frequency": 1 << 30}
        elif every == "epoch":
            return made
        return config
