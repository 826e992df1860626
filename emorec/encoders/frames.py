"""Several frames per window: a frame encoder and temporal pooling."""

from typing import Literal

from torch import Tensor, nn
from typing_extensions import override

from emorec.encoders.base import Encoder

Pool = Literal["mean", "max", "attention", "gru", "none"]


class FrameSequenceEncoder(Encoder):
    """Encodes each frame of a window separately, and pools over time.

    Args:
        encoder: Encodes one frame, such as an ImageEncoder.
        pool: ``mean`` and ``max`` over time; ``attention``: a learned weighted mean; ``gru``: the
            last states of a bidirectional GRU, of ``dim / 2`` units each; ``none``: features
            (B, T, dim), for fusions of sequences.
    """

    def __init__(self, encoder: Encoder, pool: Pool = "attention") -> None:
        super().__init__()
        self.encoder, self.pool, self.dim = encoder, pool, encoder.dim
        self.score = nn.Linear(self.dim, 1) if pool == "attention" else None
        self.gru = None
        if pool == "gru":
            if self.dim % 2:
                raise ValueError(f"pool: gru needs an even dim, got {self.dim}")
            self.gru = nn.GRU(self.dim, self.dim // 2, batch_first=True, bidirectional=True)

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim), or (B, T, dim), of standardised frames (B, T, ...)."""
        steps = x.shape[1]
        frames: Tensor = self.encoder(x.flatten(0, 1))
        frames = frames.view(len(x), steps, self.dim)
        if self.pool == "max":
            return frames.amax(1)
        if self.score is not None:
            weights: Tensor = self.score(frames).softmax(1)
            return (weights * frames).sum(1)
        if self.gru is not None:
            _, last = self.gru(frames)
            both: Tensor = last.transpose(0, 1).flatten(1)
            return both
        return frames.mean(1) if self.pool == "mean" else frames

    @override
    def check_weights(self) -> None:
        """Check the weights of the frame encoder."""
        self.encoder.check_weights()

    @override
    def load_initial_weights(self) -> None:
        """Read the weights of the frame encoder."""
        self.encoder.load_initial_weights()
