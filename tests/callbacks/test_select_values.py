"""The values of a vector that tell classes, by training clips alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.feature_selection import f_classif

from emorec.callbacks import SelectValues
from emorec.callbacks.select_values import anova
from emorec.errors import UserError
from tests.helpers.toy import ToyData, toy_task


def prepared(tmp_path: Path) -> tuple[ToyData, Any]:
    data = ToyData(tmp_path)
    data.prepare_data()
    data.setup("fit")
    task = toy_task()
    trainer = SimpleNamespace(datamodule=data, ckpt_path=None)
    for name, (mean, deviation) in data.statistics().items():
        task.model.standardise[name].set(mean, deviation)  # type: ignore[operator]
    return data, SimpleNamespace(task=task, trainer=trainer)


def test_f_is_that_of_a_library_over_labelled_training_windows(tmp_path: Path) -> None:
    data, _ = prepared(tmp_path)
    part = data.parts["train"]
    rows, labels = [], []
    for position, clip in part.ids.items():
        here = np.asarray(part.present[position]["face"], bool)
        if "emotion" in part.labels[position]:
            rows.append(np.asarray(part.array(clip, "face"))[here])
            labels += [part.labels[position]["emotion"]] * int(here.sum())
    wanted, _ = f_classif(np.concatenate(rows).astype(np.float64), labels)
    np.testing.assert_allclose(anova(part, "face", "emotion"), wanted, rtol=1e-6)


def test_values_that_are_left_out_are_zero_and_stay_so(tmp_path: Path) -> None:
    data, made = prepared(tmp_path)
    callback = SelectValues("audio", 2)
    callback.on_train_batch_start(made.trainer, made.task, None, 0)
    f = anova(data.parts["train"], "audio", "emotion")
    batch = data.parts["test"].__getitems__(range(6))
    standard = made.task.model.read("audio", batch)
    left_out = np.argsort(-f, kind="stable")[2:]
    assert standard[:, left_out].abs().max() < 1e-6
    assert standard[:, np.argsort(-f, kind="stable")[:2]].abs().max() > 0.1
    state = made.task.model.state_dict()
    assert torch.isfinite(state["standardise.audio.deviation"]).all()
    before = made.task.model.standardise["audio"].deviation.clone()
    made.trainer.ckpt_path = "last.ckpt"  # a resumed run has selected before
    SelectValues("audio", 1).on_train_batch_start(made.trainer, made.task, None, 0)
    assert torch.equal(made.task.model.standardise["audio"].deviation, before)
    made.trainer.ckpt_path = None
    SelectValues("face", 9).on_train_batch_start(made.trainer, made.task, None, 0)  # there are four


def test_what_cannot_be_selected_from_is_refused(tmp_path: Path) -> None:
    _, made = prepared(tmp_path)
    with pytest.raises(UserError, match="needs that modality"):
        SelectValues("gaze", 2).on_train_batch_start(made.trainer, made.task, None, 0)
    with pytest.raises(UserError, match="at least 1, got 0"):
        SelectValues(count=0)
