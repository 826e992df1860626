"""An unlabelled corpus next to a labelled one, and batches that are half of each."""

from pathlib import Path
from typing import Any, cast

import pytest
import torch

from emorec.data.manifest_rows import unlabelled_clips
from emorec.data.sampler import FILLER, HalvesSampler
from emorec.errors import DataError
from tests.helpers.toy import ToyData


def manifest(folder: Path, clips: int = 7) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "meetings.csv"
    rows = [f"m{i}.mp4,who{i % 2},whatever" for i in range(clips)]
    path.write_text("\n".join(["path,group,label", *rows]))
    return path


def test_clips_of_the_other_corpus_have_no_label_and_absolute_paths(tmp_path: Path) -> None:
    clips = unlabelled_clips(manifest(tmp_path / "ami"))
    assert [clip.id for clip in clips[:2]] == ["meetings/m0.mp4", "meetings/m1.mp4"]
    assert clips[0].media == (tmp_path / "ami" / "m0.mp4").absolute()
    assert all(not clip.labels and clip.split == "train" for clip in clips)
    assert {clip.group for clip in clips} == {"meetings who0", "meetings who1"}


def test_a_corpus_without_usable_clips_is_reported(tmp_path: Path) -> None:
    ToyData(tmp_path / "own").prepare_data()
    data = ToyData(tmp_path / "own", unlabelled=manifest(tmp_path / "ami"))
    data._prepared = True
    with (
        pytest.warns(UserWarning, match="7 clips are left out"),
        pytest.raises(DataError, match=r"none of the 7 clips of .*meetings\.csv can be used"),
    ):
        data.setup("fit")


@pytest.mark.parametrize("split", ["random_clip", "subject_independent"])
def test_they_are_for_training_only(split: Any, tmp_path: Path) -> None:
    alone = ToyData(tmp_path / "own", split=split)
    alone.prepare_data()
    alone.setup("fit")
    path = manifest(tmp_path / "ami")
    data = ToyData(tmp_path / "own", split=split, unlabelled=path, sampling="half_labelled")
    for clip in data.checked_clips():  # the toy set writes its cache directly
        data._write(int("".join(filter(str.isdigit, clip.id)) or 0) + 1, clip)
    data.setup("fit")
    own = {name: part for name, part in data.part_of_clip.items() if "/" not in name}
    assert own == alone.part_of_clip
    assert {data.part_of_clip[name] for name in data.unlabelled_ids} == {"train"}
    batches = list(data.train_dataloader())
    for batch in batches[:-1]:
        real = batch.clip != FILLER
        assert int(batch.labelled["emotion"].sum()) == 5
        assert int((~batch.labelled["emotion"] & real).sum()) == 5
    plain = ToyData(tmp_path / "own", split=split, unlabelled=path)
    plain.labelled_only = True
    plain.setup("fit")
    assert not plain.unlabelled_ids & {plain.all_clips[p].id for p in plain.parts["train"].ids}


def test_without_unlabelled_clips_half_labelled_batches_are_refused(tmp_path: Path) -> None:
    for options, message in (
        ({"labelled_only": True}, "both labelled and unlabelled"),
        ({"batch_size": 9}, r"an even batch_size \(it is 9\)"),
    ):
        data = ToyData(tmp_path, sampling="half_labelled", **options)
        data.prepare_data()
        data.setup("fit")
        with pytest.raises(DataError, match=message):
            data.train_dataloader()


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("few", [True, False])
def test_each_rank_has_as_many_of_both(ranks: int, few: bool) -> None:
    labelled = [i % 4 == 0 if few else i % 4 != 0 for i in range(41)]
    samplers = [
        HalvesSampler(cast("Any", range(41)), ranks, rank, labelled=labelled, seed=0)
        for rank in range(ranks)
    ]
    hands = [list(sampler) for sampler in samplers]
    assert {len(hand) for hand in hands} == {len(samplers[0])}
    seen = sorted(i for hand in hands for i in hand[::2] if i != FILLER)
    assert seen == [i for i, has in enumerate(labelled) if has]
    others = [i for hand in hands for i in hand[1::2]]
    assert not any(labelled[i] for i in others)
    counts = torch.bincount(torch.tensor(others), minlength=41)
    open_rows = torch.tensor([not has for has in labelled])
    assert counts[open_rows].max() - counts[open_rows].min() <= 1
    for sampler in samplers:
        sampler.set_epoch(1)
    assert [list(sampler) for sampler in samplers] != hands
