"""Learning rates over a stage: schedules that know how long it is."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, NamedTuple

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from emorec.errors import UserError

SchedulerCallable = Callable[[Optimizer], LRScheduler]


class Schedule(ABC):
    """Makes the learning-rate scheduler of a stage.

    Attributes:
        every: When it goes on: after each optimizer ``step``, or each ``epoch``.
    """

    every: Literal["step", "epoch"] = "step"

    @abstractmethod
    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler.

        Args:
            optimizer: Of the stage; each parameter group has its own learning rate.
            steps: Optimizer steps of the whole stage, if it does not end early.
        """


class WarmupCosine(Schedule):
    """Rises to the learning rate in a straight line, then falls along half a cosine.

    Loshchilov and Hutter 2017 (https://arxiv.org/abs/1608.03983), one period, with a warm-up as in
    Goyal et al. 2017 (https://arxiv.org/abs/1706.02677).

    Args:
        warmup: Share of the stage's steps in which it rises, 0 to below 1.
        least: What is left at the end, as a share of the learning rate, 0 to 1.

    Raises:
        UserError: A share is not within its bounds.
    """

    def __init__(self, warmup: float = 0.05, least: float = 0.0) -> None:
        if not 0 <= warmup < 1 or not 0 <= least <= 1:
            raise UserError(
                f"warmup is a share from 0 to below 1, least one from 0 to 1; got {warmup}, {least}"
            )
        self.warmup, self.least = warmup, least

    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler; see the base class."""
        rise = round(self.warmup * steps)

        def factor(step: int) -> float:
            if step < rise:
                return (step + 1) / (rise + 1)
            done = min(1.0, (step - rise) / max(1, steps - rise))
            return self.least + (1 - self.least) * (1 + math.cos(math.pi * done)) / 2

        return LambdaLR(optimizer, factor)


class OneCycle(Schedule):
    """Rises from a 25th of the learning rate to it, then falls to next to nothing.

    Smith and Topin 2018 (https://arxiv.org/abs/1708.07120), as torch's ``OneCycleLR``; momentum (of
    Adam beta 1) falls and rises the other way. The optimizer's learning rate is the highest.

    Args:
        rise: Share of the stage's steps in which it rises, 0 to 1.

    Raises:
        UserError: The share is not within its bounds.
    """

    def __init__(self, rise: float = 0.3) -> None:
        if not 0 <= rise <= 1:
            raise UserError(f"rise is a share from 0 to 1, got {rise}")
        self.rise = rise

    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler; see the base class."""
        highest = [group["lr"] for group in optimizer.param_groups]
        # One step more: Lightning goes on after the last one too.
        return OneCycleLR(optimizer, highest, total_steps=steps + 1, pct_start=self.rise)


class TorchSchedule(Schedule):
    """Any scheduler of torch, by step or by epoch.

    Args:
        scheduler: Makes it from the optimizer.
        every: ``step`` or ``epoch``.
    """

    def __init__(
        self, scheduler: SchedulerCallable, every: Literal["step", "epoch"] = "epoch"
    ) -> None:
        self.scheduler, self.every = scheduler, every

    def __call__(self, optimizer: Optimizer, steps: int) -> LRScheduler:
        """Return the scheduler; see the base class."""
        return self.scheduler(optimizer)


class Planned(NamedTuple):
    """The schedule of a stage that is entered.

    Attributes:
        schedule: What makes the scheduler; None: the task's own, if it has one.
        steps: Optimizer steps of the whole stage.
        monitor: What the stage monitors; larger is better.
    """

    schedule: Schedule | None
    steps: int
    monitor: str

    def config(
        self, optimizer: Optimizer, own: SchedulerCallable | None
    ) -> LRScheduler | dict[str, object] | None:
        """Return the scheduler as Lightning takes it; None where there is none.

        Args:
            optimizer: Of the stage.
            own: What makes the task's own scheduler.

        Raises:
            UserError: It waits for a value to fall, and what stages monitor rises.
        """
        if self.schedule is not None:
            made, every = self.schedule(optimizer, self.steps), self.schedule.every
        elif own is not None:
            made, every = own(optimizer), "epoch"
        else:
            return None
        found: dict[str, object] = {"scheduler": made, "interval": every}
        if isinstance(made, ReduceLROnPlateau):
            if every != "epoch":
                raise UserError("ReduceLROnPlateau goes on after validations: give it every: epoch")
            if made.mode != "max":
                raise UserError(
                    "ReduceLROnPlateau follows what the stage monitors, which is better the larger "
                    "it is: give it mode: max"
                )
            # StagedTraining goes on with it, after each validation; Lightning never does.
            found |= {"monitor": self.monitor, "reduce_on_plateau": True, "frequency": 1 << 30}
        elif every == "epoch":
            return made
        return found
