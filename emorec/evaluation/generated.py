"""How far generated samples are from real ones, and whether they are copies."""

import torch
from torch import Tensor, nn

BLOCK = 512  # rows whose distances are computed at once


def frechet_distance(real: Tensor, made: Tensor) -> float:
    """Return the Frechet distance of two sets of features, as Gaussians; 0 for the same.

    Heusel et al. 2017 (https://arxiv.org/abs/1706.08500), equation (6), by torchmetrics, on
    features of our choice in place of Inception's: values compare only with others on the same
    features and about as many rows.

    Args:
        real: (N, k) features, N at least 2.
        made: (M, k), M at least 2.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(_AsTheyAre(real.shape[1]))
    metric.set_dtype(torch.float64)
    metric.update(real.double(), real=True)
    metric.update(made.double(), real=False)
    return float(metric.compute())


def nearest(x: Tensor, known: Tensor) -> Tensor:
    """Return the Euclidean distance of each row of x, (N, k), to the nearest of known, (M, k)."""
    return torch.cat([torch.cdist(rows, known).amin(1) for rows in torch.split(x, BLOCK)])


def copying(made: Tensor, trained: Tensor, unseen: Tensor) -> float:
    """Return how much nearer generated samples are to training ones than unseen real ones are.

    The median distance to the nearest training sample, of generated samples divided by that of
    unseen real ones: well below 1 the generator has learned training samples by heart.

    Args:
        made: (N, k) generated samples.
        trained: (M, k) samples it was trained on.
        unseen: (P, k) real samples that it was not trained on.
    """
    usual = nearest(unseen, trained).median()
    return float(nearest(made, trained).median() / usual.clamp(min=1e-12))


class _AsTheyAre(nn.Module):
    """Gives features as they are, to torchmetrics."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.num_features = count

    def forward(self, x: Tensor) -> Tensor:
        return x
