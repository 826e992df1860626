"""The concordance correlation coefficient from moments, exact over all ranks, with gradients.

Lin, "A Concordance Correlation Coefficient to Evaluate Reproducibility", Biometrics 45, 1989; as a
loss: Tzirakis et al., IEEE JSTSP 11(8), 2017, https://arxiv.org/abs/1704.08619.
"""

import torch
from torch import Tensor

from emorec.functional.distributed import add_over_ranks, sum_over_ranks


def concordance(prediction: Tensor, target: Tensor) -> Tensor:
    """Return 2 cov(x, y) / (var(x) + var(y) + (mean(x) - mean(y))^2) of each dimension.

    The moments are biased (divided by n) and taken over the values of all ranks. Values whose
    target is NaN are ignored, whatever the prediction.

    Args:
        prediction: float (N, O); computed in float32 or wider, with autocast off.
        target: float (N, O); NaN where unknown. It gets no gradient.

    Returns:
        (O,), -1 to 1, float32 or wider, the same on each rank; 0 with a zero gradient where neither
        prediction nor target varies, or no target is known. For the gradient on ranks see
        :func:`emorec.functional.soft_hgr`; no collective in backward.

    Raises:
        ValueError: prediction and target are not two matrices of the same shape.

    Examples:
        >>> truth = torch.tensor([[0.0], [1.0], [2.0]])
        >>> [round(concordance(x, truth).item(), 2) for x in (truth, truth + 1, -truth)]
        [1.0, 0.57, -0.25]
    """
    if prediction.ndim != 2 or prediction.shape != target.shape:
        raise ValueError(
            "prediction and target must be two matrices (values, dimensions) of the same shape, "
            f"got {tuple(prediction.shape)} and {tuple(target.shape)}"
        )
    dtype = torch.promote_types(prediction.dtype, torch.float32)
    unknown = target.isnan()
    with torch.autocast(prediction.device.type, enabled=False):
        x = prediction.to(dtype).masked_fill(unknown, 0)
        y = target.detach().to(dtype).masked_fill(unknown, 0)
        sums = torch.stack([x.detach().sum(0), y.sum(0), (~unknown).sum(0).to(dtype)])
        sum_x, sum_y, count = sum_over_ranks(sums)
        n = count.clamp(min=1)
        # Centred with constants: in float32, values far from 0 would lose their variance.
        x = (x - sum_x / n).masked_fill(unknown, 0)
        y = (y - sum_y / n).masked_fill(unknown, 0)
        parts = torch.stack([x.sum(0), x.square().sum(0), y.square().sum(0), (x * y).sum(0)])
        rest, square_x, var_y, cov = add_over_ranks(parts) / n
        # ``rest`` is 0, but it carries the gradient of the mean.
        gap = (sum_x - sum_y) / n + rest
        denominator = square_x - rest.square() + var_y + gap.square()
        varies = denominator > 0
        return torch.where(varies, 2 * cov / torch.where(varies, denominator, 1), 0 * cov)
