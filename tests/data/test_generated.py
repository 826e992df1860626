"""Generated segments among the training segments of the toy set."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emorec.callbacks import Stage, StagedTraining
from emorec.data.generated import Generated, WithGenerated
from emorec.data.sampler import FILLER
from emorec.errors import DataError, UserError
from emorec.study.in_memory import InMemory
from emorec.system.described import described
from tests.helpers.generation import toy_gan
from tests.helpers.staging import train
from tests.helpers.toy import CLASSES, WIDTH, ToyData, toy_task

EACH = 20


def folder_for(data: ToyData, folder: Path, **changes: Any) -> Path:
    """Write segments whose values say which they are."""
    folder.mkdir()
    label = np.repeat(np.arange(3), EACH)
    np.save(folder / "label.npy", label)
    values = 1000 + np.arange(len(label))[:, None] + np.zeros(WIDTH)
    for name in data.extractors:
        np.save(folder / f"{name}.npy", values.astype(np.float32))
    card = {
        "target": "emotion",
        "classes": CLASSES,
        "modalities": sorted(data.extractors),
        "extractors": {n: described(e) for n, e in sorted(data.extractors.items())},
        "within": "corpus",
        "contents": [],
        **changes,
    }
    (folder / "generated.json").write_text(json.dumps(card))
    return folder


def made(root: Path, options: Generated | None, **changes: Any) -> ToyData:
    data = ToyData(root, generated=options, **changes)
    data.prepare_data()
    data.setup("fit")
    return data


def test_a_batch_of_real_generated_and_no_segments(tmp_path: Path) -> None:
    folder = folder_for(ToyData(tmp_path), tmp_path / "made")
    plain, data = made(tmp_path, None), made(tmp_path, Generated(folder, per_class=2))
    more = data.more
    assert isinstance(more, WithGenerated)
    count = len(data.parts["train"])
    assert len(more) == count + 6
    assert len(data.all_clips) == len(plain.all_clips) + 6
    batch = more.__getitems__([0, count, FILLER, count + 5, 1])
    assert batch.inputs["audio"][1].tolist() == [1000.0] * WIDTH
    assert batch.inputs["face"][3].tolist() == [1041.0] * WIDTH  # the second of the last class
    assert batch.targets["emotion"][[1, 3]].tolist() == [0, 2]
    assert batch.present["face"][[1, 2, 3]].tolist() == [True, False, True]
    assert batch.labelled["emotion"][[1, 2, 3]].tolist() == [True, False, True]
    clips = batch.clip.tolist()
    assert clips[2] == -1
    assert [data.all_clips[c].id for c in (clips[1], clips[3])] == [
        f"generated/{CLASSES[0]}/0",
        f"generated/{CLASSES[2]}/41",
    ]
    real = data.parts["train"].__getitems__([0, 1])
    for name in ("audio", "face"):
        assert torch.equal(batch.inputs[name][[0, 4]], real.inputs[name])
    assert data.speakers()[clips[1]] == -1


def test_nothing_else_changes(tmp_path: Path) -> None:
    folder = folder_for(ToyData(tmp_path), tmp_path / "made")
    plain, data = made(tmp_path, None), made(tmp_path, Generated(folder))
    for name, (mean, deviation) in plain.statistics().items():
        assert np.array_equal(data.statistics()[name][0], mean)
        assert np.array_equal(data.statistics()[name][1], deviation)
    assert torch.equal(data.class_counts()["emotion"], plain.class_counts()["emotion"])
    assert data.part_of_clip == plain.part_of_clip
    for loader in (data.val_dataloader(), data.test_dataloader()):
        for batch in loader:
            assert int(batch.clip.max()) < len(plain.all_clips)
            assert float(batch.inputs["audio"].max()) < 500
    shown = [x for batch in data.train_dataloader() for x in batch.inputs["audio"][:, 0].tolist()]
    assert sum(x >= 1000 for x in shown) == 3 * EACH


def test_training_in_memory_uses_them_as_fit_does(tmp_path: Path) -> None:
    folder = folder_for(ToyData(tmp_path), tmp_path / "made")
    stages = {"joint": Stage(2, objectives=["class"], keep="last", monitor="val/fused/uar")}
    data = made(tmp_path, Generated(folder))
    ours = InMemory(toy_task(), data, StagedTraining(stages), [], seed=3)
    assert data.more is not None
    assert len(ours.parts["train"]) == len(data.more)
    ours.fit(None)
    theirs, _ = train(
        tmp_path / "fit", stages, task=toy_task(), data=made(tmp_path, Generated(folder))
    )
    for name, value in ours.task.model.fusion.state_dict().items():
        torch.testing.assert_close(value, theirs.model.fusion.state_dict()[name], msg=name)
    with pytest.raises(UserError, match="GenerationTask takes its own steps"):
        InMemory(toy_gan(), data, StagedTraining(stages), [], seed=3)


def test_balance_fills_every_class_to_the_largest(tmp_path: Path) -> None:
    folder = folder_for(ToyData(tmp_path), tmp_path / "made")
    data = made(tmp_path, Generated(folder, balance=True), clips=30, labels_per_class=None)
    assert data.more is not None
    real = [data.parts["train"].labels[p].get("emotion") for p, _ in data.parts["train"].items]
    counts = [real.count(c) for c in range(3)]
    assert len(set(counts)) > 1
    added = [int(c) for c in data.more.label]
    assert [counts[c] + added.count(c) for c in range(3)] == [max(counts)] * 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": ["a", "b", "c"]}, "segments of a, b, c"),
        ({"extractors": {}}, "other extractors, or another data.within"),
        ({"within": "speaker"}, "other extractors, or another data.within"),
        ({"target": "affect"}, "no classes of that target"),
    ],
)
def test_a_folder_for_other_data_is_refused(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = folder_for(ToyData(tmp_path), tmp_path / "made", **changes)
    with pytest.raises(DataError, match=said):
        made(tmp_path, Generated(folder))


def test_options_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    folder = folder_for(ToyData(tmp_path), tmp_path / "made")
    with pytest.raises(DataError, match="both per_class and balance"):
        made(tmp_path, Generated(folder, per_class=1, balance=True))
    data = ToyData(tmp_path, generated=Generated(folder))
    data.prepare_data()
    data.context = "dialogue"
    data.clips = lambda: [replace(c, dialogue="a") for c in ToyData(tmp_path).clips()]  # type: ignore[method-assign]
    with pytest.raises(DataError, match="generated segments are of no dialogue"):
        data.setup("fit")


def test_clips_that_are_tested_must_not_have_been_seen(tmp_path: Path) -> None:
    plain = made(tmp_path, None)
    for part, refused in (("train", False), ("val", True), ("test", True)):
        seen = plain.contents(part)  # type: ignore[arg-type]
        folder = folder_for(plain, tmp_path / part, contents=seen)
        if refused:
            with pytest.raises(DataError, match="clips that are validated or tested on here"):
                made(tmp_path, Generated(folder))
        else:
            made(tmp_path, Generated(folder))
