"""Data modules: from clips and a cache to loaders."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, DistributedSampler

from emorec.augment import Augmentation
from emorec.cache import Entry, WorkPlan
from emorec.data import EmotionDataModule, random_clip
from emorec.data.splits.parts import PARTS
from emorec.errors import DataError
from emorec.types import Array, Classes, Clip, SegmentBatch
from tests.helpers.toy import CLASSES, ToyData, ToyExtractor, toy_task

Keys = list[tuple[int, int]]


def ready(folder: Path, **options: Any) -> ToyData:
    data = ToyData(folder, **options)
    data.prepare_data()
    data.setup()
    return data


def keys(loader: DataLoader[SegmentBatch], epoch: int = 0) -> Keys:
    assert isinstance(loader.sampler, DistributedSampler)
    loader.sampler.set_epoch(epoch)
    return [
        pair
        for batch in loader
        for pair in zip(batch.clip.tolist(), batch.index.tolist(), strict=True)
    ]


def test_loaders_bring_all_segments_of_their_part_once(tmp_path: Path) -> None:
    data = ready(tmp_path)
    loaders = {
        "train": data.train_dataloader(),
        "val": data.val_dataloader(),
        "test": data.test_dataloader(),
    }
    seen: Keys = []
    for part in PARTS:
        found = keys(loaders[part])
        assert {data.all_clips[clip].id for clip, _ in found} == {c.id for c in data.clips_of(part)}
        seen += found
    everything = [(c, w) for c in range(24) for w in range(3) if (c, w) != (0, 1)]
    assert sorted(seen) == everything


def test_evaluation_is_in_order(tmp_path: Path) -> None:
    data = ready(tmp_path)
    for loader in (data.val_dataloader(), data.test_dataloader()):
        found = keys(loader, epoch=3)
        assert found == sorted(found)


def test_the_order_of_training_is_a_function_of_seed_and_epoch(tmp_path: Path) -> None:
    data = ready(tmp_path)
    loader = data.train_dataloader()
    first, second = keys(loader, 0), keys(loader, 1)
    assert first != second
    assert sorted(first) == sorted(second)
    torch.manual_seed(1)
    again = ready(tmp_path)
    assert keys(again.train_dataloader(), 1) == second
    assert keys(loader, 0) == first
    other = ready(tmp_path, seed=8)
    other.parts = data.parts
    assert keys(other.train_dataloader(), 0) != first


def test_batches_are_of_the_size_asked_for(tmp_path: Path) -> None:
    data = ready(tmp_path, batch_size=7)
    sizes = [len(batch) for batch in data.train_dataloader()]
    assert set(sizes[:-1]) == {7}
    assert sum(sizes) == len(data.parts["train"])


def test_batches_of_worker_processes_are_the_same(tmp_path: Path) -> None:
    assert keys(ready(tmp_path, workers=2).train_dataloader()) == keys(
        ready(tmp_path).train_dataloader()
    )


def test_all_listed_clips_are_split_and_what_is_not_usable_left_out(
    tmp_path: Path,
) -> None:
    class Skips(ToyData):
        def _write(self, number: int, clip: Clip) -> Entry:
            if number in (3, 4):
                entry = Entry(clip.id, str(clip.media), "skipped", reason="broken")
                self.source().cache().write(entry, {})
                return entry
            return super()._write(number, clip)

    data = Skips(tmp_path)
    data.prepare_data()
    with pytest.warns(UserWarning, match=r"2 clips are left out; see .*report\.csv"):
        data.setup()
    lost = {data.all_clips[number].id for number in (3, 4)}
    whole = random_clip(data.all_clips, 0)
    assert data.part_of_clip == {name: part for name, part in whole.items() if name not in lost}
    assert sum(len(data.clips_of(part)) for part in PARTS) == 22


def test_no_usable_clip_is_an_error_that_names_the_report(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none of 24 clips is usable; .*report\.csv says why"):
        ToyData(tmp_path).setup()


def test_speakers_stay_together_where_asked_for(tmp_path: Path) -> None:
    data = ready(tmp_path, split="subject_independent")
    groups = [{clip.group for clip in data.clips_of(part)} for part in PARTS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 4


def test_setting_up_twice_changes_nothing(tmp_path: Path) -> None:
    data = ready(tmp_path)
    parts = dict(data.parts)
    data.setup("test")
    assert all(data.parts[part] is parts[part] for part in PARTS)


def test_preparing_twice_preprocesses_once(tmp_path: Path) -> None:
    calls = []

    class Counts(ToyData):
        def preprocess(self, work: WorkPlan) -> list[Entry]:
            calls.append(work.workers)
            return super().preprocess(work)

    data = Counts(tmp_path, workers=3)
    data.prepare_data()
    data.prepare_data()
    assert calls == [3]


def test_statistics_are_those_of_training_clips_or_the_extractors(tmp_path: Path) -> None:
    class Constant(ToyExtractor):
        def constants(self) -> tuple[Array, Array]:
            return np.full(1, 5.0), np.full(1, 2.0)

    data = ToyData(tmp_path)
    data.extractors["face"] = Constant()
    data.prepare_data()
    data.setup()
    statistics = data.statistics()
    batches = list(data.train_dataloader())
    audio = torch.cat([batch.inputs["audio"][batch.present["audio"]] for batch in batches]).numpy()
    np.testing.assert_allclose(np.asarray(statistics["audio"][0], float), audio.mean(0), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(statistics["audio"][1], float), audio.std(0), rtol=1e-5)
    assert [float(value[0]) for value in statistics["face"]] == [5, 2]


def test_without_extractors_a_set_is_refused(tmp_path: Path) -> None:
    class Empty(EmotionDataModule):
        targets = {"emotion": Classes(CLASSES)}  # noqa: RUF012

        def clips(self) -> list[Clip]:
            return []

    with pytest.raises(DataError, match="name at least one modality"):
        Empty(tmp_path, {})
    with pytest.raises(DataError, match=f"no clip found in {tmp_path}"):
        Empty(tmp_path, {"audio": ToyExtractor()}).checked_clips()


def test_the_root_is_checked_before_clips_are_listed(tmp_path: Path) -> None:
    class Listed(EmotionDataModule):
        targets = {"emotion": Classes(CLASSES)}  # noqa: RUF012
        layout = "expected ROOT/clip.mp4"

        def clips(self) -> list[Clip]:
            return [Clip("clip", Path("clip.mp4"), {"emotion": 0})]

    class Generated(Listed):
        needs_root = False

    (tmp_path / "file").touch()
    for root, found in (("nowhere", "does not exist"), ("file", "is not a folder")):
        place = tmp_path / root
        options = {"audio": ToyExtractor()}
        with pytest.raises(DataError) as caught:
            Listed(place, dict(options)).checked_clips()
        assert str(caught.value) == (
            f"the root of Listed, {place}, {found}; name the folder of the set in data.root; "
            "expected ROOT/clip.mp4"
        )
        assert len(Generated(place, dict(options)).checked_clips()) == 1


def test_augmentation_is_for_training_batches_only(tmp_path: Path) -> None:
    class Mark(Augmentation):
        def forward(self, batch: Any) -> Any:
            return "augmented"

    batch: Any = "batch"
    task: Any = toy_task()
    trainer: Any = SimpleNamespace(training=True, datamodule=ToyData(tmp_path, augment=Mark()))
    task._trainer = trainer
    assert task.on_after_batch_transfer(batch, 0) == "augmented"
    trainer.training = False
    assert task.on_after_batch_transfer(batch, 0) == "batch"
    trainer = SimpleNamespace(training=True, datamodule=ToyData(tmp_path))
    task._trainer = trainer
    assert task.on_after_batch_transfer(batch, 0) == "batch"
