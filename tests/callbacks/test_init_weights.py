"""Starting the first stage from the weights of another run."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
import torch

from emorec.callbacks import Stage
from emorec.callbacks.init_weights import StartError, check_split
from emorec.data.splits.leaks import LeakError
from emorec.fusion import ConcatFusion
from tests.helpers.staging import (
    OPTIMIZER,
    Stop,
    Watch,
    changed,
    in_model,
    state_of,
    three_stages,
    train,
)
from tests.helpers.toy import DIM, ToyData, toy_task

JOINT = {"joint": Stage(2, objectives=["class", "corr"])}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained")
    train(folder, dict(list(three_stages().items())[:2]))
    return folder / "checkpoints" / "face.ckpt"


def test_the_first_stage_starts_from_all_weights_of_the_other_run(
    pretrained: Path, tmp_path: Path
) -> None:
    watch = Watch()
    train(tmp_path, JOINT, watch, start=pretrained, task=toy_task(seed=5, optimizer=OPTIMIZER))
    saved = in_model(torch.load(pretrained, weights_only=True)["state_dict"])
    assert changed(watch.starts[0], saved) == set()
    assert changed(watch.starts[1], saved) != set()  # the second epoch goes on from the first


def test_pre_training_once_gives_the_joint_stage_of_training_all_at_once(
    pretrained: Path, tmp_path: Path
) -> None:
    whole, parts = Watch(), Watch()
    train(tmp_path / "whole", three_stages(), whole)
    train(tmp_path / "parts", JOINT, parts, start=pretrained)
    assert changed(whole.starts[4], parts.starts[0]) == set()


def test_what_the_checkpoint_has_not_stays_fresh_and_is_named(
    pretrained: Path, tmp_path: Path
) -> None:
    wide = partial(ConcatFusion, width=DIM, layers=2)
    task = toy_task(seed=5, fusion=wide, optimizer=OPTIMIZER)
    before, watch = state_of(task), Watch()
    with pytest.warns(UserWarning, match=r"does not have \(all of\) fusion, which keep"):
        train(tmp_path, JOINT, watch, start=pretrained, task=task)
    saved = in_model(torch.load(pretrained, weights_only=True)["state_dict"])
    for name, value in watch.starts[0].items():
        same = name in saved and saved[name].shape == value.shape
        assert torch.equal(value, saved[name] if same else before[name]), name


def test_weights_that_saw_test_clips_are_refused(pretrained: Path, tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    data.prepare_data()
    data.setup()
    run = tmp_path / "other"
    checkpoint = run / "checkpoints" / "best.ckpt"
    check_split(checkpoint, data)  # of a run without a split nothing is known
    run.mkdir()

    def split(parts: Mapping[str, str]) -> None:
        lines = ["clip,part", *(f"{clip},{part}" for clip, part in parts.items())]
        (run / "split.csv").write_text("\n".join(lines))

    split(data.part_of_clip)
    check_split(checkpoint, data)
    for part in ("val", "test"):
        seen = next(clip for clip, its in data.part_of_clip.items() if its == part)
        split({**data.part_of_clip, seen: "train"})
        with pytest.raises(LeakError, match=rf"was trained on 1 clip\(s\) .*'{seen}'"):
            check_split(checkpoint, data)


def test_a_resumed_run_does_not_start_again(pretrained: Path, tmp_path: Path) -> None:
    uninterrupted, _ = train(tmp_path / "one", JOINT, start=pretrained)
    with pytest.raises(InterruptedError):
        train(tmp_path / "two", JOINT, Stop(1, 0), start=pretrained)
    resumed, _ = train(tmp_path / "two", JOINT, start=pretrained, resume=True)
    assert changed(state_of(uninterrupted), state_of(resumed)) == set()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"training.start: checkpoint .* not found"),
        (b"nonsense", r"is not a checkpoint of emorec fit"),
        (
            {"state_dict": {"model.trunk.weight": torch.zeros(2)}},
            r"no weights of this model.*trunk",
        ),
    ],
)
def test_a_bad_checkpoint_is_refused(content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(StartError, match=message):
        train(tmp_path / "run", JOINT, start=path)
