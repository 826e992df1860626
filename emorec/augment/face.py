"""Random rotation, shift, mirroring, light and occlusion of faces."""

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample
from typing_extensions import override

from emorec.augment.base import InputAugmentation


class FaceAugmentation(InputAugmentation):
    """Random geometry, light and occlusion of face crops, the same for all frames of a window.

    Args:
        modality: Whose arrays: (3, H, W), or (T, 3, H, W).
        flip: Probability of the mirror image.
        degrees: Largest rotation, in degrees.
        scale: Largest change of size, as a share.
        shift: Largest shift, as a share of the side.
        light: Largest change of brightness and of contrast, as a share.
        erase: Largest side of a covered square, as a share of the side (DeVries and Taylor 2017,
            cutout); 0: none.
        rate: Share of rows that are changed, 0 to 1.
    """

    def __init__(
        self,
        modality: str = "face",
        flip: float = 0.5,
        degrees: float = 10.0,
        scale: float = 0.1,
        shift: float = 0.05,
        light: float = 0.2,
        erase: float = 0.0,
        rate: float = 1.0,
    ) -> None:
        super().__init__(modality, rate)
        self.flip, self.degrees, self.scale = flip, degrees, scale
        self.shift, self.light, self.erase = shift, light, erase

    @override
    def change(self, x: Tensor) -> Tensor:
        frames = x if x.ndim == 5 else x.unsqueeze(1)
        count, steps, side = len(frames), frames.shape[1], frames.shape[-1]

        def between(most: float) -> Tensor:
            return most * (2 * torch.rand(count, device=x.device) - 1)

        angle = between(math.radians(self.degrees))
        size = 1 + between(self.scale)
        mirror = 1 - 2 * (torch.rand(count, device=x.device) < self.flip).float()
        matrix = torch.zeros(count, 2, 3, device=x.device)
        matrix[:, 0, 0], matrix[:, 0, 1] = angle.cos() / size * mirror, -angle.sin() / size
        matrix[:, 1, 0], matrix[:, 1, 1] = angle.sin() / size * mirror, angle.cos() / size
        matrix[:, 0, 2], matrix[:, 1, 2] = between(2 * self.shift), between(2 * self.shift)
        flat = frames.flatten(0, 1)
        turned = matrix.repeat_interleave(steps, 0)
        grid = affine_grid(turned, list(flat.shape), align_corners=False)
        flat = grid_sample(flat, grid, padding_mode="border", align_corners=False)
        moved = flat.view(frames.shape)
        wide = (count, 1, 1, 1, 1)
        mean = moved.mean((1, 2, 3, 4), keepdim=True)
        contrast, brightness = (1 + between(self.light).view(wide) for _ in range(2))
        moved = ((moved - mean) * contrast + mean * brightness).clamp(0, 255)
        if self.erase > 0:
            covered = self._covered(count, side, x.device).view(-1, 1, 1, side, side)
            moved = torch.where(covered, mean, moved)
        changed: Tensor = moved if x.ndim == 5 else moved.squeeze(1)
        return changed

    def _covered(self, count: int, side: int, device: torch.device) -> Tensor:
        """Return bool (count, side, side): one covered square each."""
        width = self.erase * torch.rand(count, 1, device=device)
        at = torch.arange(side, device=device) / side
        spans = []
        for _ in range(2):
            start = torch.rand(count, 1, device=device) * (1 - width)
            spans.append((at >= start) & (at < start + width))
        return spans[0].unsqueeze(2) & spans[1].unsqueeze(1)
