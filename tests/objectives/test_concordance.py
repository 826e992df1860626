"""The CCC as a loss: which rows count, what is logged, what is refused."""

from dataclasses import replace

import pytest
import torch

from emorec.errors import UserError
from emorec.functional import concordance
from emorec.objectives import AuxiliaryConcordance, Concordance
from emorec.testing import toy_batch, toy_bundle
from emorec.types import Sizes

SIZES = Sizes({"audio": 6, "face": 5, "fused": 4}, {"affect": 2})
BATCH = toy_batch({"audio": torch.zeros(8, 1), "face": torch.zeros(8, 1)}, dimensions=2)
BUNDLE = toy_bundle(SIZES, BATCH)


def test_it_is_one_minus_the_mean_over_dimensions_of_all_known_steps() -> None:
    loss = Concordance(SIZES)
    target = BATCH.targets["affect"].flatten(0, 1)
    known = ~target.isnan().any(1)
    wanted = concordance(BUNDLE.output.flatten(0, 1)[known], target[known])
    torch.testing.assert_close(loss(BUNDLE, BATCH), 1 - wanted.mean())
    torch.testing.assert_close(torch.stack([loss.parts["ccc/0"], loss.parts["ccc/1"]]), wanted)
    assert loss.scores(BUNDLE)["fused"] is BUNDLE.output


def test_rows_without_the_modality_do_not_count() -> None:
    loss = AuxiliaryConcordance(SIZES, "audio", units=3)
    values = loss.values(BUNDLE)
    assert values.shape == (8, 4, 2)
    rows = BATCH.present["audio"] & BATCH.labelled["affect"]
    target = BATCH.targets["affect"][rows].flatten(0, 1)
    known = ~target.isnan().any(1)
    wanted = concordance(values[rows].flatten(0, 1)[known], target[known])
    torch.testing.assert_close(loss(BUNDLE, BATCH), 1 - wanted.mean())
    assert loss.score_names == ("audio",)


def test_unlabelled_rows_may_hold_anything() -> None:
    target = BATCH.targets["affect"].clone()
    hidden = replace(BATCH, labelled={"affect": torch.arange(8) < 4})
    target[4:] = 1000.0
    other = replace(hidden, targets={"affect": target})
    loss = Concordance(SIZES)
    torch.testing.assert_close(loss(BUNDLE, hidden), loss(BUNDLE, other))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="no target 'mood'; the targets are affect"):
        Concordance(SIZES, target="mood")
    with pytest.raises(UserError, match="no feature 'text'"):
        AuxiliaryConcordance(SIZES, "text")
    short = replace(BATCH, targets={"affect": BATCH.targets["affect"][:, :3]})
    with pytest.raises(UserError, match=r"the output \(8, 4, 2\) and the target 'affect' \(8, 3"):
        Concordance(SIZES)(BUNDLE, short)


def test_a_dimension_without_known_values_does_not_count() -> None:
    target = BATCH.targets["affect"].clone()
    target[..., 1] = torch.nan
    loss = Concordance(SIZES)
    found = loss(BUNDLE, replace(BATCH, targets={"affect": target}))
    torch.testing.assert_close(found, 1 - loss.parts["ccc/0"])
    nothing = loss(BUNDLE, replace(BATCH, targets={"affect": target * torch.nan}))
    assert nothing.item() == 0
