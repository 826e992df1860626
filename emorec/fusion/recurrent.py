"""An LSTM over the concatenated steps of all modalities."""

import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.fusion.base import Fusion
from emorec.types import Sizes


class RecurrentFusion(Fusion):
    """Concatenation of the features of each step, and an LSTM (Tzirakis et al. 2017).

    2 layers of 256 units in https://arxiv.org/abs/1704.08619. The authors' code has peepholes and
    clips cells at 100; torch's LSTM has neither. An absent modality is a vector of zeros. Features
    without steps, (B, D), are one step.

    Args:
        sizes: Feature dimensions, given by the task.
        layers: LSTM layers.
        units: Units per layer, and dimension of the fused feature.
        dropout: Dropout between the layers, 0 to below 1; the paper names none.
    """

    def __init__(
        self, sizes: Sizes, layers: int = 2, units: int = 256, dropout: float = 0.0
    ) -> None:
        super().__init__(sizes)
        if layers < 1 or units < 1:
            raise UserError(f"layers and units must be at least 1, got {layers} and {units}")
        self.names, self.dim = sorted(sizes.features), units
        width = sum(sizes.features.values())
        self.lstm = nn.LSTM(width, units, layers, batch_first=True, dropout=dropout)

    @override
    def forward(self, features: dict[str, Tensor], present: dict[str, Tensor]) -> Tensor:
        r"""Return (B, \*T, units).

        Raises:
            UserError: The modalities have different numbers of steps.
        """
        steps = {name: tuple(features[name].shape[1:-1]) for name in self.names}
        if len(set(steps.values())) > 1:
            raise UserError(
                "RecurrentFusion needs the same number of steps from all modalities, got "
                + ", ".join(f"{n} {'x'.join(map(str, s)) or 'none'}" for n, s in steps.items())
                + ": steps of 40 ms are 640 samples at 16 kHz and 25 frames a second"
            )
        joined = torch.cat([features[name] for name in self.names], -1)
        single = joined.ndim == 2
        fused: Tensor = self.lstm(joined.unsqueeze(1) if single else joined)[0]
        return fused.squeeze(1) if single else fused
