"""Random crops and colours of faces: the augmentation of the end-to-end system."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms.v2.functional import rgb_to_grayscale
from typing_extensions import override

from emorec.augment.base import InputAugmentation
from emorec.errors import UserError


class CropAndColour(InputAugmentation):
    """Scales up, crops at random to the old size, then changes saturation and brightness.

    Tzirakis et al. 2017 (https://arxiv.org/abs/1704.08619): 96 pixels to 110, saturation 0.5 to
    1.5, brightness +-32 of 255 (the authors' public code). All frames of a window are changed
    alike (they do not state whether theirs are); saturation is changed by mixing with grey (theirs
    changes it in HSV).

    Args:
        modality: Whose arrays: (3, H, W), or (T, 3, H, W), 0 to 255.
        enlarged: Side in pixels that pictures are scaled to before they are cropped.
        saturation: Smallest and largest factor.
        brightness: Largest value that is added or subtracted, 0 to 255.
        rate: Share of rows that are changed, 0 to 1.
    """

    def __init__(
        self,
        modality: str = "face",
        enlarged: int = 110,
        saturation: tuple[float, float] = (0.5, 1.5),
        brightness: float = 32.0,
        rate: float = 1.0,
    ) -> None:
        super().__init__(modality, rate)
        if not 0 <= saturation[0] <= saturation[1]:
            raise UserError(
                f"saturation must be the smallest and the largest factor, got {saturation}"
            )
        self.enlarged, self.saturation, self.brightness = enlarged, saturation, brightness

    @override
    def change(self, x: Tensor) -> Tensor:
        """Return changed pictures.

        Raises:
            UserError: The arrays are not colour pictures, or larger than ``enlarged``.
        """
        side = x.shape[-1]
        if x.ndim not in (4, 5) or x.shape[-3] != 3 or max(x.shape[-2:]) > self.enlarged:
            raise UserError(
                f"CropAndColour needs colour pictures of at most {self.enlarged} pixels, "
                f"{self.modality} is {tuple(x.shape[1:])}"
            )
        frames = x if x.ndim == 5 else x.unsqueeze(1)
        room = self.enlarged - side + 1
        corners = torch.randint(room, (len(x), 2), device=x.device).tolist()
        size = (self.enlarged, self.enlarged)
        cropped = []
        for row, (top, left) in zip(frames, corners, strict=True):
            large = interpolate(row, size, mode="bilinear", align_corners=False)
            cropped.append(large[..., top : top + x.shape[-2], left : left + side])
        moved = torch.stack(cropped)
        low, high = self.saturation
        factor = low + (high - low) * torch.rand(len(x), 1, 1, 1, 1, device=x.device)
        grey: Tensor = rgb_to_grayscale(moved)
        added = self.brightness * (2 * torch.rand(len(x), 1, 1, 1, 1, device=x.device) - 1)
        changed = (factor * moved + (1 - factor) * grey).clamp(0, 255)
        changed = (changed + added).clamp(0, 255)
        return changed if x.ndim == 5 else changed.squeeze(1)
