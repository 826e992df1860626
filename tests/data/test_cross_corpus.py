"""Training on one set and testing on another: parts, mapped classes, and what is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emorec.data.cross_corpus import CrossCorpus
from emorec.data.generated import Generated
from emorec.data.splits.leaks import LeakError, shares_speakers
from emorec.errors import DataError
from emorec.extractors import Around, LogMel
from emorec.types import Classes, Clip
from tests.helpers.toy import ToyData


class Other(ToyData):
    """A second set: other ids and names of classes, and the same speakers' names."""

    def __init__(self, root: Path, **options: Any) -> None:
        super().__init__(root, **options)
        self.targets = {"emotion": Classes(["anger", "bored", "happy"])}

    def clips(self) -> list[Clip]:
        return [replace(clip, id=f"other-{clip.id}") for clip in super().clips()]


def cross(folder: Path, **options: Any) -> CrossCorpus:
    options = {"workers": 0, "labels": {"happy": "joy"}, **options}
    return CrossCorpus(ToyData(folder / "one"), Other(folder / "two"), **options)


@pytest.fixture
def data(tmp_path: Path) -> CrossCorpus:
    data = cross(tmp_path)
    data.prepare_data()
    data.setup()
    return data


def test_generated_segments_are_given_to_the_whole(tmp_path: Path) -> None:
    one = ToyData(tmp_path / "one", generated=Generated(tmp_path))
    with pytest.raises(DataError, match=r"give data.generated, not that of one"):
        CrossCorpus(one, Other(tmp_path / "two"), labels={"happy": "joy"}, workers=0)


def test_one_set_is_trained_on_and_the_other_tested(data: CrossCorpus, tmp_path: Path) -> None:
    ids = {part: {clip.id for clip in data.clips_of(part)} for part in ("train", "val", "test")}
    assert all(name.startswith("other-") for name in ids["test"])
    assert not any(name.startswith("other-") for name in ids["train"] | ids["val"])
    alone = ToyData(tmp_path / "one")
    alone.setup()
    for part in ("train", "val"):
        assert ids[part] == {clip.id for clip in alone.clips_of(part)}
    # One is unlabelled, and "bored" is no class of the training set.
    assert len(ids["test"]) == 24 - 1 - 8


def test_classes_are_mapped_and_the_mapping_is_stated(data: CrossCorpus) -> None:
    labels = {clip.id: clip.labels["emotion"] for clip in data.clips_of("test")}
    assert labels["other-clip00"] == data.targets["emotion"].names.index("anger")
    assert labels["other-clip02"] == data.targets["emotion"].names.index("joy")
    assert data.label_note == (
        "trained on ToyData; tested on Other; mapped: happy = joy; left out: bored"
    )


def test_each_part_is_read_from_its_own_cache(data: CrossCorpus) -> None:
    batch = next(iter(data.test_dataloader()))
    assert {data.all_clips[i].id[:6] for i in batch.clip.tolist()} == {"other-"}
    assert data.parts["test"].cache.folder != data.parts["train"].cache.folder
    assert set(data.statistics()) == {"audio", "face"}


def test_speakers_of_two_sets_are_never_the_same(tmp_path: Path) -> None:
    data = cross(tmp_path, split="subject_independent")
    data.prepare_data()
    data.setup()
    groups = [{clip.group for clip in data.clips_of(part)} for part in ("train", "val", "test")]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


class Song(ToyData):
    """The same people as in the first set, in other clips."""

    def clips(self) -> list[Clip]:
        return [replace(clip, id=f"song-{clip.id}") for clip in super().clips()]


def test_two_parts_of_one_corpus_share_their_speakers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(**options: Any) -> CrossCorpus:
        song = ToyData(tmp_path / "two")
        monkeypatch.setattr(song, "clips", Song(tmp_path / "two").clips)
        found = CrossCorpus(ToyData(tmp_path / "one"), song, workers=0, **options)
        found.prepare_data()
        return found

    shared = made()
    shared.setup()
    assert shares_speakers(shared.all_clips, shared.part_of_clip) is True
    with pytest.raises(LeakError, match="the same speaker is in several parts"):
        made(split="subject_independent").setup()


def test_equal_options_of_nested_extractors_are_equal(tmp_path: Path) -> None:
    one, two = ToyData(tmp_path / "one"), Other(tmp_path / "two")
    for data in (one, two):
        data.extractors = {"audio": Around(LogMel(bands=20), 2.0)}
    CrossCorpus(one, two)
    two.extractors = {"audio": Around(LogMel(bands=21), 2.0)}
    with pytest.raises(DataError, match="extractors of the training and the test set differ"):
        CrossCorpus(one, two)


def test_sets_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels maps 'sad' to 'joy'"):
        cross(tmp_path, labels={"sad": "joy"})
    one, two = ToyData(tmp_path / "one"), Other(tmp_path / "two")
    two.targets = {"emotion": Classes(["x", "y"])}
    with pytest.raises(DataError, match="no class in common"):
        CrossCorpus(one, two)
    del two.extractors["face"]
    with pytest.raises(DataError, match="extractors of the training and the test set differ"):
        CrossCorpus(one, two)


def test_the_same_id_in_both_sets_is_refused(tmp_path: Path) -> None:
    data = CrossCorpus(ToyData(tmp_path / "one"), ToyData(tmp_path / "two"), workers=0)
    with pytest.raises(DataError, match="'clip00' is in both sets"):
        data.prepare_data()


def test_an_unlabelled_corpus_is_the_training_sets(tmp_path: Path) -> None:
    listed = tmp_path / "meetings.csv"
    listed.write_text("path\nm1.mp4\nm2.mp4\n")
    with pytest.raises(DataError, match=r"data\.train\.unlabelled"):
        cross(tmp_path, unlabelled=listed)
    train = ToyData(tmp_path / "one", unlabelled=listed)
    for number, clip in enumerate(train.checked_clips()):  # the toy set writes its cache directly
        train._write(number, clip)
    test = Other(tmp_path / "two")
    test.prepare_data()
    data = CrossCorpus(train, test, workers=0, labels={"happy": "joy"}, split="random_clip")
    data.setup()
    assert {data.part_of_clip[f"meetings/m{i}.mp4"] for i in (1, 2)} == {"train"}
    alone = cross(tmp_path)
    alone.setup()
    own = {name: part for name, part in data.part_of_clip.items() if "/" not in name}
    assert own == alone.part_of_clip
