"""Batches of whole dialogues, and a fusion that relates their rows."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from emorec.callbacks import Stage, StagedTraining
from emorec.data.context import ContextSampler
from emorec.data.sampler import FILLER
from emorec.errors import DataError, UserError
from emorec.fusion import FilledFusion, QueryAttention
from emorec.objectives import CrossEntropy
from emorec.study.in_memory import InMemory
from emorec.tasks import ClassificationTask
from emorec.types import Clip, SegmentBatch, Sizes
from tests.helpers.staging import train
from tests.helpers.toy import ToyData, toy_task

STAGE = {"joint": Stage(2, objectives=["class"], monitor="val/fused/uar")}


class Talks(ToyData):
    """Four clips a dialogue; the last two clips are of none."""

    def clips(self) -> list[Clip]:
        own = super().clips()
        rest = len(own) - 2
        return [
            replace(clip, dialogue=f"d{i // 4}" if i < rest else "") for i, clip in enumerate(own)
        ]


def attentive(seed: int = 0, **options: Any) -> ClassificationTask:
    fusion = partial(QueryAttention, width=8, layers=1, heads=2, encoders=1, dropout=0.0)
    return toy_task(seed, **{"fusion": fusion, "objectives": {"class": CrossEntropy}, **options})


def made(folder: Path, **options: Any) -> Talks:
    data = Talks(folder, clips=42, windows=2, **{"context": "dialogue", **options})
    data.prepare_data()
    data.setup("fit")
    return data


def batches(loader: Any, epoch: int = 0) -> list[SegmentBatch]:
    loader.sampler.set_epoch(epoch)
    return list(loader)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_groups_stay_whole_and_ranks_have_as_many_batches(ranks: int, shuffle: bool) -> None:
    sizes = [1, 5, 3, 9, 2, 2, 4, 7, 1, 3]
    groups: list[list[int]] = []
    for size in sizes:
        first = sum(map(len, groups))
        groups.append(list(range(first, first + size)))
    seen: list[list[list[int]]] = []
    for epoch in (0, 1):
        found: list[Sequence[int]] = []
        for rank in range(ranks):
            sampler = ContextSampler(groups, ranks, rank, batch_size=8, shuffle=shuffle, seed=1)
            sampler.set_epoch(epoch)
            own = list(sampler)
            assert len(own) == len(sampler) == -(-5 // ranks)
            found += own
        real = [batch for batch in found if list(batch) != [FILLER]]
        assert sorted(i for batch in real for i in batch) == list(range(sum(sizes)))
        for group in groups:
            assert sum(set(group) <= set(batch) for batch in real) == 1
        assert max(map(len, real)) <= 9 + 1
        seen.append([list(batch) for batch in found])
    assert (seen[0] != seen[1]) == shuffle


def test_a_batch_says_which_rows_belong_together(tmp_path: Path) -> None:
    data = made(tmp_path)
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        met: dict[tuple[str, int], int] = {}
        for number, batch in enumerate(batches(loader)):
            assert batch.context is not None
            contexts: dict[tuple[str, int], int] = {}
            for clip, window, context in zip(
                batch.clip.tolist(), batch.index.tolist(), batch.context.tolist(), strict=True
            ):
                talk = data.all_clips[clip].dialogue or data.all_clips[clip].id
                assert contexts.setdefault((talk, window), context) == context
                assert met.setdefault((talk, window), number) == number
            assert len(set(contexts.values())) == len(contexts)
    plain = made(tmp_path / "plain", context="none")
    assert batches(plain.train_dataloader())[0].context is None


def test_what_is_trained_on_dialogues_looks_at_them(tmp_path: Path) -> None:
    data = made(tmp_path)
    task, _ = train(tmp_path, STAGE, task=attentive(), data=data)
    task.eval()
    (batch, *_) = batches(data.val_dataloader())
    assert batch.context is not None
    assert (batch.context.bincount() > 1).any()
    whole = task(batch).output
    alone = task(replace(batch, context=None)).output
    single = batch.context.bincount()[batch.context] == 1
    torch.testing.assert_close(whole[single], alone[single])
    assert not torch.allclose(whole[~single], alone[~single])
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(task(batch.of(order)).output, whole[order])
    others = batch.context != batch.context[0]
    for name in batch.inputs:  # rows of other dialogues are not looked at
        batch.inputs[name][others] += 1.0
    torch.testing.assert_close(task(batch).output[~others], whole[~others])
    bundle = task(batch)
    rows = torch.ones(len(batch), dtype=torch.bool)
    left = task.model.without(bundle, {"face": rows})
    gone = replace(batch, present={**batch.present, "face": ~rows})
    torch.testing.assert_close(left.output, task(gone).output)
    assert bool(task.model.fusion.get_buffer("saw_context"))


def test_an_absent_other_is_no_key_and_a_row_alone_is_as_without_context() -> None:
    torch.manual_seed(0)
    sizes = Sizes({"a": 3, "b": 3}, {"emotion": 2})
    fusion = QueryAttention(sizes, "a", 8, 2, 2).eval()
    features = {name: torch.randn(5, 3) for name in "ab"}
    present = {"a": torch.ones(5, dtype=torch.bool), "b": torch.tensor([1, 1, 0, 1, 1]).bool()}
    features["b"][2] = 0
    context = torch.tensor([0, 0, 0, 1, 2])
    found = fusion.related(features, present, context)
    torch.testing.assert_close(found[3:], fusion(features, present)[3:])
    kept = torch.tensor([0, 1])
    few = {n: x[kept] for n, x in features.items()}, {n: x[kept] for n, x in present.items()}
    # Row 2 is still a value and a key of its own modality, but no key of b.
    assert not torch.allclose(fusion.related(*few, context[kept]), found[:2])
    absent = {name: torch.zeros(5, dtype=torch.bool) for name in "ab"}
    blank = {name: torch.zeros(5, 3) for name in "ab"}
    assert fusion.related(blank, absent, context).isfinite().all()
    filled = FilledFusion(sizes, lambda s: QueryAttention(s, "a", 8, 2, 2), "zero").eval()
    assert filled.relates_rows
    assert not torch.allclose(filled.related(features, present, context), filled(features, present))


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    data = ToyData(tmp_path, context="dialogue")
    data.prepare_data()
    with pytest.raises(DataError, match="no clip is of one: MELD and IEMOCAP have dialogues"):
        data.setup()
    with pytest.raises(DataError, match=r"it needs data.sampling: plain"):
        made(tmp_path / "b", sampling="balanced").train_dataloader()
    stages = StagedTraining({"joint": Stage(1, keep="last", monitor="val/fused/uar")})
    with pytest.raises(UserError, match=r"data.context is for engine: fit"):
        InMemory(attentive(), made(tmp_path / "c"), stages, [], seed=0)
