"""Frozen parts of encoders run once a window, and the features are the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn

from emorec.augment import ModalityDropout
from emorec.callbacks import Stage, StagedTraining
from emorec.encoders import Encoder
from emorec.model.memo import Memo
from tests.helpers.toy import DIM, WIDTH, ToyData, ToyEncoder, put_in_force, toy_batch, toy_task


class Counting(Encoder):
    """A frozen layer that counts its rows, and one that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.dim, self.seen = DIM, 0
        self.trunk = nn.Linear(WIDTH, 3).requires_grad_(False)
        self.last = nn.Linear(3, DIM)

    def forward(self, x: Tensor) -> Tensor:
        return self.learned(self.fixed(x))

    @property
    def has_fixed_part(self) -> bool:
        return True

    def fixed(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        made: Tensor = self.trunk(x).tanh()
        return made

    def learned(self, x: Tensor) -> Tensor:
        features: Tensor = self.last(x)
        return features


def task_of_two(**options: Any) -> Any:
    return toy_task(encoders={"audio": Counting(), "face": ToyEncoder()}, **options)


def test_features_and_gradients_are_those_without_it() -> None:
    task = task_of_two()
    batch = toy_batch(8, audio=[True] * 6 + [False] * 2)
    plain = task.model(batch)
    plain.output.square().sum().backward()
    wanted = {name: p.grad for name, p in task.named_parameters()}
    task.zero_grad()
    task.model.remember(same_inputs=True)
    for _ in range(2):
        task.zero_grad()
        bundle = task.model(batch)
        bundle.output.square().sum().backward()
        for name in ("audio", "face", "fused"):
            torch.testing.assert_close(bundle.features[name], plain.features[name])
        for name, parameter in task.named_parameters():
            if wanted[name] is None:
                assert parameter.grad is None, name
            else:
                torch.testing.assert_close(parameter.grad, wanted[name])
    assert task.model.encoders["audio"].seen == 8 + 16  # a block, once


def test_encoders_that_a_stage_freezes_are_remembered_whole() -> None:
    task = task_of_two()
    put_in_force(task, train=("fusion", "head"))
    task.model.remember(same_inputs=True)
    batch = toy_batch(8)
    first = task.model(batch)
    with torch.no_grad():
        for parameter in task.model.encoders.parameters():
            parameter.fill_(0.0)
    second = task.model(batch)
    for name in ("audio", "face"):
        torch.testing.assert_close(second.features[name], first.features[name])
        assert not second.features[name].requires_grad


def test_rows_are_known_by_clip_and_window() -> None:
    memo, part = Memo(frozenset()), nn.Linear(WIDTH, 2)
    batch = toy_batch(8)
    everything = torch.ones(8, dtype=torch.bool)
    x = batch.inputs["audio"]
    made = memo.rows("audio", part, x, batch, everything)
    turned = batch.rows(slice(2, 6))
    again = memo.rows("audio", part, torch.zeros(4, WIDTH), turned, everything[:4])
    torch.testing.assert_close(again, made[2:6])
    nothing = memo.rows("audio", part, x, batch, ~everything)
    assert nothing.shape == (8, 2)
    assert not nothing.any()
    assert not memo.rows("face", part, x, batch, ~everything).any()


def test_what_does_not_fit_is_computed_each_time() -> None:
    seen = []

    def part(x: Tensor) -> Tensor:
        seen.append(len(x))
        return x[:, :2].clone()

    memo, batch = Memo(frozenset(), limit=5 * 8), toy_batch(8)
    everything = torch.ones(8, dtype=torch.bool)
    with pytest.warns(UserWarning, match=r"fill 0\.0 GiB; those of further windows are computed"):
        memo.rows("audio", part, batch.inputs["audio"], batch, everything)
    found = memo.rows("audio", part, batch.inputs["audio"], batch, everything)
    torch.testing.assert_close(found, batch.inputs["audio"][:, :2])
    assert seen == [16, 16]  # always blocks of one size: 8 rows, then 3
    assert memo.bytes == 40


class Ends(Callback):
    """Notes how many rows the frozen part has seen after each epoch."""

    def __init__(self, encoder: Counting) -> None:
        self.encoder = encoder
        self.seen: list[int] = []

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self.seen.append(self.encoder.seen)


def fit(task: Any, data: ToyData, callback: Callback, folder: Path) -> None:
    trainer = Trainer(
        default_root_dir=folder,
        callbacks=[StagedTraining({"joint": Stage(3)}), callback],
        accelerator="cpu",
        max_epochs=-1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(task, data)


@pytest.mark.parametrize("augmented", [False, True])
def test_it_is_used_in_stages_whose_inputs_are_not_augmented(
    augmented: bool, tmp_path: Path
) -> None:
    task = task_of_two()
    encoder = task.model.encoders["audio"]
    ends = Ends(encoder)
    data = ToyData(tmp_path, augment=ModalityDropout(0.0) if augmented else None)
    fit(task, data, ends, tmp_path)
    first, second, third = ends.seen
    assert (second == first == third) != augmented
    assert task.model.memo is None


def test_callbacks_that_change_inputs_are_seen(tmp_path: Path) -> None:
    class Changes(Ends):
        changes_inputs = True

    task = task_of_two()
    ends = Changes(task.model.encoders["audio"])
    fit(task, ToyData(tmp_path), ends, tmp_path)
    assert ends.seen[1] > ends.seen[0]


def test_nothing_is_left_after_an_interruption(tmp_path: Path) -> None:
    class Stops(Callback):
        def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            assert task.model.memo is not None
            raise InterruptedError

    task = task_of_two()
    with pytest.raises(InterruptedError):
        fit(task, ToyData(tmp_path), Stops(), tmp_path)
    assert task.model.memo is None


def test_what_is_remembered_does_not_depend_on_the_company() -> None:
    part = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64))
    x = torch.randn(45, 64)
    batch = replace(toy_batch(45), clip=torch.arange(45))
    everything = torch.ones(45, dtype=torch.bool)
    at_once = Memo(frozenset()).rows("audio", part, x, batch, everything)
    bit_by_bit = Memo(frozenset())
    for start in range(0, 45, 7):
        some = slice(start, start + 7)
        bit_by_bit.rows("audio", part, x[some], batch.rows(some), everything[some])
    again = bit_by_bit.rows("audio", part, x, batch, everything)
    assert torch.equal(again, at_once)


def test_a_subclass_with_another_forward_runs_each_time() -> None:
    class Other(Counting):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    task = toy_task(encoders={"audio": Other(), "face": ToyEncoder()})
    batch = toy_batch(8)
    plain = task.model(batch).features["audio"]
    task.model.remember(same_inputs=True)
    torch.testing.assert_close(task.model(batch).features["audio"], plain)


class Normed(ToyEncoder):
    """A fixed part, and batch norm in what learns."""

    has_fixed_part = True

    def fixed(self, x: Tensor) -> Tensor:
        return 2 * x

    def learned(self, x: Tensor) -> Tensor:
        return super().forward(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.learned(self.fixed(x))


@pytest.mark.parametrize("present", [[True, False, True, False] * 2, [False] * 8])
def test_batch_norm_behind_a_fixed_part_sees_present_rows_alone(present: list[bool]) -> None:
    found = {}
    for remembered in (False, True):
        torch.manual_seed(0)
        task = toy_task(encoders={"audio": Normed(), "face": ToyEncoder()}).train()
        if remembered:
            task.model.remember(same_inputs=True)
        features = task(toy_batch(8, audio=present)).features["audio"]
        encoder = task.model.encoder("audio")
        found[remembered] = features, encoder.norm.running_mean  # type: ignore[union-attr]
    for one, other in zip(found[False], found[True], strict=True):
        torch.testing.assert_close(one, other)
