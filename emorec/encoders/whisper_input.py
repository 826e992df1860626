"""Input of Whisper's encoder, for windows shorter than its 30 seconds."""

import torch
import torchaudio
from torch import Tensor, nn

POSITIONS = "embed_positions.weight"


class WhisperLogMel(nn.Module):
    """Whisper's log-mel of samples at 16 kHz, without padding to 30 s.

    Frames of 25 ms every 10 ms, Slaney's mel scale, log10 floored at 8 below the window's maximum
    and scaled, like Whisper's feature extractor (a test compares them).

    Args:
        bands: Mel bands: 80, or 128 for large-v3.
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        filters = torchaudio.functional.melscale_fbanks(
            201, 0.0, 8000.0, bands, 16000, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(400), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return float (B, bands, samples // 160) of float (B, samples) in -1 to 1."""
        window, filters = self.get_buffer("window").float(), self.get_buffer("filters").float()
        # float16 cannot hold a range of 80 dB.
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.stft(x.float(), 400, 160, window=window, return_complex=True)
            power = spectrum[..., :-1].abs().square()
            level = (filters.T @ power).clamp(min=1e-10).log10()
            level = torch.maximum(level, level.amax((1, 2), keepdim=True) - 8)
            return ((level + 4) / 4).to(x.dtype)


def fit_positions(state: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights with the position embedding cut to the model's length."""
    if POSITIONS not in state or len(state[POSITIONS]) < len(own[POSITIONS]):
        return state
    return {**state, POSITIONS: state[POSITIONS][: len(own[POSITIONS])]}
