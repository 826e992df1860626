"""How long a stage lasts: a number of steps, patience, and learning rates that know of it."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, StochasticWeightAveraging
from lightning.pytorch.callbacks.weight_averaging import EMAWeightAveraging
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from emorec.callbacks import Stage, StageError
from emorec.errors import UserError
from emorec.tasks import OneCycle, TorchSchedule, WarmupCosine
from tests.helpers.staging import OPTIMIZER, Watch, changed, three_stages, train
from tests.helpers.toy import ToyData, toy_task


class Count(Callback):
    """Keeps the learning rate of each step, and which clips were seen."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.batches: list[int] = []
        self.seen: list[set[tuple[int, int]]] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.batches.append(0)
        self.seen.append(set())

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        self.batches[-1] += 1
        self.seen[-1] |= set(zip(batch.clip.tolist(), batch.index.tolist(), strict=True))


@pytest.mark.parametrize("data", [{}, {"labelled_share": 0.2, "labelled_only": True}])
def test_a_stage_has_its_steps_whatever_the_number_of_clips(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    count = Count()
    stages = {"one": Stage(3, steps=10), "two": Stage(2, steps=9), "three": Stage(1)}
    train(tmp_path, stages, count, data=ToyData(tmp_path, **data))
    assert count.batches[:5] == [4, 3, 3, 5, 4]
    once = len(count.seen[5])  # segments, 10 a batch
    assert count.batches[5] == -(-once // 10)
    assert len(count.seen[0]) == min(once, 40)
    assert (once < 40) == bool(data)


def test_steps_are_of_the_optimizer(tmp_path: Path) -> None:
    count = Count()
    train(tmp_path, {"one": Stage(2, steps=6)}, count, accumulate_grad_batches=2)
    assert count.batches == [6, 6]


class Fixed(Callback):
    """Logs scores that are known beforehand."""

    def __init__(self, *scores: float) -> None:
        self.scores = scores

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        pl_module.log("val/fixed", self.scores[trainer.current_epoch])


def test_a_stage_that_does_not_become_better_ends_and_the_next_one_begins(tmp_path: Path) -> None:
    stages = {
        "one": Stage(9, patience=2, monitor="val/fixed"),
        "two": Stage(9, patience=3, monitor="val/fixed"),
    }
    watch = Watch()
    scores = (0.1, 0.3, 0.2, 0.3, 0.5, 0.4, 0.4, 0.1)
    _, staged = train(tmp_path, stages, Fixed(*scores), watch)
    assert staged.ended == {"one": 4, "two": 4}
    assert {name: best["epoch"] for name, best in staged.best.items()} == {"one": 1, "two": 4}
    assert len(watch.ends) == staged.epochs == 8
    assert changed(watch.starts[4], watch.ends[1]) == set()
    assert [staged.stage_at(epoch) for epoch in (3, 4)] == [("one", 0), ("two", 4)]


def rates(tmp_path: Path, stage: Stage, **options: Any) -> list[float]:
    count = Count()
    train(tmp_path, {"one": stage}, count, task=toy_task(optimizer=OPTIMIZER, **options))
    return count.rates


def test_the_learning_rate_rises_and_falls_along_a_cosine(tmp_path: Path) -> None:
    found = rates(tmp_path, Stage(2, steps=40, scheduler=WarmupCosine(0.25, 0.1)))
    assert found[:10] == pytest.approx([0.02 * (i + 1) / 11 for i in range(10)])
    assert found[10] == pytest.approx(0.02)
    assert found[25] == pytest.approx(0.02 * (0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2))
    assert found[-1] == pytest.approx(0.002, rel=0.2)
    assert len(found) == 40


def test_one_cycle_is_as_long_as_the_stage(tmp_path: Path) -> None:
    found = rates(tmp_path, Stage(2, scheduler=OneCycle(0.5)))
    assert found[0] == pytest.approx(0.02 / 25)
    assert max(found) == pytest.approx(0.02, rel=0.1)
    assert found.index(max(found)) == pytest.approx(len(found) / 2, abs=1)
    assert found[-1] < 0.1 * max(found)


def test_schedulers_of_torch_go_on_by_step_or_by_epoch(tmp_path: Path) -> None:
    halve = partial(StepLR, step_size=1, gamma=0.5)
    by_step = rates(tmp_path / "a", Stage(2, steps=4, scheduler=TorchSchedule(halve, "step")))
    assert by_step == pytest.approx([0.02, 0.01, 0.005, 0.0025])
    by_epoch = rates(tmp_path / "b", Stage(2, steps=4, scheduler=TorchSchedule(halve)))
    assert by_epoch == pytest.approx([0.02, 0.02, 0.01, 0.01])
    own = rates(tmp_path / "c", Stage(2, steps=4), scheduler=halve)
    assert own == by_epoch


def test_each_stage_has_a_schedule_of_its_own(tmp_path: Path) -> None:
    count = Count()
    stages = {
        "one": Stage(1, steps=10, scheduler=WarmupCosine(0.5)),
        "two": Stage(1, steps=4, scheduler=WarmupCosine(0.0), learning_rates={"encoders": 0.5}),
        "three": Stage(1, steps=3),
    }
    train(tmp_path, stages, count, task=toy_task(optimizer=OPTIMIZER))
    assert count.rates[0] == pytest.approx(0.02 / 6)
    assert count.rates[10] == pytest.approx(0.5)
    assert count.rates[14:] == pytest.approx([0.02] * 3)


def test_a_plateau_is_of_what_the_stage_monitors(tmp_path: Path) -> None:
    fall = partial(ReduceLROnPlateau, mode="max", patience=0, factor=0.5, threshold=2.0)
    found = rates(tmp_path / "a", Stage(3, steps=3, scheduler=TorchSchedule(fall)))
    assert found == pytest.approx([0.02, 0.02, 0.01])
    assert rates(tmp_path / "b", Stage(3, steps=3), scheduler=fall) == found
    wrong = partial(ReduceLROnPlateau, mode="min")
    with pytest.raises(UserError, match="mode: max"):
        rates(tmp_path / "c", Stage(3, steps=3), scheduler=wrong)


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        (EarlyStopping("val/fused/accuracy", mode="max"), "patience"),
        (EMAWeightAveraging(), "Use AveragedWeights"),
        (StochasticWeightAveraging(1e-3), "Use AveragedWeights"),
    ],
)
def test_callbacks_that_do_not_work_with_stages_are_refused(
    tmp_path: Path, callback: Callback, words: str
) -> None:
    with pytest.raises(StageError, match=words):
        train(tmp_path, three_stages(), callback)


@pytest.mark.parametrize(
    ("stage", "words"),
    [({"steps": 1}, "fewer than its epochs"), ({"patience": 0}, "expected 1 or more")],
)
def test_impossible_lengths_are_refused(tmp_path: Path, stage: dict[str, Any], words: str) -> None:
    with pytest.raises(StageError, match=words):
        train(tmp_path, {"one": Stage(2, **stage)})


@pytest.mark.parametrize("schedule", [{"warmup": 1.0}, {"least": -0.1}])
def test_impossible_shares_are_refused(schedule: dict[str, float]) -> None:
    with pytest.raises(UserError, match="share"):
        WarmupCosine(**schedule)
    with pytest.raises(UserError, match="share"):
        OneCycle(1.5)


def test_rates_of_a_stage_stay_what_they_were(tmp_path: Path) -> None:
    watch = Watch()
    train(tmp_path, {"one": Stage(2, steps=4)}, watch, task=toy_task(optimizer=OPTIMIZER))
    assert {rate for rates in watch.rates for rate in rates.values()} == {0.02}


@pytest.mark.parametrize(
    ("stage", "options", "words"),
    [
        (Stage(2, steps=9), {"limit_train_batches": 2}, "limit_train_batches would cut"),
        (Stage(1), {"check_val_every_n_epoch": 2}, "would never be validated"),
    ],
)
def test_options_of_the_trainer_that_a_stage_cannot_have_are_refused(
    tmp_path: Path, stage: Stage, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(StageError, match=words):
        train(tmp_path, {"one": stage}, **options)


def test_a_wrong_schedule_of_a_later_stage_is_refused_before_the_first(tmp_path: Path) -> None:
    watch = Watch()
    wrong = TorchSchedule(partial(ReduceLROnPlateau, mode="min"))
    with pytest.raises(UserError, match="mode: max"):
        train(tmp_path, {"one": Stage(1), "two": Stage(1, scheduler=wrong)}, watch)
    assert watch.starts == []


def test_objectives_warm_up_over_steps_of_the_optimizer(tmp_path: Path) -> None:
    watch = Watch()
    stages = {"one": Stage(3, steps=10, warmup={"corr": 10})}
    train(tmp_path, stages, watch, accumulate_grad_batches=2)
    shares = [active["corr"] / 0.1 for active in watch.active]
    assert shares == pytest.approx([(step + 1) / 10 for step in range(10) for _ in range(2)])
