"""Supervised contrastive and adaptive triplet: against loops, without a pair, masked rows."""

import math

import pytest
import torch
from torch import Tensor

from emorec.functional import adaptive_triplet, supervised_contrastive

RANDOM = torch.Generator().manual_seed(5)
F = torch.randn(11, 4, generator=RANDOM, dtype=torch.float64)
TARGET = torch.arange(11) % 3
ROWS = torch.arange(11) != 4


def kept() -> tuple[list[Tensor], list[int]]:
    unit = F / F.norm(dim=1, keepdim=True)
    return [unit[i] for i in range(11) if ROWS[i]], TARGET[ROWS].tolist()


def test_contrastive_is_the_mean_log_share_of_ones_own_class() -> None:
    x, y = kept()
    total = []
    for i in range(len(x)):
        below = sum(math.exp(float(x[i] @ x[j]) / 0.2) for j in range(len(x)) if j != i)
        alike = [j for j in range(len(x)) if j != i and y[j] == y[i]]
        shares = [math.log(math.exp(float(x[i] @ x[j]) / 0.2) / below) for j in alike]
        total.append(-sum(shares) / len(shares))
    wanted = sum(total) / len(total)
    found = supervised_contrastive(F, TARGET, ROWS, temperature=0.2)
    assert found.item() == pytest.approx(wanted)
    with pytest.raises(ValueError, match="temperature must be positive"):
        supervised_contrastive(F, TARGET, temperature=0.0)


@pytest.mark.parametrize("clamp", [False, True])
def test_triplet_is_the_formula_on_the_hardest_rows(clamp: bool) -> None:
    x, y = kept()
    total = []
    for i in range(len(x)):

        def far(j: int, i: int = i) -> float:
            return float((x[i] - x[j]).norm())

        p = max((j for j in range(len(x)) if j != i and y[j] == y[i]), key=far)
        n = min((j for j in range(len(x)) if y[j] != y[i]), key=far)
        pn = float((x[p] - x[n]).norm())
        margin = 1 + 2 / math.exp(4 * far(p)) + 1 + 2 / math.exp(4 - 4 * far(n))
        loss = far(p) - (far(n) + pn) / 2 + margin
        total.append(max(loss, 0.0) if clamp else loss)
    found = adaptive_triplet(F, TARGET, ROWS, clamp=clamp)
    assert found.item() == pytest.approx(sum(total) / len(total))


def test_gradients_are_those_of_the_formulas() -> None:
    f = F.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: supervised_contrastive(x, TARGET, ROWS), (f,))
    # Of the triplet without its margin: negatives are pushed away, positives pulled closer.
    (found,) = torch.autograd.grad(adaptive_triplet(f, TARGET, ROWS), f)
    x, y = torch.nn.functional.normalize(f[ROWS], dim=1), TARGET[ROWS]
    distance = (x.unsqueeze(0) - x.unsqueeze(1)).square().sum(-1).clamp(min=1e-12).sqrt()
    far = distance.detach()
    total = f.new_zeros(())
    for i in range(len(x)):
        alike = [j for j in range(len(x)) if j != i and y[j] == y[i]]
        others = [j for j in range(len(x)) if y[j] != y[i]]
        p, n = alike[int(far[i, alike].argmax())], others[int(far[i, others].argmin())]
        total = total + distance[i, p] - (distance[i, n] + distance[p, n]) / 2
    (wanted,) = torch.autograd.grad(total / len(x), f)
    torch.testing.assert_close(found, wanted, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("loss", [supervised_contrastive, adaptive_triplet])
def test_the_gradient_is_zero_without_a_pair(loss: object) -> None:
    assert callable(loss)
    f = F.clone().requires_grad_()
    alone = loss(f, torch.arange(11), ROWS)
    alone.backward()
    assert alone.item() == 0
    assert f.grad is not None
    assert not f.grad.any()
    same = torch.cat([F[:1]] * 4).requires_grad_()
    loss(same, torch.tensor([0, 0, 1, 1])).backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()
