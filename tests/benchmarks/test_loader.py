"""Loading segments: our cache against one torch.save file a segment (`make bench`)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from emorec.data import SegmentDataset
from emorec.data.segments import as_is
from tests.helpers.pair import WINDOWS, cached_segments

CLIPS, BATCH = 60, 90


class FilePerSegment(Dataset[dict[str, Tensor]]):
    """What published code does: one file a segment, float32, as the network takes it."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*.pt"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        segment: dict[str, Tensor] = torch.load(self.files[item])
        return segment


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset[Any]]:
    folder = tmp_path_factory.mktemp("loader")
    ours = cached_segments(folder / "cache", CLIPS, 224)
    (folder / "files").mkdir()
    for number in range(len(ours)):
        batch = ours[number]
        segment = {name: x[0].float() for name, x in batch.inputs.items()}
        segment["emotion"] = batch.targets["emotion"][0]
        torch.save(segment, folder / "files" / f"{number}.pt")
    return {"ours": ours, "a file a segment": FilePerSegment(folder / "files")}


def loader(data: Dataset[Any], workers: int) -> DataLoader[Any]:
    """Return a loader whose workers stay from epoch to epoch, as in training."""
    own: dict[str, Any] = {"collate_fn": as_is} if isinstance(data, SegmentDataset) else {}
    stay = workers > 0
    return DataLoader(
        data, BATCH, shuffle=True, num_workers=workers, persistent_workers=stay, **own
    )


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("side", ["ours", "a file a segment"])
def test_time(benchmark: Any, sets: dict[str, Dataset[Any]], side: str, workers: int) -> None:
    benchmark.group = f"{CLIPS * WINDOWS} segments, 224 px faces, {workers} workers"
    batches = loader(sets[side], workers)

    def epoch() -> int:
        return sum(1 for _ in batches)

    count: Callable[..., int] = benchmark.pedantic
    assert count(epoch, rounds=5, warmup_rounds=1) == -(-CLIPS * WINDOWS // BATCH)
