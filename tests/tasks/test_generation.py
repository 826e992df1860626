"""The multimodal GAN: its losses by hand, what reaches whom, and what it learns."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from emorec.callbacks import Stage, TrainedJudge
from emorec.callbacks.init_weights import StartError
from emorec.data.splits.file import write_split
from emorec.data.splits.leaks import LeakError
from emorec.errors import ModelError, UserError
from emorec.functional import common_information, diff_augment, soft_hgr, unit_variance
from emorec.objectives import CrossEntropy
from emorec.tasks import GenerationTask, OneCycle
from tests.helpers.generation import SHAPES, losses_of_ranks, toy_gan
from tests.helpers.gloo import on_ranks
from tests.helpers.staging import Stop, changed, state_of, train
from tests.helpers.toy import WIDTH, ToyData, toy_batch, toy_task

STAGE = {"joint": Stage(3, monitor="val/fused/uar")}


def judged(task: GenerationTask, name: str, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return scores and features, written out."""
    critic: Any = task.critics[name]
    h = critic.body(x)
    active = torch.where(h > 0, h, 0.2 * h)
    projected = (critic.of_class.weight[label] * active).sum(1)
    return (active @ critic.whole.weight.T).squeeze(1) + critic.whole.bias + projected, h


@pytest.mark.parametrize("form", ["hinge", "minimax"])
def test_the_losses_are_those_of_the_equations(form: Any) -> None:
    task = toy_gan(form=form, augment=False, weight=0.3, real_pairs=True).eval()
    batch = toy_batch(8, face=[True] * 6 + [False] * 2)
    target, label = batch.targets["emotion"], torch.arange(8) % 3
    real = {name: torch.randn(8, WIDTH) for name in SHAPES}
    z = torch.randn(8, 8)
    made = {name: task.generators[name](z, label) for name in SHAPES}
    critics = generators = torch.zeros(())
    features, own = {}, {}
    for name in ("audio", "face"):
        rows = batch.labelled["emotion"] & batch.present[name]
        score, features[name] = judged(task, name, real[name], target)
        fake, own[name] = judged(task, name, made[name], label)
        if form == "hinge":
            critics = (
                critics + (1 - score[rows]).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()
            )
            generators = generators - fake.mean()
        else:
            critics = critics - score[rows].sigmoid().log().mean()
            critics = critics - (1 - fake.sigmoid()).log().mean()
            generators = generators + (1 - fake.sigmoid()).log().mean()
    rows = batch.labelled["emotion"] & batch.present["audio"] & batch.present["face"]

    def shared(of: dict[str, Tensor], rows: Tensor) -> Tensor:
        f, g = ((x[rows] / x[rows].std(0).detach()) for x in (of["audio"], of["face"]))
        return soft_hgr(f, g)

    s_real, s = shared(features, rows), shared(own, torch.ones(8, dtype=torch.bool))
    found, logged = task.critic_loss(batch, real, made, label)
    torch.testing.assert_close(found, critics - 0.3 * s_real)
    torch.testing.assert_close(logged["s_real"], s_real.detach())
    found, logged = task.generator_loss(z, label)
    torch.testing.assert_close(found, generators - 0.3 * s)
    torch.testing.assert_close(logged["s"], s.detach())


def gradients(task: GenerationTask, name: str) -> list[Tensor]:
    task.zero_grad()
    torch.manual_seed(3)
    label, z = task.drawn(16)
    task.generator_loss(z, label)[0].backward()  # type: ignore[no-untyped-call]
    return [p.grad.clone() for p in task.generators[name].parameters() if p.grad is not None]


@pytest.mark.parametrize("on", ["critic", "generator"])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_generators_depend_on_each_other_through_the_correlation_alone(
    weight: float, on: Any
) -> None:
    task = toy_gan(weight=weight, on=on).eval()
    before = gradients(task, "audio")
    with torch.no_grad():
        for parameter in task.generators["face"].parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    after = gradients(task, "audio")
    same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert all(same) == (weight == 0)


def test_the_correlation_rises_to_its_closed_form() -> None:
    """Of k features of unit variance the most is k / 2, and noise that is shared allows it."""
    torch.manual_seed(0)
    maps = [torch.nn.Linear(8, 4) for _ in range(2)]
    optimizer = torch.optim.Adam([p for m in maps for p in m.parameters()], 0.02)
    z, every = torch.randn(2000, 8), torch.ones(2000, dtype=torch.bool)

    def shared() -> Tensor:
        return common_information({"a": maps[0](z), "b": maps[1](z)}, every)

    first = shared().item()
    for _ in range(300):
        optimizer.zero_grad()
        (-shared()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert first < 0.5
    assert shared().item() == pytest.approx(2.0, abs=0.05)


def test_larger_features_do_not_raise_the_correlation() -> None:
    f = torch.randn(50, 3, requires_grad=True)
    rows = torch.arange(50) < 40
    torch.testing.assert_close(unit_variance(f, rows)[rows], f[rows] / f[rows].std(0))
    torch.testing.assert_close(unit_variance(10 * f, rows), unit_variance(f, rows))
    unit_variance(f)[:, 0].sum().backward()  # type: ignore[no-untyped-call]
    assert f.grad is not None
    torch.testing.assert_close(f.grad[:, 0], (1 / f.detach().std(0)[0]).expand(50))
    constant = torch.ones(5, 2)
    assert torch.equal(unit_variance(constant), constant)


@pytest.mark.ddp
@pytest.mark.parametrize("world", [2])
def test_losses_of_several_processes_are_those_of_one(world: int, tmp_path: Path) -> None:
    (alone,) = on_ranks(losses_of_ranks, 1, tmp_path)
    for rank in on_ranks(losses_of_ranks, world, tmp_path):
        for name, values in alone.items():
            for key, value in values.items():
                torch.testing.assert_close(rank[name][key], value, msg=f"{name} {key}")


def test_a_trained_model_judges_what_is_generated(tmp_path: Path) -> None:
    data = ToyData(tmp_path, clips=60)
    plain = toy_task(objectives={"class": CrossEntropy}, label_encoder=None)
    stage = {"joint": Stage(4, objectives=["class"], monitor="val/fused/uar")}
    _, staged = train(tmp_path / "plain", stage, task=plain, data=data)
    write_split(tmp_path / "plain/split.csv", data.part_of_clip)
    checkpoint = staged.checkpoint("joint")
    with pytest.raises(ModelError, match="add the callback TrainedJudge"):
        train(tmp_path / "none", STAGE, task=toy_gan(on="frozen"), data=data)
    with pytest.raises(StartError, match=r"is for GenerationTask with adversarial.on: frozen"):
        train(tmp_path / "none", STAGE, TrainedJudge(checkpoint), task=toy_gan(), data=data)
    missing = TrainedJudge(tmp_path / "x.ckpt")
    with pytest.raises(StartError, match=r"TrainedJudge: checkpoint .* not found"):
        train(tmp_path / "none", STAGE, missing, task=toy_gan(on="frozen"), data=data)
    judge = TrainedJudge(checkpoint)
    gan = toy_gan(on="frozen", auxiliary=0.5, weight=0.1)
    task, _ = train(tmp_path / "gan", STAGE, judge, task=gan, data=data)
    assert isinstance(task, GenerationTask)
    assert task.judge is not None
    own = torch.load(checkpoint, weights_only=True)["state_dict"]
    for name, value in task.judge.state_dict().items():  # it stays as it was trained
        if name.startswith(("encoders.", "fusion.", "head.", "standardise.")):
            assert torch.equal(value, own[f"model.{name}"]), name
    task.eval()
    label, z = task.drawn(12)
    made = {name: task.generators[name](z, label) for name in SHAPES}
    seen = task.judge(task.as_batch(made, label))
    loss, logged = task.generator_loss(z, label)
    torch.testing.assert_close(
        logged["auxiliary"], torch.nn.functional.cross_entropy(seen.output, label).detach()
    )
    task.gan.weight = task.gan.auxiliary = 0.0
    rest, _ = task.generator_loss(z, label)
    s = common_information(
        {name: seen.features[name] for name in SHAPES}, torch.ones(12, dtype=torch.bool)
    )
    torch.testing.assert_close(loss, rest + 0.5 * logged["auxiliary"] - 0.1 * s)
    other = ToyData(tmp_path, clips=60, seed=1)
    with pytest.raises(LeakError, match=r"TrainedJudge: .* was trained on"):
        train(tmp_path / "leak", STAGE, TrainedJudge(checkpoint), task=gan, data=other)


def test_mixed_rows_have_no_class_for_the_critics() -> None:
    task = toy_gan(augment=False).eval()
    batch = toy_batch(6)
    real = {name: torch.randn(6, WIDTH) for name in SHAPES}
    made, label = {name: torch.randn(6, WIDTH) for name in SHAPES}, torch.arange(6) % 3
    whole, _ = task.critic_loss(batch, real, made, label)
    sure = torch.nn.functional.one_hot(batch.targets["emotion"], 3).float()
    batch.targets["emotion"] = sure
    torch.testing.assert_close(task.critic_loss(batch, real, made, label)[0], whole)
    batch.targets["emotion"] = torch.full((6, 3), 1 / 3)
    alone, _ = task.critic_loss(batch, real, made, label)
    fake = [task.critics[n](made[n], label)[0] for n in SHAPES]
    torch.testing.assert_close(alone, sum((1 + x).relu().mean() for x in fake))


def test_what_is_learned_from_samples_recognises_real_clips(tmp_path: Path) -> None:
    stages = {"joint": Stage(20, monitor="val/fused/uar")}
    data = ToyData(tmp_path, clips=90, batch_size=32)
    task, staged = train(tmp_path, stages, task=toy_gan(width=0.25, rate=5e-4), data=data)
    assert staged.best["joint"]["score"] > 0.7  # of three classes
    assert isinstance(task, GenerationTask)
    label, z = task.drawn(30)
    made, label = task.samples(label, z)
    again, _ = task.samples(label, z)
    assert all(torch.equal(made[name], again[name]) for name in made)
    other, _ = task.samples((label + 1) % 3, z)
    assert not torch.allclose(made["audio"], other["audio"])
    assert sorted(label.bincount().tolist()) == [10, 10, 10]


@pytest.mark.parametrize("place", [(1, 0), (2, 1)])
def test_a_resumed_run_ends_bit_identical(place: tuple[int, int], tmp_path: Path) -> None:
    whole = state_of(train(tmp_path / "whole", STAGE, task=toy_gan())[0])
    with pytest.raises(InterruptedError):
        train(tmp_path / "part", STAGE, Stop(*place), task=toy_gan())
    torch.manual_seed(99)
    task, _ = train(tmp_path / "part", STAGE, task=toy_gan(7), resume=True)
    assert changed(whole, state_of(task)) == set()


def test_critics_see_changed_pictures_and_generators_get_gradients() -> None:
    x = torch.randn(4, 3, 16, 16, requires_grad=True)
    torch.manual_seed(0)
    seen = diff_augment(x)
    assert seen.shape == x.shape
    assert not torch.equal(seen[0], x[0])
    seen.square().sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert (x.grad.flatten(1).abs().sum(1) > 0).all()
    mel = torch.randn(64, 1, 16, 16)
    moved = diff_augment(mel)
    kinds = {float(m.abs().sum() < x.abs().sum() - 1e-4) for m, x in zip(moved, mel, strict=True)}
    assert kinds == {0.0, 1.0}  # some by nothing
    inside = moved[:, :, 4:12, 4:12]
    shifts = torch.stack(
        [mel[:, :, 4 - a : 12 - a, 4 - b : 12 - b] for a in range(-2, 3) for b in range(-2, 3)]
    )
    assert (shifts == inside).flatten(2).all(2).any(0).all()
    vectors = torch.randn(3, 5)
    assert diff_augment(vectors) is vectors


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="shapes is for audio, the encoders are audio, face"):
        GenerationTask(
            {"audio": [4]}, **{k: v for k, v in _options(toy_gan()).items() if k != "shapes"}
        )
    with pytest.raises(UserError, match="decay must be 0 to below 1, got 1"):
        toy_gan(decay=1.0)
    plain = {"joint": Stage(1, monitor="val/fused/uar")}
    with pytest.raises(ModelError, match=r"leave trainer.accumulate_grad_batches at 1"):
        train(tmp_path, plain, task=toy_gan(), accumulate_grad_batches=2)
    scheduled = {"joint": Stage(1, monitor="val/fused/uar", scheduler=OneCycle())}
    with pytest.raises(ModelError, match="constant rates: remove the scheduler"):
        train(tmp_path, scheduled, task=toy_gan())


def _options(task: GenerationTask) -> dict[str, Any]:
    return {
        "encoders": dict(task.model.encoders.items()),
        "fusion": lambda sizes: task.model.fusion,
        "objectives": {},
        "targets": task.model.targets,
    }
