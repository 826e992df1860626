"""SpecAugment: masks bands and frames of a spectrogram."""

from torch import Tensor
from torchaudio.functional import mask_along_axis_iid
from typing_extensions import override

from emorec.augment.base import InputAugmentation
from emorec.errors import UserError


class SpecAugment(InputAugmentation):
    """Masks random bands and frames of log-mels (Park et al. 2019, without time warping).

    Masks are filled with the window's mean (https://arxiv.org/abs/1904.08779). Windows of half a
    second are much shorter than the paper's utterances, and so are the masks.

    Args:
        modality: Whose arrays, (1, bands, frames).
        bands: Largest number of bands in a mask.
        frames: Largest number of frames in a mask.
        masks: Masks of each kind.
        rate: Share of rows that are changed, 0 to 1.
    """

    def __init__(
        self,
        modality: str = "audio",
        bands: int = 12,
        frames: int = 12,
        masks: int = 1,
        rate: float = 1.0,
    ) -> None:
        super().__init__(modality, rate)
        self.bands, self.frames, self.masks = bands, frames, masks

    @override
    def change(self, x: Tensor) -> Tensor:
        """Return masked log-mels.

        Raises:
            UserError: The arrays are not spectrograms.
        """
        if x.ndim != 4 or x.shape[1] != 1:
            raise UserError(f"SpecAugment needs log-mels, {self.modality} is {tuple(x.shape[1:])}")
        mean = x.mean((-2, -1), keepdim=True)
        x = x - mean
        for _ in range(self.masks):
            for axis, width in ((2, self.bands), (3, self.frames)):
                x = mask_along_axis_iid(x, width, 0.0, axis)
        return x + mean
