"""Training in stages: what is frozen, what is new, where a stage starts, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from emorec.callbacks import Stage, StagedTraining, StageError
from emorec.errors import ModelError
from emorec.types import FeatureBundle, SegmentBatch
from tests.helpers.staging import (
    OPTIMIZER,
    Watch,
    changed,
    in_model,
    state_of,
    three_stages,
    train,
)
from tests.helpers.toy import ToyData, ToyEncoder, toy_task

Run = tuple[Watch, Path, StagedTraining]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("staged")
    watch = Watch()
    _, staged = train(folder, three_stages(), watch)
    return watch, folder, staged


def test_all_stages_are_trained_for_their_epochs(run: Run) -> None:
    watch, folder, staged = run
    assert len(watch.ends) == staged.epochs == 6
    assert {path.stem for path in (folder / "checkpoints").iterdir()} == {
        "audio",
        "face",
        "joint",
        "last",
        "before_last",
    }


@pytest.mark.parametrize(("epoch", "name"), [(0, "audio"), (1, "audio"), (2, "face"), (3, "face")])
def test_only_the_modules_of_a_stage_move_under_weight_decay(
    run: Run, epoch: int, name: str
) -> None:
    watch, _, _ = run
    moved = changed(watch.starts[epoch], watch.ends[epoch])
    prefixes = (f"encoders.{name}.", f"objectives.{name}_alone.")
    assert {key for key in moved if not key.startswith(prefixes)} == set()
    parameters = {"encoders." + name + ".linear.weight", f"objectives.{name}_alone.head.weight"}
    assert parameters <= moved


def test_running_statistics_of_frozen_encoders_do_not_move(run: Run) -> None:
    watch, _, _ = run
    for epoch, frozen, learning in ((0, "face", "audio"), (2, "audio", "face")):
        moved = changed(watch.starts[epoch], watch.ends[epoch])
        statistics = ("running_mean", "running_var", "num_batches_tracked")
        for name in statistics:
            assert f"encoders.{frozen}.norm.{name}" not in moved
            assert f"encoders.{learning}.norm.{name}" in moved


def test_a_frozen_encoder_that_is_shown_does_not_move_either(tmp_path: Path) -> None:
    watch = Watch()
    stages = {"fusion": Stage(2, train=["fusion", "head"], objectives=["class"])}
    before = toy_task()
    train(tmp_path, stages, watch, task=before)
    moved = changed(watch.starts[0], watch.ends[-1])
    assert {key.split(".")[0] for key in moved} == {"fusion", "head"}


def test_the_joint_stage_moves_both_encoders(run: Run) -> None:
    watch, _, _ = run
    moved = changed(watch.starts[4], watch.ends[4])
    for name in ("audio", "face"):
        assert f"encoders.{name}.linear.weight" in moved
        assert f"encoders.{name}.norm.running_mean" in moved
    assert {"fusion.layers.0.weight", "head.weight", "label_encoder.linear.weight"} <= moved


def test_the_optimizer_is_fresh_in_each_stage_and_kept_within_it(run: Run) -> None:
    watch, _, _ = run
    ids = [id(optimizer) for optimizer in watch.optimizers]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert ids[4] == ids[5]
    assert len(set(ids)) == 3
    assert [count > 0 for count in watch.entries] == [False, True] * 3


def test_a_stage_starts_from_the_best_weights_of_the_one_before(tmp_path: Path) -> None:
    class Worse(Watch):
        """Makes each stage's second epoch the worse one."""

        def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            value = 0.9 if trainer.current_epoch in (0, 3) else 0.5
            pl_module.log("val/made", value)

    watch = Worse()
    stages = {name: Stage(2, monitor="val/made") for name in ("one", "two", "three")}
    _, staged = train(tmp_path, stages, watch)
    assert {n: b["epoch"] for n, b in staged.best.items()} == {"one": 0, "two": 3, "three": 4}
    assert changed(watch.starts[2], watch.ends[0]) == set()
    assert changed(watch.starts[2], watch.ends[1]) != set()
    assert changed(watch.starts[4], watch.ends[3]) == set()


def test_the_best_epoch_is_that_of_the_monitor_and_ties_go_to_the_first(run: Run) -> None:
    watch, folder, staged = run
    scores = watch.scores[4:]
    best = max(range(2), key=lambda i: (scores[i] or 0, -i))
    assert staged.best["joint"] == {"score": scores[best], "epoch": 4 + best}
    saved = torch.load(folder / "checkpoints" / "joint.ckpt", weights_only=True)
    assert saved["epoch"] == 4 + best
    assert changed(in_model(saved["state_dict"]), watch.ends[4 + best]) == set()
    assert saved["emorec"]["in_force"]["objectives"] == {"class": 1.0, "corr": 0.1}


def test_the_last_epoch_is_kept_where_it_shall_be(tmp_path: Path) -> None:
    class Worse(Watch):
        """Makes later epochs worse."""

        def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            pl_module.log("val/made", 1.0 / (1 + trainer.current_epoch))

    watch = Worse()
    stages = {
        "one": Stage(3, monitor="val/made", keep="last"),
        "two": Stage(3, monitor="val/made", keep="best"),
    }
    _, staged = train(tmp_path, stages, watch)
    assert staged.best["one"] == {"score": pytest.approx(1 / 3), "epoch": 2}
    assert staged.best["two"]["epoch"] == 3
    saved = torch.load(tmp_path / "checkpoints" / "one.ckpt", weights_only=True)
    assert changed(in_model(saved["state_dict"]), watch.ends[2]) == set()
    assert changed(watch.starts[3], watch.ends[2]) == set()


def test_a_stages_checkpoint_stores_what_was_in_force(run: Run) -> None:
    _, folder, _ = run
    kept = torch.load(folder / "checkpoints" / "face.ckpt", weights_only=True)["emorec"]
    assert kept["in_force"]["objectives"] == {"face_alone": 1.0}
    assert kept["in_force"]["modalities"] == ("face",)


def test_objectives_warm_up_from_zero_to_their_own_weight(tmp_path: Path) -> None:
    watch = Watch()
    stages = {
        "first": Stage(1, objectives=["class"]),
        "warm": Stage(2, objectives=["class", "corr"], warmup={"corr": 8}),
    }
    train(tmp_path, stages, watch)
    steps = len(watch.active) // 3
    assert steps == 5  # 48 segments of training clips in batches of 10, or one fewer
    assert all("corr" not in active for active in watch.active[:steps])
    weights = [active["corr"] for active in watch.active[steps:]]
    assert weights == pytest.approx([0.1 * min(1, (i + 1) / 8) for i in range(10)])


def test_learning_rates_are_those_of_the_stage(tmp_path: Path) -> None:
    watch = Watch()
    rates = {"encoders": 0.001, "head": 0.5}
    stages = {
        "one": Stage(1, objectives=["class"]),
        "two": Stage(1, objectives=["class"], learning_rates=rates),
        "three": Stage(1, objectives=["class"]),
    }
    train(tmp_path, stages, watch)
    assert set(watch.rates[0].values()) == set(watch.rates[2].values()) == {0.02}
    two = watch.rates[1]
    assert (two["encoders.audio"], two["encoders.face"], two["head"]) == (0.001, 0.001, 0.5)
    assert two["fusion"] == 0.02


def test_a_number_of_epochs_beside_the_stages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"trainer\.max_epochs is 3, but the stages have"):
        train(tmp_path, three_stages(), Watch(), max_epochs=3)


@pytest.mark.parametrize("limit", [{"max_steps": 3}, {"max_time": "00:00:01:00"}])
def test_what_cuts_an_epoch_short_is_refused(limit: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"trainer\.max_steps and trainer\.max_time would cut"):
        train(tmp_path, three_stages(), Watch(), **limit)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": ["encoders.voice"]}, r"stage s, train: unknown encoders.voice; known: .*fusion"),
        ({"objectives": ["clas"]}, r"stage s, objectives: unknown clas; known: .*class, corr"),
        ({"modalities": ["video"]}, r"stage s, modalities: unknown video; known: audio, face"),
        ({"learning_rates": {"encoder": 0.1}}, r"stage s, learning_rates: unknown encoder;"),
        ({"warmup": {"hgr": 3}}, r"stage s, warmup: unknown hgr;"),
        ({"objectives": ["class"], "warmup": {"corr": 3}}, r"stage s, warmup: .*corr"),
        ({"monitor": "val/fused/f1"}, r"stage s monitors val/fused/f1.*val/fused/accuracy"),
    ],
)
def test_wrong_names_are_refused_with_the_known_ones(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(StageError, match=message):
        train(tmp_path, {"s": Stage(1, **options)})


@pytest.mark.parametrize("monitor", ["val/fused/acc", "val/audio/accuracy"])
def test_what_a_stage_does_not_measure_is_refused_before_the_first_one(
    monitor: str, tmp_path: Path
) -> None:
    stages = three_stages()
    stages["joint"].monitor = monitor  # the joint stage has no head on audio alone
    with pytest.raises(StageError, match=f"stage joint monitors {monitor}.* val/fused/macro_f1"):
        train(tmp_path, stages)
    assert not list(tmp_path.rglob("*.ckpt"))


def test_stages_without_an_epoch_are_refused() -> None:
    for stages in ({}, {"a": Stage(2), "b": Stage(0)}):
        with pytest.raises(StageError, match="at least"):
            StagedTraining(stages)


def test_patience_and_the_last_epoch_exclude_each_other() -> None:
    with pytest.raises(StageError, match="set only one of the two"):
        StagedTraining({"a": Stage(2, patience=1, keep="last")})


def test_the_stage_is_a_function_of_the_epoch() -> None:
    staged = StagedTraining({"a": Stage(2), "b": Stage(1), "c": Stage(3)})
    assert staged.epochs == 6
    assert [staged.stage_at(epoch) for epoch in range(6)] == [
        *[("a", 0)] * 2,
        ("b", 2),
        *[("c", 3)] * 3,
    ]
    with pytest.raises(StageError, match="epoch 6 is after the last stage"):
        staged.stage_at(6)


def test_missing_best_weights_are_named(tmp_path: Path) -> None:
    class Lost(Watch):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            (tmp_path / "checkpoints" / "audio.ckpt").unlink(missing_ok=True)

    with pytest.raises(StageError, match=r"no weights of stage audio at .*audio\.ckpt"):
        train(tmp_path, three_stages(), Lost())


def test_other_modules_than_tasks_are_refused() -> None:
    staged = StagedTraining({"a": Stage(1)})
    with pytest.raises(ModelError, match=r"expected an emorec\.tasks\.EmotionTask, got Lightning"):
        staged.on_fit_start(Trainer(logger=False), LightningModule())


def test_the_toy_encoder_has_what_freezing_gets_wrong() -> None:
    names = set(state_of(ToyEncoder()))
    assert {"linear.weight", "norm.weight", "norm.running_mean"} <= names


def test_a_stage_can_leave_out_what_has_no_label(tmp_path: Path) -> None:
    stages = {
        "first": Stage(1, objectives=["class", "corr"], unlabelled=False),
        "second": Stage(1, objectives=["class", "corr"]),
    }
    seen: dict[int, list[bool]] = {0: [], 1: []}
    task = toy_task(optimizer=OPTIMIZER)
    losses = task.losses

    def look(bundle: FeatureBundle, batch: SegmentBatch) -> Any:
        """Note whether a row without a label reaches the objectives."""
        if task.training:
            rows = bundle.present["audio"] & ~batch.labelled["emotion"]
            seen[task.current_epoch].append(bool(rows.any()))
        return losses(bundle, batch)

    task.losses = look  # type: ignore[method-assign]
    train(tmp_path, stages, task=task, data=ToyData(tmp_path, labelled_share=0.5))
    assert not any(seen[0])
    assert any(seen[1])
