"""Normalisation within the speaker: moments, what stays as it is, and what is stated."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emorec.cache import Entry, WorkPlan
from emorec.data.splits.parts import PARTS
from emorec.errors import DataError
from emorec.extractors.statistics import PRIOR, SpeakerStatistics, changed
from emorec.types import Array, Clip
from tests.helpers.toy import ToyData, ToyExtractor


class Shifted(ToyData):
    """Each speaker has an offset and a scale of their own."""

    def preprocess(self, work: WorkPlan) -> list[Entry]:
        entries = super().preprocess(work)
        cache = self.source().cache()
        for number, entry in enumerate(entries):
            speaker = number % 4
            arrays = {
                name: np.asarray(cache.array(entry.id, name), np.float32) * (1 + speaker)
                + 100 * speaker
                for name in self.extractors
            }
            cache.write(entry, arrays)
        return entries


def ready(data: ToyData) -> ToyData:
    data.prepare_data()
    data.setup()
    return data


def values(data: ToyData, speaker: str, modality: str) -> NDArray[np.float64]:
    """Return all present windows of a speaker, as the loaders bring them."""
    rows = []
    for part in PARTS:
        dataset = data.parts[part]
        for item, (position, _) in enumerate(dataset.items):
            if data.all_clips[position].group == speaker:
                batch = dataset[item]
                if bool(batch.present[modality]):
                    rows.append(batch.inputs[modality][0].numpy())
    return np.stack(rows).astype(np.float64)


def test_every_speaker_gets_about_the_corpus_mean_and_deviation(tmp_path: Path) -> None:
    plain = ready(Shifted(tmp_path / "a", clips=48))
    data = ready(Shifted(tmp_path / "b", clips=48, within="speaker"))
    mean, deviation = (np.asarray(each, np.float64) for each in data.statistics()["audio"])
    np.testing.assert_array_equal(mean, plain.statistics()["audio"][0])
    for speaker in range(4):
        before = values(plain, f"speaker{speaker}", "audio")
        found = values(data, f"speaker{speaker}", "audio")
        weight = 12 / (12 + PRIOR)
        spread = np.sqrt(weight * before.var(0) + (1 - weight) * deviation**2)
        centre = weight * before.mean(0) + (1 - weight) * mean
        expected = (before - centre) / spread * deviation + mean
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=0.05)


def test_arrays_windows_and_batches_are_changed_alike(tmp_path: Path) -> None:
    data = ready(Shifted(tmp_path, within="speaker"))
    train = data.parts["train"]
    position, window = train.items[0]
    batch = train[0].inputs["audio"][0].numpy()
    np.testing.assert_array_equal(batch, train.array(train.ids[position], "audio")[window])
    first, _ = next(iter(train.windows("audio")))
    np.testing.assert_array_equal(first, train.array(train.ids[position], "audio"))


class Pictures(ToyExtractor):
    def constants(self) -> tuple[Array, Array]:
        return np.zeros(1, np.float32), np.ones(1, np.float32)


def test_modalities_with_fixed_statistics_stay_as_they_are(tmp_path: Path) -> None:
    data = Shifted(tmp_path, within="speaker")
    data.extractors["face"] = Pictures()
    ready(data)
    train = data.parts["train"]
    clip = next(iter(train.ids.values()))
    np.testing.assert_array_equal(train.array(clip, "face"), train.cache.array(clip, "face"))
    assert not np.array_equal(train.array(clip, "audio"), train.cache.array(clip, "audio"))


class Anonymous(ToyData):
    def clips(self) -> list[Clip]:
        found = super().clips()
        return [*found[:-1], Clip(found[-1].id, found[-1].media, {}, "")]


def test_clips_without_a_speaker_are_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    data = Anonymous(tmp_path, within="speaker")
    with pytest.raises(DataError, match="1 of 24 clips have no speaker, such as clip23"):
        data.prepare_data()
    assert not (tmp_path / "cache").exists()
    ready(Anonymous(tmp_path))


def test_the_protocol_says_that_test_clips_were_seen(tmp_path: Path) -> None:
    assert "within the speaker" not in ToyData(tmp_path).protocol
    words = ToyData(tmp_path, within="speaker").protocol
    assert "normalised within the speaker, of whom all clips were seen" in words


def test_few_clips_count_less_and_one_does_not_count() -> None:
    random = np.random.default_rng(0)
    corpus = {"x": (np.zeros(3, np.float32), np.ones(3, np.float32))}

    def speaker(clips: int) -> SpeakerStatistics:
        parts = [{"x": (random.normal(10, 2, (40, 3)), [True] * 40)} for _ in range(clips)]
        return SpeakerStatistics.measured(parts, {"x": ()})

    assert speaker(1).onto(corpus) == {}
    means = []
    for clips in (2, 20, 200):
        change = speaker(clips).onto(corpus)["x"]
        means.append(float(changed(np.full(3, 10.0), change).mean()))
    assert means == sorted(means, reverse=True)  # 0 is the corpus' mean
    assert means[0] == pytest.approx(5 / np.sqrt(0.5 * 4 + 0.5), rel=0.05)
    assert abs(means[-1]) < 0.1


def test_what_a_speaker_never_varies_is_not_blown_up() -> None:
    corpus = {"x": (np.zeros(1, np.float32), np.ones(1, np.float32))}
    parts = [{"x": (np.full((1, 1), 3.0), [True])}] * 10
    found = SpeakerStatistics.measured(parts, {"x": ()}).onto(corpus)["x"]
    assert float(found[0][0]) == pytest.approx(np.sqrt((10 + PRIOR) / PRIOR))


def test_a_modality_that_a_speaker_never_has_is_left_alone() -> None:
    parts = [{"x": (np.zeros((2, 3)), [False, False])}] * 4
    found = SpeakerStatistics.measured(parts, {"x": ()})
    assert found.onto({"x": (np.zeros(3, np.float32), np.ones(3, np.float32))}) == {}
