"""The triplet loss with an adaptive margin, exact over all rows of all ranks.

Chudasama et al., "M2FNet: Multi-modal Fusion Network for Emotion Recognition in Conversation",
CVPR workshops 2022, https://arxiv.org/abs/2206.02187, as public re-implementations that cite it
compute it.
"""

import torch
from torch import Tensor

from emorec.functional.supervised_contrastive import all_labelled


def adaptive_triplet(
    f: Tensor, target: Tensor, rows: Tensor | None = None, *, clamp: bool = False
) -> Tensor:
    """Return d_ap - (d_an + d_pn) / 2 + m, with a margin m that adapts to the triplet.

    m = 1 + 2 / exp(4 d_ap) + 1 + 2 / exp(4 - 4 d_an), with Euclidean distances between anchor a,
    positive p and negative n. No gradient flows through m (ours): it would draw negatives nearer
    from a distance of 0.31 on and push positives away below 0.52. So m matters with ``clamp``.

    How triplets are chosen is not stated; here each row is an anchor, with the farthest row of its
    class and the nearest of another. Features are scaled to length 1, ours, so that distances are 0
    to 2: without it the margin has no bound. The valid rows of all ranks take part.

    Args:
        f: (B, k) features; float16 and bfloat16 are computed in float32, with autocast off.
        target: int64 (B,), the class.
        rows: bool (B,), the rows that count; all where None.
        clamp: Count what is below zero as zero, as other triplet losses do; the public code does
            not.

    Returns:
        A scalar, the mean over anchors, float32 or wider, the same on each rank, which training
        minimises; 0 with a zero gradient where there is no triplet.
    """
    x, y = all_labelled(f, target, rows)
    with torch.autocast(f.device.type, enabled=False):
        # Of rows of length 1; sqrt has no gradient at 0: equal rows get the smallest distance.
        distance = (2 - 2 * (x @ x.T)).clamp(min=1e-12).sqrt()
        alike = y.unsqueeze(0) == y.unsqueeze(1)
        same = alike & ~torch.eye(len(x), dtype=torch.bool, device=x.device)
        anchors = (same.any(1) & (~alike).any(1)).nonzero().squeeze(1)
        if not len(anchors):
            return 0 * x.sum()
        positive = distance.detach().masked_fill(~same, -1).argmax(1)[anchors]
        negative = distance.detach().masked_fill(alike, torch.inf).argmin(1)[anchors]
        ap, an = distance[anchors, positive], distance[anchors, negative]
        pn = distance[positive, negative]
        margin = (2 + 2 * (-4 * ap).exp() + 2 * (4 * an - 4).exp()).detach()
        loss = ap - (an + pn) / 2 + margin
        return (loss.clamp(min=0) if clamp else loss).mean()
