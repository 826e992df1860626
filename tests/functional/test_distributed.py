"""Two and three gloo processes with rows of their own against one process with all rows."""

import pytest
import torch
from torch import Tensor

from tests.helpers.functional_ranks import (
    ALTERNATIVES,
    CASES,
    DEALS,
    LABELLED,
    Results,
    Rows,
    compare,
    deal,
    measure,
    rows_of,
    run_ranks,
    segments,
    vote,
)

Found = list[Results]
pytestmark = pytest.mark.ddp


@pytest.fixture(scope="module")
def all_found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Found]:
    return run_ranks((2, 3), tmp_path_factory.mktemp("ranks"))


@pytest.fixture(params=[2, 3], ids=["two ranks", "three ranks"])
def found(request: pytest.FixtureRequest, all_found: dict[int, Found]) -> Found:
    return all_found[request.param]


def together(ranks: list[Rows]) -> Rows:
    f, g, rows = (torch.cat(parts) for parts in zip(*ranks, strict=True))
    return f, g, rows


def on_one_process(case: str, world: int) -> dict[str, Tensor]:
    return measure(*together([rows_of(case, rank) for rank in range(world)]))


@pytest.mark.parametrize("case", CASES)
def test_soft_hgr_on_each_rank_is_that_of_all_rows(found: Found, case: str) -> None:
    expected = on_one_process(case, len(found))
    for rank in found:
        for name in ("value", "three"):
            torch.testing.assert_close(rank[case][name], expected[name], rtol=1e-12, atol=1e-12)
    assert (expected["value"].item() == 0) == (case == "one_row")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["df", "dg", "df3", "dg3", "dmean"])
def test_the_mean_of_the_ranks_gradients_is_that_of_all_rows(
    found: Found, case: str, name: str
) -> None:
    expected = on_one_process(case, len(found))[name]
    # DistributedDataParallel divides the sum over ranks by their number.
    mean = torch.cat([rank[case][name] for rank in found]) / len(found)
    torch.testing.assert_close(mean, expected, rtol=1e-12, atol=1e-12)
    if case != "one_row" or name == "dmean":
        assert expected.abs().max() > 1e-3


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("loss", [*ALTERNATIVES, *LABELLED])
def test_alternatives_on_each_rank_are_those_of_all_rows(
    found: Found, case: str, loss: str
) -> None:
    expected = compare(*together([rows_of(case, rank) for rank in range(len(found))]))
    scale = expected[f"{loss}/value"].abs().clamp(min=1).item()
    for rank in found:
        value = rank[f"{case}/others"][f"{loss}/value"]
        assert value.item() == pytest.approx(expected[f"{loss}/value"].item(), abs=1e-12 * scale)
    # Two sets of one row each differ.
    nothing = case == "one_row" and loss != "mmd"
    assert (expected[f"{loss}/value"].item() == 0) == nothing
    for name in (f"{loss}/df", f"{loss}/dg"):
        mean = torch.cat([rank[f"{case}/others"][name] for rank in found]) / len(found)
        torch.testing.assert_close(mean, expected[name], rtol=1e-12, atol=1e-12 * scale)
        assert mean.any() == (not nothing)


@pytest.mark.parametrize("case", CASES)
def test_the_spectrum_on_each_rank_is_that_of_all_rows(found: Found, case: str) -> None:
    expected = compare(*together([rows_of(case, rank) for rank in range(len(found))]))["spectrum"]
    for rank in found:
        torch.testing.assert_close(rank[f"{case}/others"]["spectrum"], expected, rtol=0, atol=1e-9)


def test_any_split_of_the_rows_over_the_ranks_gives_the_same(found: Found) -> None:
    expected = measure(*together(deal(0, 1)))["value"].item()
    for number in range(DEALS):
        exact = measure(*together(deal(number, len(found))))
        for rank in found:
            assert rank[f"deal {number}"]["value"].item() == pytest.approx(expected, abs=1e-12)
        for name in ("df", "dg"):
            mean = torch.cat([rank[f"deal {number}"][name] for rank in found]) / len(found)
            torch.testing.assert_close(mean, exact[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_ranks_means_over_rows_average_to_that_of_all_rows(found: Found, case: str) -> None:
    expected = on_one_process(case, len(found))["mean"].item()
    mean = sum(rank[case]["mean"].item() for rank in found) / len(found)
    assert mean == pytest.approx(expected, rel=1e-12)


def test_a_sum_over_ranks_leaves_its_argument_alone(found: Found) -> None:
    total = float(sum(range(1, len(found) + 1)))
    for number, rank in enumerate(found):
        assert rank["sum"]["total"].tolist() == [total, total]
        assert rank["sum"]["own"].tolist() == [number + 1.0, number + 1.0]
        assert int(rank["world"]["size"]) == len(found)


def test_clip_votes_of_several_ranks_are_those_of_one_process(found: Found) -> None:
    expected = vote(*segments(0, 1))._asdict()
    for rank in found:
        for name, value in expected.items():
            assert torch.equal(rank["votes"][name], value), name
