import pytest
import torch

from emorec.encoders import SpectrogramEncoder
from emorec.errors import UserError


def test_spectrograms_of_any_size_that_survives_the_pooling_are_taken() -> None:
    encoder = SpectrogramEncoder([4, 8, 8], dim=5)
    for bands, frames in ((8, 8), (64, 150), (94, 94)):
        assert encoder(torch.randn(2, 1, bands, frames)).shape == (2, 5)


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (2, 1, 64, 7), (2, 64, 64)])
def test_other_arrays_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="of at least 16 bands and frames; the data has"):
        SpectrogramEncoder()(torch.randn(shape))


def test_sizes_are_checked() -> None:
    for channels, dim in (([], 4), ([8, 0], 4), ([8], 0)):
        with pytest.raises(UserError, match="must be at least 1"):
            SpectrogramEncoder(channels, dim)
