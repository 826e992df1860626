"""A run that was stopped and resumed ends with the weights of one that was not."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from emorec.augment import Augmentation
from emorec.callbacks import AveragedWeights, Stage, StagedTraining
from emorec.tasks import ClassificationTask, OneCycle, TorchSchedule, WarmupCosine
from emorec.types import SegmentBatch
from tests.helpers.staging import OPTIMIZER, State, Stop, Watch, changed, state_of, train
from tests.helpers.toy import ToyData, toy_task

# In each: (epoch, batch) at which the run dies.
PLACES = {"in the first stage": (1, 0), "in a stage": (4, 1), "at a stage's first epoch": (3, 1)}


def stages() -> dict[str, Stage]:
    return {
        "audio": Stage(
            3,
            train=["encoders.audio", "objectives.audio_alone"],
            objectives=["audio_alone"],
            modalities=["audio"],
            monitor="val/audio/accuracy",
        ),
        "joint": Stage(
            4,
            objectives=["class", "corr"],
            learning_rates={"encoders": 0.005},
            warmup={"corr": 5},
        ),
    }


def ended(folder: Path, stop: tuple[int, int] | None) -> tuple[State, StagedTraining]:
    def task(seed: int) -> ClassificationTask:
        return toy_task(seed, dropout=0.3, optimizer=OPTIMIZER)

    if stop is None:
        trained, staged = train(folder, stages(), task=task(0))
        return state_of(trained), staged
    with pytest.raises(InterruptedError):
        train(folder, stages(), Stop(*stop), task=task(0))
    torch.manual_seed(12345)
    trained, staged = train(folder, stages(), task=task(77), resume=True)
    return state_of(trained), staged


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[State, StagedTraining]:
    return ended(tmp_path_factory.mktemp("whole"), None)


@pytest.mark.parametrize("place", PLACES)
def test_a_resumed_run_ends_bit_identical(
    whole: tuple[State, StagedTraining], tmp_path: Path, place: str
) -> None:
    state, staged = ended(tmp_path, PLACES[place])
    assert changed(whole[0], state) == set()
    assert staged.best == whole[1].best
    for name in ("audio", "joint"):
        mine, theirs = (
            torch.load(each.checkpoint(name), weights_only=True)["state_dict"]
            for each in (staged, whole[1])
        )
        assert changed(theirs, mine) == set()


def with_lengths() -> dict[str, Stage]:
    found = stages()
    found["audio"].steps, found["audio"].scheduler = 9, WarmupCosine(0.3)
    found["joint"].steps, found["joint"].scheduler = 15, OneCycle()
    return found


@pytest.mark.parametrize("place", PLACES)
def test_a_resumed_run_has_the_steps_rates_and_mean_weights_of_one_that_was_not_stopped(
    tmp_path: Path, place: str
) -> None:
    ends = []
    for name in ("whole", "cut"):
        folder = tmp_path / name
        if name == "cut":
            task = toy_task(0, optimizer=OPTIMIZER)
            stop = Stop(*PLACES[place])
            with pytest.raises(InterruptedError):
                train(folder, with_lengths(), AveragedWeights(0.9), stop, task=task)
            torch.manual_seed(12345)
        resume = name == "cut"
        task = toy_task(0, optimizer=OPTIMIZER)
        _, staged = train(folder, with_lengths(), AveragedWeights(0.9), task=task, resume=resume)
        ends.append(
            [torch.load(staged.checkpoint(n), weights_only=True)["state_dict"] for n in stages()]
        )
    for mine, theirs in zip(*ends, strict=True):
        assert changed(theirs, mine) == set()


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_a_resumed_run_has_the_rates_of_a_plateau(tmp_path: Path, epoch: int) -> None:
    fall = TorchSchedule(partial(ReduceLROnPlateau, mode="max", patience=0, threshold=2.0))
    plan = {"one": Stage(5, scheduler=fall)}
    found = []
    for name in ("whole", "cut"):
        watch, folder = Watch(), tmp_path / name
        if name == "cut":
            with pytest.raises(InterruptedError):
                train(folder, plan, watch, Stop(epoch, 1))
        train(folder, plan, watch, resume=name == "cut")
        rates = [rate["head"] for rate in watch.rates]
        found.append(rates[:epoch] + rates[-(5 - epoch) :])
    assert found[0] == found[1]
    assert len(set(found[0])) > 2


class Jitter(Augmentation):
    """Stands for an augmentation: draws from torch's random numbers."""

    def forward(self, batch: SegmentBatch) -> SegmentBatch:
        inputs = {n: x + 0.5 * torch.randn_like(x) for n, x in batch.inputs.items()}
        return replace(batch, inputs=inputs)


def test_a_resumed_run_augments_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    def data(folder: Path) -> ToyData:
        return ToyData(folder, augment=Jitter())

    ends = []
    for name in ("whole", "cut"):
        folder = tmp_path / name
        if name == "cut":
            with pytest.raises(InterruptedError):
                train(folder, stages(), Stop(4, 0), task=toy_task(0), data=data(folder))
            torch.manual_seed(12345)
        resume = name == "cut"
        task, _ = train(folder, stages(), task=toy_task(0), data=data(folder), resume=resume)
        ends.append(state_of(task))
    assert changed(*ends) == set()
