"""Baselines: vectors of clips, classifiers, and what they choose by."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from emorec.baselines import BaselineError, run_baseline
from emorec.baselines.methods import METHODS, candidates
from emorec.baselines.vectors import vectors_of
from emorec.data.generated import Generated
from emorec.types import Array, Classes, Values
from tests.helpers.toy import CLASSES, WIDTH, ToyData, ToyExtractor


def ready(data: ToyData) -> ToyData:
    data.prepare_data()
    data.setup("fit")
    return data


def test_a_clip_is_mean_and_deviation_of_its_present_windows(tmp_path: Path) -> None:
    data = ready(ToyData(tmp_path, windows=3))
    for part in ("train", "val", "test"):
        dataset = data.parts[part]
        found = vectors_of(dataset, "audio", ())
        assert found.shape == (len(dataset.ids), 2 * WIDTH)
        for row, (position, clip) in zip(found, dataset.ids.items(), strict=True):
            array = np.asarray(dataset.array(clip, "audio"), np.float64)
            array = array[dataset.present[position]["audio"]]
            np.testing.assert_allclose(row[:WIDTH], array.mean(0))
            np.testing.assert_allclose(row[WIDTH:], array.std(0))


class Whole:
    """Three clips of one window, of which the second lacks the modality."""

    ids: ClassVar = {0: "a", 1: "b", 2: "c"}
    present: ClassVar = {0: {"x": [True]}, 1: {"x": [False]}, 2: {"x": [True]}}

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.arrays = np.random.default_rng(0).normal(size=(3, 1, *shape))

    def windows(self, modality: str) -> Iterator[tuple[Array, list[bool]]]:
        for position in self.ids:
            yield self.arrays[position], self.present[position][modality]


def test_one_window_per_clip_has_no_deviation_and_a_missing_one_is_nan() -> None:
    whole: Any = Whole((4,))
    found = vectors_of(whole, "x", ())
    assert found.shape == (3, 4)
    np.testing.assert_array_equal(found[0], whole.arrays[0, 0])
    assert np.isnan(found[1]).all()


def test_sequences_and_spectrograms_are_pooled_over_time_without_padding() -> None:
    whole: Any = Whole((5, 4))
    whole.arrays[2, 0, 3:] = np.nan
    found = vectors_of(whole, "x", (0,))
    assert found.shape == (3, 8)
    np.testing.assert_allclose(found[2, :4], whole.arrays[2, 0, :3].mean(0))
    np.testing.assert_allclose(found[2, 4:], whole.arrays[2, 0, :3].std(0))


@pytest.mark.parametrize("method", METHODS)
def test_each_method_learns_what_clusters_and_reports_each_modality(
    method: str, tmp_path: Path
) -> None:
    data = ready(ToyData(tmp_path, clips=120))
    tested, chosen = run_baseline(data, method, seed=0)
    assert [each.name for each in tested] == ["fused", "audio", "face"]
    assert chosen["fused"].dimensions == 4 * WIDTH
    for each in tested:
        accuracy = each.scores()["accuracy"]
        assert accuracy is not None
        assert accuracy > 0.6  # chance is 1/3
        table = each.table()
        assert len(table) == len(data.parts["test"].ids)
        shares = table[[f"p_{name}" for name in CLASSES]].astype(float)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-4)


@pytest.mark.parametrize(
    ("method", "name", "value"), [("linear", "C", 0.02), ("svm", "C", 2), ("trees", "leaves", 3)]
)
def test_a_fixed_setting_is_the_one_that_is_fitted(
    method: str, name: str, value: float, tmp_path: Path
) -> None:
    data = ready(ToyData(tmp_path, clips=60))
    _, chosen = run_baseline(data, method, 0, {name: value})
    assert chosen["fused"].settings == {name: value}
    parameter = {"C": "C", "leaves": "max_leaf_nodes"}[name]
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    (fitted,) = candidates(method, x, y, 0, {name: value})
    assert fitted.classifier[-1].get_params()[parameter] == value


def test_refit_learns_from_validation_clips_too(tmp_path: Path) -> None:
    data = ready(ToyData(tmp_path, clips=60))
    x, y = {}, {}
    for part, dataset in data.parts.items():
        x[part] = np.hstack([vectors_of(dataset, name, ()) for name in ("audio", "face")])
        y[part] = np.array([dataset.labels[clip].get("emotion", -1) for clip in dataset.ids])
    both = np.vstack([x["train"], x["val"]]), np.concatenate([y["train"], y["val"]])
    found = []
    for refit, (rows, classes) in ((False, (x["train"], y["train"])), (True, both)):
        (fitted,) = candidates("linear", rows[classes >= 0], classes[classes >= 0], 0, {"C": 0.1})
        tested, _ = run_baseline(data, "linear", 0, {"C": 0.1}, refit=refit)
        scores = tested[0].raw.scores.numpy()
        np.testing.assert_allclose(scores, fitted.scores(x["test"], len(CLASSES)), atol=1e-6)
        found.append(scores)
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize(
    ("method", "fixed", "words"),
    [
        ("linear", {"leaves": 4}, "linear has the setting C, got leaves"),
        ("svm", {"C": 0}, "C must be a number above 0"),
        ("trees", {"leaves": 2.5}, "leaves must be a whole number of at least 2"),
        ("trees", {"leaves": 1}, "leaves must be a whole number of at least 2"),
    ],
)
def test_settings_that_a_method_does_not_have_are_refused(
    method: str, fixed: dict[str, Any], words: str
) -> None:
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    with pytest.raises(BaselineError, match=words):
        list(candidates(method, x, y, 0, fixed))


def test_test_labels_change_nothing_but_the_score(tmp_path: Path) -> None:
    tables = []
    for changed in (False, True):
        data = ready(ToyData(tmp_path, clips=60))
        if changed:
            labels = data.parts["test"].labels
            for position in labels:
                labels[position] = {"emotion": 0}
        tested, _ = run_baseline(data, "linear", seed=0)
        tables.append(tested[0].table().drop(columns="target"))
    assert tables[0].equals(tables[1])


def test_classes_that_are_not_in_training_get_nothing() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(40, 3)), np.repeat([0, 3], 20)
    x[y == 3] += 2
    x[0, 1] = np.nan
    for method in METHODS:
        for fitted in candidates(method, x, y, seed=0):
            scores = fitted.scores(x, 5)
            assert scores.shape == (40, 5)
            assert not scores[:, [1, 2, 4]].any()
            np.testing.assert_allclose(scores.sum(1), 1)
            assert (scores.argmax(1) == y).mean() > 0.9


def test_rare_classes_count_as_much_as_common_ones() -> None:
    random = np.random.default_rng(0)
    y = np.repeat([0, 1], [95, 5])
    x = random.normal(size=(100, 1)) + 1.5 * y[:, None]
    (strongest, *_) = candidates("linear", x, y, seed=0)
    assert (strongest.scores(x, 2).argmax(1) == 1).sum() > 5


class Pictures(ToyExtractor):
    def constants(self) -> tuple[Array, Array]:
        return np.zeros(1, np.float32), np.ones(1, np.float32)


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    data = ToyData(tmp_path)
    data.extractors = {"audio": Pictures(), "face": Pictures()}
    with pytest.raises(BaselineError, match="not pictures, and there is only audio, face"):
        run_baseline(ready(data), "linear", 0)
    data = ready(ToyData(tmp_path / "b"))
    data.targets = {"affect": Values(["arousal"], 0.04)}
    with pytest.raises(BaselineError, match=r"the data has affect, with values over time: train a"):
        run_baseline(data, "linear", 0)
    data.targets = {"emotion": Classes(CLASSES), "other": Classes(CLASSES)}
    with pytest.raises(BaselineError, match="for one target with classes; the data has emotion, o"):
        run_baseline(data, "linear", 0)
    data.generated = Generated(tmp_path)
    with pytest.raises(BaselineError, match=r"leave data.generated out"):
        run_baseline(data, "linear", 0)
    with pytest.raises(BaselineError, match="all of one class"):
        next(candidates("linear", np.zeros((3, 1)), np.zeros(3, np.int64), 0))
    with pytest.raises(BaselineError, match="must be one of linear, svm, trees"):
        next(candidates("forest", np.zeros((2, 1)), np.arange(2), 0))


def test_probabilities_of_all_kinds_are_those_of_torch(tmp_path: Path) -> None:
    tested, _ = run_baseline(ready(ToyData(tmp_path, clips=60)), "svm", seed=0)
    assert tested[0].votes.scores.dtype == torch.float32
    assert tested[0].votes.segments.min() >= 1
