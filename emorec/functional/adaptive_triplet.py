"""The triplet loss with an adaptive margin, exact over all rows of all ranks.

Chudasama et al., "M2FNet: Multi-modal Fusion Network for Emotion Recognition in Conversation",
CVPR workshops 2022, https://arxiv.org/abs/2206.02187, as in public re-implementations that cite it.
"""

import torch
from torch import Tensor

from emorec.functional.supervised_contrastive import all_labelled


def adaptive_triplet(
    f: Tensor, target: Tensor, rows: Tensor | None = None, *, clamp: bool = False
) -> Tensor:
    """Return d_ap - (d_an + d_pn) / 2 + m, with a margin m that adapts to the triplet.

    m = 1 + 2 / exp(4 d_ap) + 1 + 2 / exp(4 - 4 d_an), with Euclidean distances between anchor a,
    positive p and negative n. No gradient flows through m (ours): it would pull negatives beyond a
    distance of 0.31 closer and push positives within 0.52 away. So m only matters with ``clamp``.

    The paper does not state how triplets are chosen; here each row is an anchor, with the farthest
    row of its class and the nearest of another. Features are scaled to length 1 (ours), so that
    distances are 0 to 2: otherwise the margin has no bound. The valid rows of all ranks take part.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        target: int64 (B,), the class.
        rows: bool (B,), the valid rows; None: all.
        clamp: Clamp the loss of a triplet at 0, as other triplet losses do; the public code does
            not.

    Returns:
        A scalar to be minimised, the mean over anchors, float32 or wider, the same on each rank; 0
        with a zero gradient without a triplet.
    """
    x, y = all_labelled(f, target, rows)
    with torch.autocast(f.device.type, enabled=False):
        # For unit vectors; sqrt has no gradient at 0, so equal rows get the smallest distance.
        distance = (2 - 2 * (x @ x.T)).clamp(min=1e-12).sqrt()
        same = y.unsqueeze(0) == y.unsqueeze(1)
        positives = same & ~torch.eye(len(x), dtype=torch.bool, device=x.device)
        anchors = (positives.any(1) & (~same).any(1)).nonzero().squeeze(1)
        if not len(anchors):
            return 0 * x.sum()
        positive = distance.detach().masked_fill(~positives, -1).argmax(1)[anchors]
        negative = distance.detach().masked_fill(same, torch.inf).argmin(1)[anchors]
        ap, an = distance[anchors, positive], distance[anchors, negative]
        pn = distance[positive, negative]
        margin = (2 + 2 * (-4 * ap).exp() + 2 * (4 * an - 4).exp()).detach()
        loss = ap - (an + pn) / 2 + margin
        return (loss.clamp(min=0) if clamp else loss).mean()
