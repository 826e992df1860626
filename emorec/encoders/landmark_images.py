"""Points of a face as pictures, and the network that reads them (after Kim et al. 2017)."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from typing_extensions import override

from emorec.encoders.base import Encoder
from emorec.errors import UserError
from emorec.networks.landmarks import AS_68, EDGES, LEFT_EYE, MESH, RIGHT_EYE

LandmarkImage = Literal["raster", "pairwise", "course"]

SIDE, SCALE, LINE = 64, 12.0, 0.7  # of a raster: pixels, pixels per eye distance, line's deviation
ROWS = 40  # of a course
FRAMES = 64  # drawn at once


class LandmarkImageEncoder(Encoder):
    """Makes pictures from the points of a face, and reads them with a CNN and an LSTM.

    Kim et al. 2017 turn one-dimensional landmark data into two-dimensional images, which a CNN-LSTM
    reads; how is not published, so all of this is ours. Points are first moved, turned and scaled
    so that the eyes are level, one unit apart, and centred. Three blocks of 3 x 3 convolution
    (32, 64, 128), batch norm, ReLU and pooling and the mean over the picture give 128 numbers
    a frame; an LSTM reads them up to the last frame that has points.

    Args:
        image: ``raster``: the face's lines, drawn 64 x 64 for each frame; ``pairwise``: the
            distances between all pairs of points, 68 x 68 for each frame; ``course``: one picture a
            clip, of time (40 rows) by point, with the channels x and y beside the clip's mean face;
            it needs no LSTM.
        dim: Units of the LSTM; for ``course`` of a fully connected layer.
        dropout: Of the features, 0 to below 1.
    """

    def __init__(
        self, image: LandmarkImage = "raster", dim: int = 256, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.image, self.dim = image, dim
        blocks: list[nn.Module] = []
        before = 2 if image == "course" else 1
        for width in (32, 64, 128):
            blocks += [
                nn.Conv2d(before, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.layer = nn.Linear(128, dim) if image == "course" else None
        self.lstm = nn.LSTM(128, dim, batch_first=True) if image != "course" else None
        self.dropout = nn.Dropout(dropout)

    @property
    @override
    def has_fixed_part(self) -> bool:
        """True: the pictures do not learn."""
        return True

    @torch.no_grad()
    @override
    def fixed(self, x: Tensor) -> Tensor:
        """Return pictures (B, frames, 1, side, side), or (B, 2, 40, 68) for ``course``.

        A frame without points is 0.

        Args:
            x: Points (B, frames, 68 or 468, 3) as
                :class:`~emorec.extractors.FaceLandmarks` gives them.

        Raises:
            UserError: They have another shape, or half precision, which rounds pixels.
        """
        if x.dtype in (torch.float16, torch.bfloat16):
            raise UserError(
                f"LandmarkImageEncoder got points as {str(x.dtype).removeprefix('torch.')}, which "
                "rounds pixels; use trainer.precision bf16-mixed or 16-mixed"
            )
        points, shown = level(x)
        if self.image == "course":
            return course(points, shown)
        draw = raster if self.image == "raster" else pairwise
        flat = points.flatten(0, 1)
        drawn = torch.cat([draw(flat[i : i + FRAMES]) for i in range(0, len(flat), FRAMES)])
        drawn = drawn.masked_fill(~shown.flatten()[:, None, None], 0)
        return drawn.view(*shown.shape, 1, *drawn.shape[1:])

    @override
    def learned(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of pictures."""
        x = x.to(next(self.parameters()).dtype)
        if self.layer is not None:
            whole: Tensor = self.dropout(self.layer(self.blocks(x).mean((2, 3))))
            return whole
        assert self.lstm is not None
        shown = x.flatten(2).ne(0).any(2)
        frames = self.blocks(x.flatten(0, 1)).mean((2, 3)).view(*x.shape[:2], -1)
        states, _ = self.lstm(frames)
        steps = torch.arange(1, x.shape[1] + 1, device=x.device)
        last = (shown * steps).amax(1).clamp(min=1) - 1
        features: Tensor = self.dropout(states[torch.arange(len(x), device=x.device), last])
        return features

    @override
    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, dim) of points (B, frames, points, 3)."""
        return self.learned(self.fixed(x))


def level(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return 68 points without where, how large and how far turned the face is.

    Args:
        x: (B, frames, 68 or 468, 3): x, y, and whether they are the frame's own.

    Returns:
        float32 (B, frames, 68, 2): the middle between the eyes is 0, their distance 1, -2 to 2; and
        bool (B, frames), frames that have points.

    Raises:
        UserError: They have another shape.
    """
    if x.ndim != 4 or x.shape[2] not in (68, MESH) or x.shape[3] != 3:
        raise UserError(
            "LandmarkImageEncoder needs (frames, 68 or 468 points, 3), such as FaceLandmarks "
            f"extracts, and got {tuple(x.shape[1:])}"
        )
    if x.shape[2] == MESH:
        x = x[:, :, list(AS_68)]
    points, shown = x[..., :2].float(), x.flatten(2).ne(0).any(2)
    left, right = (points[:, :, list(eye)].mean(2) for eye in (LEFT_EYE, RIGHT_EYE))
    across = right - left
    size = across.square().sum(-1, keepdim=True).clamp(min=1e-6)
    points = points - ((left + right) / 2).unsqueeze(2)
    a, b = (across / size).unbind(-1)  # division by the vector, as a complex number
    turned = torch.stack(
        [
            points[..., 0] * a.unsqueeze(2) + points[..., 1] * b.unsqueeze(2),
            points[..., 1] * a.unsqueeze(2) - points[..., 0] * b.unsqueeze(2),
        ],
        -1,
    )
    return turned.clamp(-2, 2), shown


def raster(points: Tensor) -> Tensor:
    """Return the face's lines, (n, 64, 64), 0 to 1, from points (n, 68, 2).

    A pixel has exp(-d^2 / (2 x 0.7^2)) at the distance d from the nearest line, in pixels.
    """
    at = torch.arange(SIDE, device=points.device, dtype=points.dtype)
    grid = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).view(-1, 1, 2)
    placed = SIDE / 2 + SCALE * points
    start, end = (placed[:, [edge[i] for edge in EDGES]].unsqueeze(1) for i in (0, 1))
    along = end - start
    share = ((grid - start) * along).sum(-1) / along.square().sum(-1).clamp(min=1e-6)
    nearest = start + share.clamp(0, 1).unsqueeze(-1) * along
    distance = (grid - nearest).square().sum(-1).amin(-1)
    return (-distance / (2 * LINE**2)).exp().view(-1, SIDE, SIDE)


def pairwise(points: Tensor) -> Tensor:
    """Return the distances of all pairs, (n, 68, 68), from points (n, 68, 2)."""
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")


def course(points: Tensor, shown: Tensor) -> Tensor:
    """Return x and y over time beside the clip's mean, (B, 2, 40, 68).

    Args:
        points: (B, frames, 68, 2).
        shown: bool (B, frames); a frame without points is at the mean.
    """
    mask = shown[:, :, None, None]
    mean = (points * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
    moved = ((points - mean) * mask).permute(0, 3, 1, 2)
    return interpolate(moved, (ROWS, moved.shape[3]), mode="bicubic", align_corners=True)
