"""Soft-HGR within speakers as an objective: what it rewards, alone and in a fit."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from emorec.errors import UserError
from emorec.functional.conditional import conditional_soft_hgr
from emorec.objectives import ConditionalSoftHGR, CrossEntropy, SoftHGR
from emorec.tasks import ClassificationTask
from emorec.types import Clip, FeatureBundle, Sizes
from tests.helpers.toy import ToyData, toy_batch, toy_bundle, toy_task

DIM, ROWS, SPEAKERS = 5, 240, 4
SIZES = Sizes({"audio": DIM, "face": DIM, "fused": DIM, "label": DIM}, {"emotion": 3})
PAIR = ["audio+face"]
BATCH = toy_batch(ROWS)  # two rows a clip
SPEAKER = torch.arange(ROWS // 2) % SPEAKERS
GROUPS = SPEAKER[BATCH.clip]


class Strangers(ToyData):
    """The toy set without speakers."""

    def clips(self) -> list[Clip]:
        return [replace(clip, group="") for clip in super().clips()]


def noise(seed: int) -> torch.Tensor:
    return torch.randn(ROWS, DIM, generator=torch.Generator().manual_seed(seed))


def bundle(audio: torch.Tensor, face: torch.Tensor, **present: torch.Tensor) -> FeatureBundle:
    features = {"audio": audio, "face": face, "label": noise(2), "fused": noise(3)}
    leaves = {name: value.clone().requires_grad_() for name, value in features.items()}
    return toy_bundle(leaves, torch.zeros(ROWS, 3), **present)


def with_speakers(*args: Any, **options: Any) -> ConditionalSoftHGR:
    objective = ConditionalSoftHGR(SIZES, *args, **options)
    objective.set_speakers(SPEAKER)
    return objective


def test_what_is_only_the_speakers_is_no_correlation() -> None:
    look = 0.8 * noise(7)[:SPEAKERS][GROUPS]
    made = bundle(look + 0.1 * noise(0), look + 0.1 * noise(1))
    plain, within = (
        -SoftHGR(SIZES, PAIR)(made, BATCH).item(),
        -with_speakers(PAIR)(made, BATCH).item(),
    )
    assert plain > 0.3
    assert abs(within) < 0.01


def test_what_varies_together_within_a_speaker_is_correlated() -> None:
    look, mood = 3 * noise(7)[:SPEAKERS][GROUPS], 0.5 * noise(8)
    made = bundle(look + mood + 0.1 * noise(0), look + mood + 0.1 * noise(1))
    assert -with_speakers(PAIR)(made, BATCH).item() > 0.5


def test_all_pairs_are_centred_within_speakers_over_their_own_rows() -> None:
    labelled = torch.arange(ROWS) % 3 > 0
    made = bundle(noise(0) + GROUPS.unsqueeze(1), noise(1), label=labelled)
    objective = with_speakers()
    loss = objective(made, BATCH)
    expected = 0.0
    for a, b in objective.pairs:
        rows = made.present[a] & made.present[b]
        f, g = made.features[a], made.features[b]
        value = conditional_soft_hgr(f, g, GROUPS, SPEAKERS, rows).item()
        assert objective.parts[f"{a}+{b}/S"].item() == pytest.approx(value, rel=1e-5)
        expected += value
    assert len(objective.parts) == 9
    assert loss.item() == pytest.approx(-expected, rel=1e-5)
    loss.backward()
    for name in ("audio", "face", "label"):
        gradient = made.features[name].grad
        assert gradient is not None
        assert gradient.any()


def test_options_are_those_of_soft_hgr() -> None:
    made = bundle(noise(0), noise(1))
    f, g = made.features["audio"], made.features["face"]
    expected = conditional_soft_hgr(f, g, GROUPS, SPEAKERS, unbiased=False).item()
    assert -with_speakers(PAIR, unbiased=False)(made, BATCH).item() == pytest.approx(
        expected, rel=1e-5
    )
    assert with_speakers(PAIR, weight=0.3).weight == 0.3
    objective = with_speakers(PAIR, scale="learned", projection=3)
    objective(made, BATCH).backward()
    assert all(p.grad is not None and p.grad.any() for p in objective.parameters())


def test_fillers_and_clips_of_unknown_speakers_do_not_count() -> None:
    made = bundle(noise(0), noise(1))
    f, g = made.features["audio"], made.features["face"]
    speakers = SPEAKER.clone()
    speakers[3] = -1
    objective = ConditionalSoftHGR(SIZES, PAIR)
    objective.set_speakers(speakers)
    filled = replace(BATCH, clip=BATCH.clip.masked_fill(torch.arange(ROWS) >= ROWS - 5, -1))
    rows = (filled.clip >= 0) & (filled.clip != 3)
    expected = conditional_soft_hgr(f, g, GROUPS, SPEAKERS, rows).item()
    assert -objective(made, filled).item() == pytest.approx(expected, rel=1e-5)


def test_without_known_speakers_it_is_soft_hgr() -> None:
    made = bundle(noise(0) + GROUPS.unsqueeze(1), noise(1))
    found, plain = ConditionalSoftHGR(SIZES)(made, BATCH), SoftHGR(SIZES)(made, BATCH)
    assert found.item() == pytest.approx(plain.item(), rel=1e-5)


def test_speakers_are_no_part_of_a_checkpoint() -> None:
    assert with_speakers().state_dict() == SoftHGR(SIZES).state_dict() == {}


def test_a_set_without_speakers_is_refused() -> None:
    with pytest.raises(UserError, match=r"needs the speaker of each clip: the group column"):
        ConditionalSoftHGR(SIZES).set_speakers(torch.full((7,), -1))


def task(**options: Any) -> ClassificationTask:
    objectives = {"class": CrossEntropy, "corr": partial(ConditionalSoftHGR, weight=0.1)}
    return toy_task(objectives=objectives, **options)


def trainer(folder: Path, **options: Any) -> Trainer:
    return Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"max_epochs": 1, **options},
    )


def speakers_of(task: ClassificationTask) -> list[int]:
    return task.model.objective("corr").get_buffer("speaker_of_clip").tolist()


def test_a_fit_sets_the_speakers_also_when_resumed(tmp_path: Path) -> None:
    data, first = ToyData(tmp_path), task()
    run = trainer(tmp_path)
    run.fit(first, data)
    assert speakers_of(first) == [number % 4 for number in range(24)]
    for part in ("train", "val"):
        for pair in ("audio+face", "audio+label", "face+label"):
            assert float(run.callback_metrics[f"{part}/corr/{pair}/S"]) != 0
    run.save_checkpoint(tmp_path / "last.ckpt")
    resumed = task(seed=1)
    path = tmp_path / "last.ckpt"
    trainer(tmp_path, max_epochs=2).fit(resumed, data, ckpt_path=path, weights_only=True)
    assert speakers_of(resumed) == speakers_of(first)


def test_validation_alone_sets_them_too_and_fits_data_of_another_size(tmp_path: Path) -> None:
    model = task()
    for clips in (24, 30):
        trainer(tmp_path).validate(model, ToyData(tmp_path / str(clips), clips), verbose=False)
        assert speakers_of(model) == [number % 4 for number in range(clips)]


def test_speakers_are_numbered_in_the_order_of_their_names(tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    names = ["b", "", "a", "c", "b"]
    data.all_clips = [Clip(str(i), Path(f"{i}.mp4"), group=g) for i, g in enumerate(names)]
    assert data.speakers().tolist() == [1, -1, 0, 2, 1]
    data.all_clips = []
    assert data.speakers().dtype == torch.int64


def test_training_without_speakers_is_refused_and_testing_is_not(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no clip of this data set has one"):
        trainer(tmp_path).fit(task(), Strangers(tmp_path))
    model = task()
    trainer(tmp_path).test(model, Strangers(tmp_path), verbose=False)
    assert set(model.test_results) == {"fused"}
