"""Soft-HGR within groups: a literal transcription, finite differences, several processes."""

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from emorec.functional import soft_hgr
from emorec.functional.conditional import centre_within, conditional_soft_hgr
from tests.helpers.conditional_ranks import CASES, Results, measure, rows_of, run_ranks

SHAPES = [(9, 12), (14, 5), (40, 6)]  # fewer rows than features, more, many more
COUNT = 4


def literal(
    f: Tensor, g: Tensor, groups: Tensor, rows: Tensor | None = None, *, unbiased: bool = True
) -> float:
    """The formula element by element: each group's means, then sums over all rows."""
    known = [i for i in range(len(f)) if (rows is None or bool(rows[i])) and groups[i] >= 0]
    members: dict[int, list[int]] = {}
    for i in known:
        members.setdefault(int(groups[i]), []).append(i)
    k, divisor = f.shape[1], len(known) - (len(members) if unbiased else 0)
    a, b = {}, {}
    for each in members.values():
        mean_f = [sum(float(f[i, c]) for i in each) / len(each) for c in range(k)]
        mean_g = [sum(float(g[i, c]) for i in each) / len(each) for c in range(k)]
        for i in each:
            a[i] = [float(f[i, c]) - mean_f[c] for c in range(k)]
            b[i] = [float(g[i, c]) - mean_g[c] for c in range(k)]
    inner = sum(a[i][c] * b[i][c] for i in known for c in range(k)) / divisor
    trace = 0.0
    for c in range(k):
        for d in range(k):
            cov_f = sum(a[i][c] * a[i][d] for i in known) / divisor
            cov_g = sum(b[i][d] * b[i][c] for i in known) / divisor
            trace += cov_f * cov_g
    return inner - trace / 2


def features(n: int, k: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return f, g and groups; the groups' means are far apart and alike in f and g."""
    random = torch.Generator().manual_seed(seed)
    groups = torch.randint(COUNT, (n,), generator=random)
    means = 3 * torch.randn(COUNT, k, generator=random, dtype=torch.float64)
    f = torch.randn(n, k, generator=random, dtype=torch.float64)
    g = torch.randn(n, k, generator=random, dtype=torch.float64) + 0.3 * f
    return f + means[groups], g + means[groups], groups


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_it_is_the_literal_formula(n: int, k: int, masked: bool, unbiased: bool) -> None:
    f, g, groups = features(n, k)
    rows = torch.arange(n) % 3 != 1 if masked else None
    found = conditional_soft_hgr(f, g, groups, COUNT, rows, unbiased=unbiased).item()
    assert found == pytest.approx(literal(f, g, groups, rows, unbiased=unbiased), abs=1e-11)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(("n", "k"), SHAPES)
def test_with_one_group_it_is_soft_hgr_with_its_gradient(n: int, k: int, unbiased: bool) -> None:
    f, g, _ = features(n, k)
    f.requires_grad_()
    one = torch.full((n,), 2)
    found = conditional_soft_hgr(f, g, one, COUNT, unbiased=unbiased)
    expected = soft_hgr(f, g, unbiased=unbiased)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(
        *(torch.autograd.grad(value, f)[0] for value in (found, expected)), rtol=1e-10, atol=1e-12
    )


def test_a_constant_for_each_group_changes_nothing() -> None:
    f, g, groups = features(14, 5)
    value = conditional_soft_hgr(f, g, groups, COUNT).item()
    shift = 10 * torch.arange(COUNT * 5, dtype=torch.float64).view(COUNT, 5)[groups]
    assert conditional_soft_hgr(f + shift, g, groups, COUNT).item() == pytest.approx(value)
    assert conditional_soft_hgr(f, g - shift, groups, COUNT).item() == pytest.approx(value)
    assert abs(soft_hgr(f + shift, g).item() - soft_hgr(f, g).item()) > 1


def test_only_the_partition_counts_not_the_numbers_of_the_groups() -> None:
    f, g, groups = features(14, 5)
    value = conditional_soft_hgr(f, g, groups, COUNT).item()
    assert conditional_soft_hgr(f, g, 90 - 3 * groups, 100).item() == pytest.approx(value)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("valid", [COUNT, 2, 1, 0])
def test_without_two_rows_of_a_group_it_is_zero_with_a_zero_gradient(
    valid: int, unbiased: bool
) -> None:
    f, g, _ = (x.requires_grad_() if x.is_floating_point() else x for x in features(COUNT, 5))
    rows = torch.arange(COUNT) < valid
    value = conditional_soft_hgr(f, g, torch.arange(COUNT), COUNT, rows, unbiased=unbiased)
    assert value.item() == 0
    for gradient in torch.autograd.grad(value, (f, g)):
        assert torch.equal(gradient, torch.zeros_like(gradient))


def test_rows_that_do_not_count_may_hold_anything_and_get_no_gradient() -> None:
    f, g, groups = features(14, 5)
    rows = torch.arange(14) % 4 != 1
    groups[3] = -1
    counts = rows & (groups >= 0)
    expected = literal(f, g, groups, rows)
    f[~counts], g[~counts] = torch.nan, torch.inf
    f.requires_grad_()
    value = conditional_soft_hgr(f, g, groups, COUNT, rows)
    assert value.item() == pytest.approx(expected, abs=1e-11)
    alone = conditional_soft_hgr(f[counts], g[counts], groups[counts], COUNT)
    assert value.item() == pytest.approx(alone.item(), abs=1e-12)
    (gradient,) = torch.autograd.grad(value, f)
    assert gradient[counts].isfinite().all()
    assert gradient[counts].any(1).sum() > 5
    assert not gradient[~counts].any()


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(("n", "k"), [(9, 12), (12, 4)])
def test_gradient_is_that_of_finite_differences(n: int, k: int, unbiased: bool) -> None:
    f, g, groups = features(n, k)
    rows = torch.arange(n) != 2
    groups[4] = -1

    def value(f: Tensor, g: Tensor) -> Tensor:
        return conditional_soft_hgr(f, g, groups, COUNT, rows, unbiased=unbiased)

    assert gradcheck(value, (f.requires_grad_(), g.requires_grad_()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_it_is_computed_in_float32_also_within_autocast(dtype: torch.dtype) -> None:
    f, g, groups = (x.to(dtype) if x.is_floating_point() else x for x in features(40, 6))
    f.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        value = conditional_soft_hgr(f, g, groups, COUNT)
    assert value.dtype == torch.float32
    expected = literal(f.detach().double(), g.double(), groups)
    assert value.item() == pytest.approx(expected, rel=1e-5)
    assert torch.autograd.grad(value, f)[0].dtype == dtype


def test_centred_features_have_no_mean_in_any_group() -> None:
    f, g, groups = features(14, 5)
    g = g[:, :3]  # of another width
    a, b, rows = centre_within(f, g, groups, COUNT, unbiased=False)
    assert (a.shape, b.shape) == ((14, 5), (14, 3))
    assert rows.all()
    for group in range(COUNT):
        for centred, x in ((a, f), (b, g)):
            expected = x[groups == group] - x[groups == group].mean(0)
            torch.testing.assert_close(centred[groups == group], expected)


@pytest.mark.parametrize("groups", [torch.zeros(3), torch.zeros(2).long(), torch.zeros(3, 1)])
def test_groups_that_do_not_fit_are_refused(groups: Tensor) -> None:
    with pytest.raises(ValueError, match=r"int64 of shape \(3,\), got"):
        conditional_soft_hgr(torch.zeros(3, 2), torch.zeros(3, 2), groups, 1)


@pytest.mark.parametrize("rows", [torch.ones(3), torch.ones(2).bool(), torch.ones(1).bool()])
def test_a_mask_that_does_not_fit_is_refused(rows: Tensor) -> None:
    with pytest.raises(ValueError, match=r"bool mask of shape \(3,\), got"):
        conditional_soft_hgr(torch.zeros(3, 2), torch.zeros(3, 2), torch.zeros(3).long(), 1, rows)


@pytest.fixture(scope="module")
def all_found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Results]]:
    return run_ranks((2, 3), tmp_path_factory.mktemp("ranks"))


@pytest.mark.ddp
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_with_uneven_rows_are_one_process(
    all_found: dict[int, list[Results]], world: int, case: str
) -> None:
    ranks = [rows_of(case, rank) for rank in range(world)]
    f, g, groups, rows = (torch.cat(parts) for parts in zip(*ranks, strict=True))
    expected = measure(f, g, groups, rows)
    found = [rank[case] for rank in all_found[world]]
    for name, exact in expected.items():
        values = [rank[name] for rank in found]
        if name.endswith("value"):
            biased = name == "biased/value"
            if case != "alone":
                by_hand = literal(f, g, groups, rows, unbiased=not biased)
                assert exact.item() == pytest.approx(by_hand, rel=1e-10)
            for value in values:
                torch.testing.assert_close(value, exact, rtol=1e-12, atol=1e-12)
        else:
            # DistributedDataParallel divides the sum over ranks by their number.
            own = torch.stack(values).sum(0) if name.endswith("shared") else torch.cat(values)
            torch.testing.assert_close(own / world, exact, rtol=1e-10, atol=1e-12)
        assert exact.any() == (case != "alone")
