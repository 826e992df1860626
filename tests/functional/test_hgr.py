"""soft-HGR on one process: against literal transcriptions, known values and finite differences."""

from itertools import combinations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from emorec.functional import hgr_discrete, soft_hgr, soft_hgr_pairs, soft_hgr_stacked

CROSS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
SHAPES = [(5, 9), (9, 5), (6, 6)]  # fewer rows than features, more, as many


def literal(f: Tensor, g: Tensor, rows: Tensor | None = None, *, unbiased: bool = True) -> float:
    """Equation (2) of Ma et al. 2020, element by element, with its covariances written out."""
    pairs = [i for i in range(len(f)) if rows is None or bool(rows[i])]
    n, k = len(pairs), f.shape[1]
    divisor = n - 1 if unbiased else n
    a = [[float(f[i, c]) - sum(float(f[j, c]) for j in pairs) / n for c in range(k)] for i in pairs]
    b = [[float(g[i, c]) - sum(float(g[j, c]) for j in pairs) / n for c in range(k)] for i in pairs]
    inner = sum(a[i][c] * b[i][c] for i in range(n) for c in range(k)) / divisor
    trace = 0.0
    for c in range(k):
        for d in range(k):
            cov_f = sum(a[i][c] * a[i][d] for i in range(n)) / divisor
            cov_g = sum(b[i][d] * b[i][c] for i in range(n)) / divisor
            trace += cov_f * cov_g
    return inner - trace / 2


def features(n: int, k: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    f = torch.randn(n, k, generator=random, dtype=torch.float64)
    g = torch.randn(n, k, generator=random, dtype=torch.float64)
    return f + 0.5, g + 0.3 * f - 2


def test_T1_four_points_on_a_cross() -> None:
    assert soft_hgr(CROSS, CROSS).item() == pytest.approx(8 / 9, abs=1e-6)
    assert soft_hgr(CROSS, CROSS, unbiased=False).item() == pytest.approx(0.75, abs=1e-6)
    assert soft_hgr(CROSS, -CROSS).item() == pytest.approx(-16 / 9, abs=1e-6)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_T2_both_evaluation_paths_equal_the_literal_formula(n: int, k: int, unbiased: bool) -> None:
    f, g = features(n, k)
    assert soft_hgr(f, g, unbiased=unbiased).item() == pytest.approx(
        literal(f, g, unbiased=unbiased), abs=1e-12
    )


@pytest.mark.parametrize(("n", "k"), [(7, 9), (12, 4)])
def test_T2_masked_rows_do_not_count(n: int, k: int) -> None:
    f, g = features(n, k)
    rows = torch.arange(n) % 3 != 1
    assert soft_hgr(f, g, rows).item() == pytest.approx(literal(f, g, rows), abs=1e-12)
    assert soft_hgr(f, g, rows).item() == pytest.approx(soft_hgr(f[rows], g[rows]).item())


@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_T3_a_constant_added_to_all_rows_changes_nothing(n: int, k: int) -> None:
    f, g = features(n, k)
    shift = 7 * torch.arange(k, dtype=torch.float64) - 3
    assert soft_hgr(f + shift, g).item() == pytest.approx(soft_hgr(f, g).item(), abs=1e-10)
    assert soft_hgr(f, g - shift).item() == pytest.approx(soft_hgr(f, g).item(), abs=1e-10)


def test_T3_it_is_symmetric_but_not_invariant_under_scale() -> None:
    f, g = features(9, 5)
    assert soft_hgr(f, g).item() == pytest.approx(soft_hgr(g, f).item(), abs=1e-12)
    assert abs(soft_hgr(2 * f, g).item() - soft_hgr(f, g).item()) > 0.1
    # The inner product grows with the scale and the trace with its square.
    _, inner, trace = (term.squeeze(0) for term in soft_hgr_pairs([f, g]))
    assert soft_hgr(3 * f, g).item() == pytest.approx((3 * inner - 9 * trace).item(), abs=1e-10)


@pytest.mark.parametrize(("n", "k"), [(40, 6), (7, 6)])
def test_T4_a_whitened_feature_with_itself_reaches_half_its_width(n: int, k: int) -> None:
    f, _ = features(n, k)
    centred = f - f.mean(0)
    covariance = centred.T @ centred / (n - 1)
    white = centred @ torch.linalg.inv(torch.linalg.cholesky(covariance)).T
    assert soft_hgr(white, white).item() == pytest.approx(k / 2, abs=1e-9)


def best_over_tables(counts: Tensor, k: int) -> float:
    """Maximise S over free tables f(x), g(y) for the joint distribution that counts give."""
    x, y = (torch.repeat_interleave(p, counts.flatten()) for p in _places(counts))
    random = torch.Generator().manual_seed(3)
    tables = [
        torch.randn(size, k, generator=random, dtype=torch.float64).mul(0.3).requires_grad_()
        for size in counts.shape
    ]
    optimizer = torch.optim.LBFGS(
        tables, max_iter=300, tolerance_grad=1e-10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -soft_hgr(tables[0][x], tables[1][y], unbiased=False)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return -loss().item()


def _places(counts: Tensor) -> tuple[Tensor, Tensor]:
    x, y = torch.meshgrid(*(torch.arange(size) for size in counts.shape), indexing="ij")
    return x.flatten(), y.flatten()


@pytest.mark.parametrize(
    "counts",
    [[[9, 1, 2], [1, 8, 1], [2, 2, 10]], [[6, 1], [2, 5], [1, 1], [0, 7]], [[4, 4], [4, 4]]],
)
def test_T5_the_maximum_over_tables_is_half_the_squared_singular_values(
    counts: list[list[int]],
) -> None:
    table = torch.tensor(counts)
    expected = hgr_discrete(table).sigma.square().sum().item() / 2
    assert best_over_tables(table, k=3) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("flips", [1, 3, 8])
def test_T5_binary_symmetric_pair(flips: int) -> None:
    counts = torch.tensor([[20 - flips, flips], [flips, 20 - flips]])
    p = flips / 20
    assert best_over_tables(counts, k=1) == pytest.approx((1 - 2 * p) ** 2 / 2, abs=1e-6)


def test_terms_add_up_and_only_the_value_carries_a_gradient() -> None:
    f, g = features(9, 5)
    f.requires_grad_()
    value, inner, trace = (term.squeeze(0) for term in soft_hgr_pairs([f, g]))
    centred_f, centred_g = f - f.mean(0), g - g.mean(0)
    assert inner.item() == pytest.approx((centred_f * centred_g).sum().item() / 8)
    assert value.item() == pytest.approx((inner - trace).item())
    assert value.requires_grad
    assert not inner.requires_grad
    assert not trace.requires_grad


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(("n", "k"), [*SHAPES, (2, 3), (40, 6)])
def test_all_pairs_at_once_are_each_pair_alone(n: int, k: int, count: int, masked: bool) -> None:
    sets = [features(n, k, seed)[0].requires_grad_() for seed in range(count)]
    rows = torch.arange(n) % 3 != 2 if masked else None
    terms = soft_hgr_pairs(sets, rows)
    pairs = list(combinations(sets, 2))
    weights = torch.arange(1.0, len(pairs) + 1, dtype=torch.float64)
    found = torch.autograd.grad((terms[0] * weights).sum(), sets)
    alone = [autograd_terms(a, b, rows) for a, b in pairs]
    for term, expected in zip(terms, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(term, torch.stack(expected), rtol=1e-12, atol=1e-12)
    total = torch.stack([s for s, _, _ in alone]) * weights
    for mine, other in zip(found, torch.autograd.grad(total.sum(), sets), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


def autograd_terms(f: Tensor, g: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    if rows is not None:
        f, g = f[rows], g[rows]
    f, g = f - f.mean(0), g - g.mean(0)
    n = len(f) - 1
    inner, trace = (f * g).sum() / n, ((f.T @ f) * (g.T @ g)).sum() / n**2 / 2
    return inner - trace, inner, trace


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_stacked_pairs_are_each_pair_alone(n: int, k: int, unbiased: bool) -> None:
    f, g = (torch.stack([features(n, k, seed)[i] for seed in range(4)]) for i in range(2))
    f, g = f.requires_grad_(), g.requires_grad_()
    rows = torch.arange(n).expand(4, n) % torch.tensor([[1], [2], [3], [n]]) == 0  # the last: one
    weights = torch.arange(1.0, 5.0, dtype=torch.float64)
    for mask in (rows, None):
        terms = soft_hgr_stacked(f, g, mask, unbiased=unbiased)
        alone = [
            soft_hgr_pairs([f[i], g[i]], None if mask is None else mask[i], unbiased=unbiased)
            for i in range(4)
        ]
        for term, expected in zip(terms, zip(*alone, strict=True), strict=True):
            torch.testing.assert_close(term, torch.cat(expected), rtol=1e-12, atol=1e-12)
        found = torch.autograd.grad((terms[0] * weights).sum(), (f, g))
        total = torch.cat([s for s, _, _ in alone]) * weights
        for mine, other in zip(found, torch.autograd.grad(total.sum(), (f, g)), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-12)


def test_gradcheck_of_stacked_pairs() -> None:
    for n, k in ((4, 6), (7, 3)):
        f, g = (torch.stack([features(n, k, seed)[i] for seed in range(2)]) for i in range(2))
        rows = torch.stack([torch.arange(n) != 1, torch.arange(n) != 2])

        def value(f: Tensor, g: Tensor, rows: Tensor = rows) -> Tensor:
            return soft_hgr_stacked(f, g, rows)[0]

        assert gradcheck(value, (f.requires_grad_(), g.requires_grad_()))


def test_gradcheck_of_three_sets() -> None:
    for n, k in ((4, 6), (7, 3)):
        sets = [features(n, k, seed)[0].requires_grad_() for seed in range(3)]
        rows = torch.arange(n) != 1

        def value(*sets: Tensor, rows: Tensor = rows) -> Tensor:
            return soft_hgr_pairs(sets, rows)[0]

        assert gradcheck(value, sets)


def test_a_set_alone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"same shape \(pairs, rows, features\), got \(4, 2\)"):
        soft_hgr_stacked(CROSS, CROSS)
    with pytest.raises(ValueError, match=r"two or more feature sets"):
        soft_hgr_pairs([CROSS])


@pytest.mark.parametrize(
    ("f", "g", "rows", "message"),
    [
        (torch.zeros(3, 2), torch.zeros(3, 4), None, r"same shape .*got \(3, 2\) and \(3, 4\)"),
        (torch.zeros(3), torch.zeros(3), None, r"two or more feature sets"),
        (torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), None, r"two or more feature sets"),
        (torch.zeros(3, 2), torch.zeros(3, 2), torch.ones(3), r"bool mask .*\(3,\).*float32"),
        (torch.zeros(3, 2), torch.zeros(3, 2), torch.ones(2).bool(), r"bool mask .*got.*\(2,\)"),
    ],
)
def test_wrong_shapes_and_masks_are_refused(
    f: Tensor, g: Tensor, rows: Tensor | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        soft_hgr(f, g, rows)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(("n", "k"), [(5, 8), (8, 5)])
def test_gradient_is_that_of_finite_differences(n: int, k: int, unbiased: bool) -> None:
    f, g = (x.requires_grad_() for x in features(n, k))
    rows = torch.arange(n) != 2
    assert gradcheck(lambda a, b: soft_hgr(a, b, rows, unbiased=unbiased), (f, g))


def test_a_second_derivative_is_refused() -> None:
    f, g = (x.requires_grad_() for x in features(6, 3))
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    (df,) = torch.autograd.grad(weight * soft_hgr(f, g), f, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        df.sum().backward()  # type: ignore[no-untyped-call]
    (df,) = torch.autograd.grad(soft_hgr(f, g), f, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.autograd.grad(df.sum(), f)
    # torch's own check finds no second derivative either.
    assert not gradgradcheck(soft_hgr, (f, g), raise_exception=False)
