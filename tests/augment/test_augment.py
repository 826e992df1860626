"""What augmentations change, what they keep, and which batches they never touch."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from emorec.augment import (
    Augmentation,
    Augmentations,
    FaceAugmentation,
    Mixup,
    ModalityDropout,
    Noise,
    Reverberation,
    SpecAugment,
)
from emorec.errors import UserError
from emorec.types import SegmentBatch

ROWS = 40


@pytest.fixture
def batch() -> SegmentBatch:
    torch.manual_seed(0)
    rows = torch.arange(ROWS)
    present = {"audio": rows % 5 != 0, "face": rows % 7 != 1, "sound": rows % 9 != 2}
    inputs = {
        "audio": torch.randn(ROWS, 1, 20, 24).half(),
        "face": torch.randint(0, 256, (ROWS, 3, 32, 32), dtype=torch.uint8),
        "sound": torch.randn(ROWS, 8000),
    }
    for name, mask in present.items():
        inputs[name][~mask] = 0
    return SegmentBatch(
        inputs,
        present,
        {"emotion": rows % 3},
        {"emotion": rows % 4 != 3},
        rows // 4,
        rows % 4,
    )


STEPS: dict[str, Callable[[], Augmentation]] = {
    "spec": SpecAugment,
    "noise": lambda: Noise(rate=1.0),
    "noise on samples": lambda: Noise("sound", rate=1.0),
    "room": lambda: Reverberation("sound", rate=1.0),
    "face": lambda: FaceAugmentation(erase=0.4),
    "mixup": lambda: Mixup(alpha=1.0),
    "dropout": lambda: ModalityDropout(0.5),
    "both": lambda: Augmentations([SpecAugment(), FaceAugmentation()]),
}


@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS)
def test_a_batch_is_changed_reproducibly_and_the_given_one_stays(
    make: Callable[[], Augmentation], batch: SegmentBatch
) -> None:
    before = batch.rows(slice(None)).to("cpu", copy=True)
    step = make()
    step.bind(None, {"emotion": 3})
    torch.manual_seed(1)
    changed = step(batch)
    torch.manual_seed(1)
    again = step(batch)
    differs = False
    for name, x in changed.inputs.items():
        assert torch.equal(batch.inputs[name], before.inputs[name])
        assert torch.equal(x, again.inputs[name])
        assert x.shape == batch.inputs[name].shape
        assert x.float().isfinite().all()
        assert not x[~changed.present[name]].any()  # what is absent stays zero
        differs = differs or not torch.equal(x.float(), batch.inputs[name].float())
    assert differs
    assert torch.equal(batch.targets["emotion"], before.targets["emotion"])
    assert torch.equal(changed.clip, batch.clip)


def test_the_rate_is_a_share_of_rows(batch: SegmentBatch) -> None:
    many = replace(batch, present={**batch.present, "audio": torch.ones(ROWS, dtype=torch.bool)})
    many.inputs["audio"].normal_()
    changed = Noise(rate=0.5)(many).inputs["audio"]
    rows = (changed != many.inputs["audio"].float()).flatten(1).any(1)
    assert 8 < int(rows.sum()) < 32
    assert torch.equal(Noise(rate=0.0)(many).inputs["audio"], many.inputs["audio"].float())
    with pytest.raises(UserError, match="rate must be a share"):
        Noise(rate=2.0)
    with pytest.raises(UserError, match="changes 'voice', but the data has audio, face, sound"):
        Noise("voice")(many)


def test_masks_are_as_wide_as_asked_and_hold_the_mean(batch: SegmentBatch) -> None:
    x = batch.inputs["audio"][batch.present["audio"]].float()
    masked = SpecAugment(bands=6, frames=5).change(x)
    mean = x.mean((2, 3), keepdim=True)
    hidden = (masked - mean).abs() < 1e-5
    bands, frames = hidden.all(3).sum(2), hidden.all(2).sum(2)
    assert bands.max() <= 5
    assert bands.max() > 0
    assert frames.max() <= 4
    kept = ~hidden
    torch.testing.assert_close(masked[kept], x[kept])


@pytest.mark.parametrize("snr", [0.0, 20.0])
def test_noise_has_the_ratio_that_was_asked_for(snr: float) -> None:
    samples = torch.randn(30, 8000)
    noise = Noise("sound", (snr, snr)).change(samples) - samples
    found = 10 * math.log10(float(samples.square().mean() / noise.square().mean()))
    assert found == pytest.approx(snr, abs=0.1)
    power = torch.rand(30, 1, 40, 50) + 0.5
    added = Noise("audio", (snr, snr)).change(power.log()).exp() - power
    found = 10 * math.log10(float(power.mean() / added.mean()))
    assert found == pytest.approx(snr, abs=0.2)
    assert (added >= -1e-4).all()


def test_a_room_decays_by_60_db_in_its_time_and_keeps_the_loudness() -> None:
    room = Reverberation("sound", (0.5, 0.5), (0.0, 0.0))
    response = room.responses(200, torch.device("cpu"))
    assert response.shape == (200, 8000)
    assert (response[:, 0] == 1).all()
    tail = response[:, 1:].square().sum(1)
    torch.testing.assert_close(
        tail, torch.ones(200), rtol=1e-4, atol=0
    )  # as strong as the direct sound
    energy = response.square().mean(0)
    early, late = energy[400:1200].mean(), energy[4400:5200].mean()
    assert 10 * math.log10(float(early / late)) == pytest.approx(30, abs=1)  # half of the time
    dry = torch.randn(4, 8000)
    torch.testing.assert_close(room.change(dry).square().mean(1), dry.square().mean(1))
    with pytest.raises(UserError, match="needs waveforms"):
        room.change(torch.zeros(2, 1, 20, 24))


def test_a_mirrored_face_is_mirrored_and_frames_of_a_window_move_together() -> None:
    x = torch.rand(6, 3, 16, 16) * 255
    mirror = FaceAugmentation(flip=1.0, degrees=0, scale=0, shift=0, light=0)
    torch.testing.assert_close(mirror.change(x), x.flip(3), rtol=0, atol=1e-2)
    still = FaceAugmentation(flip=0.0, degrees=0, scale=0, shift=0, light=0)
    torch.testing.assert_close(still.change(x), x, rtol=0, atol=1e-2)
    frames = x.unsqueeze(1).expand(-1, 4, -1, -1, -1)
    moved = FaceAugmentation(erase=0.5).change(frames)
    assert moved.shape == frames.shape
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved))
    assert 0 <= float(moved.min()) <= float(moved.max()) <= 255


def test_mixup_mixes_all_modalities_and_the_label_alike(batch: SegmentBatch) -> None:
    shares = torch.zeros(ROWS, 3)
    # Each row is a one-hot of its number in both inputs: what it was mixed with can be read off.
    eye = torch.eye(ROWS)
    everywhere = torch.ones(ROWS, dtype=torch.bool)
    labelled = torch.arange(ROWS) % 4 != 3
    plain = replace(
        batch,
        inputs={"audio": eye, "face": eye.clone()},
        present={"audio": torch.arange(ROWS) % 5 != 0, "face": everywhere},
        labelled={"emotion": labelled},
    )
    mixup = Mixup(alpha=1.0)
    with pytest.raises(UserError, match="Mixup mixes 'emotion'; the data has"):
        mixup(plain)
    mixup.bind(None, {"emotion": 3})
    mixed = mixup(plain)
    assert torch.equal(mixed.inputs["audio"], mixed.inputs["face"])
    shares = mixed.inputs["face"] @ torch.eye(3)[plain.targets["emotion"]]
    torch.testing.assert_close(mixed.targets["emotion"], shares)
    torch.testing.assert_close(shares.sum(1), torch.ones(ROWS))
    assert (mixed.inputs["face"].diagonal() >= 0.5).all()
    assert (mixed.inputs["face"].diagonal() < 0.99).any()
    for mask in (plain.present["audio"], labelled):
        partners = mixed.inputs["face"] > 0
        assert not partners[mask][:, ~mask].any()


def test_mixup_leaves_the_lengths_of_padded_sequences(batch: SegmentBatch) -> None:
    lengths = torch.arange(ROWS) % 5 + 1
    real = torch.arange(5) < lengths.unsqueeze(1)
    x = torch.randn(ROWS, 5, 2).masked_fill(~real.unsqueeze(2), float("nan"))
    everywhere = torch.ones(ROWS, dtype=torch.bool)
    plain = replace(batch, inputs={"face": x}, present={"face": everywhere})
    mixup = Mixup(alpha=1.0)
    mixup.bind(None, {"emotion": 3})
    mixed = mixup(plain).inputs["face"]
    assert torch.equal(~mixed.isnan().any(2), real)
    changed = (mixed != x) & ~mixed.isnan()
    assert changed.any()
    assert not changed[lengths == 5].all()  # where the other row ends, steps stay


@pytest.mark.parametrize("unit", ["segment", "clip"])
def test_dropout_takes_whole_modalities_but_not_the_last(unit: str, batch: SegmentBatch) -> None:
    step = ModalityDropout(0.6, unit=unit)  # type: ignore[arg-type]
    lost: dict[str, list[Tensor]] = {name: [] for name in batch.present}
    for _ in range(50):
        dropped = step(batch)
        left = torch.stack(list(dropped.present.values())).any(0)
        assert torch.equal(left, torch.stack(list(batch.present.values())).any(0))
        for name, mask in dropped.present.items():
            assert not (mask & ~batch.present[name]).any()
            lost[name].append((batch.present[name] & ~mask).float())
        if unit == "clip":
            gone = dropped.present["audio"] | ~batch.present["audio"]
            full = torch.stack(list(batch.present.values())).all(0)
            for clip in range(10):
                rows = (batch.clip == clip) & full
                assert len(gone[rows].unique()) <= 1
    share = torch.stack(lost["audio"]).mean() / batch.present["audio"].float().mean()
    assert 0.4 < float(share) < 0.6  # 0.6, less those that would have lost everything
    step.bind(["audio"], {})  # a unimodal stage: its rows must not lose what is shown
    alone = step(batch)
    assert all(torch.equal(alone.present[name], batch.present[name]) for name in batch.present)
    only = ModalityDropout(0.9, ["audio"])(batch)
    assert torch.equal(only.present["face"], batch.present["face"])
    with pytest.raises(UserError, match="drops voice, but the data has audio, face, sound"):
        ModalityDropout(0.5, ["voice"])(batch)
