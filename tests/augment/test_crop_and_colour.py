"""Faces cropped and recoloured: all frames alike, within limits, at the same size."""

import pytest
import torch
from torch.nn.functional import interpolate

from emorec.augment import CropAndColour
from emorec.errors import UserError
from emorec.testing import toy_batch


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 255


@pytest.mark.parametrize("shape", [(6, 3, 24, 24), (6, 4, 3, 24, 24)])
def test_pictures_keep_their_size_and_range(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    changed = CropAndColour(enlarged=28).change(pictures(*shape))
    assert changed.shape == shape
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_all_frames_of_a_window_are_changed_alike_and_rows_are_not() -> None:
    torch.manual_seed(0)
    same = pictures(1, 1, 3, 24, 24).expand(4, 5, 3, 24, 24)
    changed = CropAndColour(enlarged=30).change(same)
    for row in changed:
        torch.testing.assert_close(row, row[:1].expand(5, 3, 24, 24))
    assert not torch.allclose(changed[0], changed[1])


def test_each_part_alone() -> None:
    torch.manual_seed(0)
    x = 100 + 0.2 * pictures(8, 3, 24, 24)
    colour = CropAndColour(enlarged=24, saturation=(0.5, 1.5), brightness=0.0).change(x)
    grey = (0.2989 * x[:, 0] + 0.587 * x[:, 1] + 0.114 * x[:, 2]).unsqueeze(1)
    factors = ((colour - grey) / (x - grey)).flatten(1).median(1).values
    assert ((factors > 0.49) & (factors < 1.51)).all()
    assert factors.std() > 0.1
    light = CropAndColour(enlarged=24, saturation=(1.0, 1.0), brightness=32.0).change(x)
    added = (light - x).flatten(1)
    assert added.std(1).max() < 1e-3
    assert added.mean(1).abs().max() <= 32
    assert added.mean(1).std() > 5
    moved = CropAndColour(enlarged=32, saturation=(1.0, 1.0), brightness=0.0).change(x)
    large = interpolate(x, (32, 32), mode="bilinear", align_corners=False)
    corners = []
    for row, picture in zip(moved, large, strict=True):
        places = [(i, j) for i in range(9) for j in range(9)]
        corners += [
            (i, j)
            for i, j in places
            if torch.allclose(row, picture[:, i : i + 24, j : j + 24], atol=1e-3)
        ]
    assert len(corners) == len(x)
    assert len(set(corners)) > 2


def test_only_rows_with_the_modality_change() -> None:
    batch = toy_batch({"face": pictures(8, 3, 24, 24), "audio": torch.ones(8, 2)})
    changed = CropAndColour(enlarged=28)(batch)
    rows = (changed.inputs["face"] != batch.inputs["face"]).flatten(1).any(1)
    assert torch.equal(rows, batch.present["face"])


def test_other_arrays_are_refused() -> None:
    with pytest.raises(UserError, match=r"colour pictures of at most 20 pixels, face is \(3, 24"):
        CropAndColour(enlarged=20).change(pictures(2, 3, 24, 24))
    with pytest.raises(UserError, match="needs colour pictures"):
        CropAndColour().change(pictures(2, 1, 24, 24))
    with pytest.raises(UserError, match="smallest and the largest factor"):
        CropAndColour(saturation=(2.0, 1.0))
