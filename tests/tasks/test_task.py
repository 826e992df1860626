"""The task on toy batches: what it assembles, what reaches the output, what it logs."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from emorec.errors import ModelError
from emorec.fusion import ConcatFusion
from emorec.objectives import CrossEntropy
from emorec.tasks import ClassificationTask
from emorec.types import Sizes
from tests.helpers.toy import CLASSES, DIM, ToyEncoder, put_in_force, toy_batch, toy_task


def test_configuring_twice_changes_nothing() -> None:
    task = toy_task()
    modules = dict(task.named_modules())
    before = {key: value.clone() for key, value in task.state_dict().items()}
    assert dict(task.named_modules()) == modules
    assert all(torch.equal(value, before[key]) for key, value in task.state_dict().items())


def test_a_target_that_the_data_lacks_is_refused() -> None:
    with pytest.raises(ModelError, match="no target 'valence' in the data; it has emotion"):
        toy_task(target="valence")


def test_features_output_and_masks_have_their_shapes() -> None:
    task = toy_task().eval()
    bundle = task(toy_batch(8))
    assert bundle.output.shape == (8, len(CLASSES))
    assert {name: value.shape for name, value in bundle.features.items()} == {
        "audio": (8, DIM),
        "face": (8, DIM),
        "fused": (8, DIM),
    }
    assert all(mask.dtype == torch.bool for mask in bundle.present.values())


def test_rows_of_an_absent_modality_have_zero_features() -> None:
    task = toy_task().eval()
    face = [True, False] * 3 + [False, False]
    audio = [True] * 7 + [False]
    batch = toy_batch(8, face=face, audio=audio)
    bundle = task(batch)
    mask = torch.tensor(face)
    assert not bundle.features["face"][~mask].any()
    assert bundle.features["face"][mask].abs().sum(1).all()
    assert torch.equal(bundle.present["face"], mask)
    assert bundle.present["fused"].tolist() == [True] * 7 + [False]


def test_what_absent_rows_hold_does_not_matter() -> None:
    task = toy_task().eval()
    batch = toy_batch(4, face=[True, False, True, False])
    junk = torch.where(batch.present["face"].unsqueeze(1), batch.inputs["face"], torch.nan)
    other = replace(batch, inputs={**batch.inputs, "face": junk})
    assert torch.equal(task(batch).output, task(other).output)


def test_a_modality_that_is_not_shown_is_absent_and_not_encoded() -> None:
    task = toy_task()
    put_in_force(task, modalities=("audio",))
    calls: list[Any] = []
    task.model.encoder("face").register_forward_hook(lambda *_: calls.append(1))
    bundle = task(toy_batch(8))
    assert not calls
    assert not bundle.features["face"].any()
    assert bundle.features["face"].shape == (8, DIM)
    assert not bundle.present["face"].any()
    assert bundle.present["fused"].all()


class Steps(ToyEncoder):
    """Keeps three steps a window, each another multiple of the features."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([step * super(Steps, self).forward(x) for step in (1, 2, 3)], 1)


def test_steps_of_a_window_are_averaged_before_the_head() -> None:
    encoders = {"audio": Steps(), "face": Steps()}
    task = toy_task(encoders=encoders, label_encoder=None, objectives={"class": CrossEntropy})
    task.eval()
    batch = toy_batch(8, face=[True, False] * 4)
    bundle = task(batch)
    assert bundle.features["audio"].shape == (8, 3, DIM)
    assert task.model.fusion is not None
    steps = task.model.fusion({n: bundle.features[n] for n in encoders}, batch.present)
    torch.testing.assert_close(bundle.output, task.model.head(steps.mean(1)))
    put_in_force(task, modalities=("audio",))  # the hidden one is zeros of as many steps
    assert task(batch).features["face"].shape == (8, 3, DIM)
    assert not task(batch).features["face"].any()


def test_labels_never_reach_the_output() -> None:
    task = toy_task().eval()
    batch = toy_batch(8)
    others = replace(
        batch,
        targets={"emotion": (batch.targets["emotion"] + 1) % 3},
        labelled={"emotion": torch.zeros(8, dtype=torch.bool)},
    )
    first, second = (task.model.with_label(task(each), each) for each in (batch, others))
    assert torch.equal(first.output, second.output)
    assert torch.equal(first.features["fused"], second.features["fused"])
    assert not torch.equal(first.features["label"], second.features["label"])


def test_the_fusion_is_built_from_the_modalities_alone() -> None:
    seen: list[Sizes] = []

    def fusion(sizes: Sizes) -> ConcatFusion:
        seen.append(Sizes(dict(sizes.features), dict(sizes.outputs)))
        return ConcatFusion(sizes, width=DIM)

    toy_task(fusion=fusion)
    assert seen == [Sizes({"audio": DIM, "face": DIM}, {"emotion": 3})]


def test_the_label_feature_is_present_in_labelled_rows() -> None:
    task = toy_task()
    labelled = torch.arange(8) % 2 == 0
    batch = replace(toy_batch(8), labelled={"emotion": labelled})
    bundle = task.model.with_label(task(batch), batch)
    assert bundle.features["label"].shape == (8, DIM)
    assert torch.equal(bundle.present["label"], labelled)
    without = toy_task(label_encoder=None, objectives={"class": CrossEntropy})
    assert "label" not in without.model.with_label(without(batch), batch).features


def test_the_total_is_the_weighted_sum_of_the_active_objectives() -> None:
    task = toy_task().eval()
    batch = toy_batch(8)
    bundle = task.model.with_label(task(batch), batch)
    put_in_force(task, objectives={"class": 2.0, "corr": 0.5, "audio_alone": 0.0})
    total, logged = task.losses(bundle, batch)
    parts = {name: task.model.objective(name)(bundle, batch).item() for name in ("class", "corr")}
    assert total.item() == pytest.approx(2 * parts["class"] + 0.5 * parts["corr"], rel=1e-5)
    assert {key for key in logged if key.startswith("loss/")} == {"loss/class", "loss/corr"}
    assert logged["loss/corr"].item() == pytest.approx(parts["corr"], rel=1e-5)
    assert "corr/audio+face/S" in logged
    assert not any(value.requires_grad for value in logged.values())


def test_all_objectives_count_with_their_own_weights_at_first() -> None:
    weights = {"class": 1.0, "corr": 0.1, "audio_alone": 1.0, "face_alone": 1.0}
    assert toy_task().model.in_force.objectives == weights


def test_parameter_groups_are_named_by_module() -> None:
    task = toy_task()
    groups = task.model.parameter_groups()
    assert set(groups) == {
        "encoders.audio",
        "encoders.face",
        "fusion",
        "head",
        "label_encoder",
        "objectives.audio_alone",
        "objectives.face_alone",
    }
    listed = [id(parameter) for group in groups.values() for parameter in group]
    assert sorted(listed) == sorted(id(parameter) for parameter in task.parameters())


def test_learning_rates_go_to_the_groups_whose_name_they_start() -> None:
    task = toy_task(optimizer=partial(torch.optim.SGD, lr=0.5))
    rates = {"encoders": 0.1, "encoders.face": 0.2, "head": 0.3}
    put_in_force(task, learning_rates=rates)
    optimizer: torch.optim.Optimizer = task.configure_optimizers()
    assert {group["name"]: group["lr"] for group in optimizer.param_groups} == {
        "encoders.audio": 0.1,
        "encoders.face": 0.2,
        "fusion": 0.5,
        "head": 0.3,
        "label_encoder": 0.5,
        "objectives.audio_alone": 0.5,
        "objectives.face_alone": 0.5,
    }


def test_adam_at_a_thousandth_is_the_default_and_a_scheduler_is_an_option() -> None:
    optimizer = toy_task().configure_optimizers()
    assert isinstance(optimizer, torch.optim.Adam)
    assert {group["lr"] for group in optimizer.param_groups} == {1e-3}
    scheduler = partial(torch.optim.lr_scheduler.StepLR, step_size=2)
    made = toy_task(scheduler=scheduler).configure_optimizers()
    assert made["lr_scheduler"].optimizer is made["optimizer"]


def test_gradients_of_the_whole_loss_reach_all_parameters() -> None:
    task = toy_task()
    batch = toy_batch(8)
    total, _ = task.losses(task.model.with_label(task(batch), batch), batch)
    total.backward()  # type: ignore[no-untyped-call]
    without = [name for name, p in task.named_parameters() if p.grad is None or _is_nan(p.grad)]
    assert without == []


def _is_nan(gradient: Tensor) -> bool:
    return not bool(torch.isfinite(gradient).all())


def running(task: ClassificationTask) -> dict[str, Tensor]:
    """Return the running statistics of batch norm."""
    return {n: b.clone() for n, b in task.named_buffers() if "running" in n}


@pytest.mark.parametrize("rows", [5, 2, 1, 0])
def test_absent_rows_do_not_count_in_batch_norm(rows: int) -> None:
    present = [row < rows for row in range(8)]
    whole, cut = toy_task().train(), toy_task().train()
    few = toy_batch(8, face=present)
    few.inputs["face"][rows:] = 1e6
    found = whole(few)
    alone = toy_batch(8)
    alone.inputs["face"] = alone.inputs["face"][:rows]
    x = cut.model.read("face", replace(alone, present={"face": torch.ones(rows, dtype=torch.bool)}))
    encoder = cut.model.encoders["face"]
    if rows < 2:
        encoder.eval()
    wanted = encoder(x)
    torch.testing.assert_close(found.features["face"][:rows], wanted)
    assert not found.features["face"][rows:].any()
    for name, value in running(whole).items():
        if "face" in name:
            torch.testing.assert_close(value, running(cut)[name])
    assert encoder.training == (rows >= 2)
    assert whole.model.encoders["face"].norm.training  # type: ignore[union-attr]
    found.output.sum().backward()
    gradient = whole.model.encoders["face"].linear.weight.grad  # type: ignore[union-attr]
    assert rows == 0 or gradient is not None


def test_weight_decay_can_leave_norms_and_biases_alone() -> None:
    def decays(**options: Any) -> dict[str, float]:
        task = toy_task(optimizer=partial(torch.optim.AdamW, weight_decay=0.1), **options)
        names = {id(p): name for name, p in task.named_parameters()}
        made = task.configure_optimizers()
        return {names[id(p)]: g["weight_decay"] for g in made.param_groups for p in g["params"]}

    assert set(decays().values()) == {0.1}
    found = decays(decay_norms=False)
    assert found.keys() == dict(toy_task().named_parameters()).keys()
    for name, decay in found.items():
        vector = "norm" in name or name.endswith("bias")
        assert decay == (0.0 if vector else 0.1), name
