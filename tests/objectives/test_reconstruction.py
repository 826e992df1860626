"""Auto-encoders: what is rebuilt, which rows and steps count."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from emorec.encoders import ConvSequenceEncoder
from emorec.errors import UserError
from emorec.objectives import SequenceReconstruction, VectorReconstruction
from emorec.testing import toy_batch, toy_bundle
from emorec.types import Sizes

SIZES = Sizes({"audio": 8, "face": 8, "fused": 4}, {"emotion": 3})
RANDOM = torch.Generator().manual_seed(2)


def test_the_loss_is_the_mean_of_labelled_rows_plus_that_of_unlabelled_ones() -> None:
    batch = toy_batch({n: torch.randn(12, 7, generator=RANDOM) for n in ("audio", "face")})
    bundle = toy_bundle(SIZES, batch)
    loss = VectorReconstruction(SIZES, "audio", 7, [5])
    read = batch.inputs["audio"]
    squares = (loss.decode(bundle.features["audio"], read) - read).square().mean(1)
    rows, labelled = batch.present["audio"], batch.labelled["emotion"]
    wanted = squares[rows & labelled].mean() + squares[rows & ~labelled].mean()
    torch.testing.assert_close(loss(bundle, batch), wanted)
    assert loss.weight == 0.2
    shapes = [tuple(p.shape) for p in VectorReconstruction(SIZES, "audio", 1582).parameters()]
    assert shapes[::2] == [(256, 8), (512, 256), (1582, 512)]


@pytest.mark.parametrize(("steps", "outputs"), [(18, 342), (22, 1024), (12, 20), (18, 900)])
def test_sequences_come_back_in_their_own_size(steps: int, outputs: int) -> None:
    sizes = Sizes({"face": 8}, {"emotion": 3})
    loss = SequenceReconstruction(sizes, "face", steps, outputs)
    read = torch.randn(3, steps, outputs)
    assert loss.decode(torch.randn(3, 8), read).shape == (3, steps, outputs)
    encoder = ConvSequenceEncoder(steps, outputs, dim=8)
    assert loss.maps == encoder.maps


@pytest.mark.parametrize("activate", [True, False])
def test_a_sequence_is_decoded_by_the_mirror(activate: bool) -> None:
    sizes = Sizes({"face": 8}, {"emotion": 3})
    convolutions = [(3, 4, 2), (5, 3, 2)]
    loss = SequenceReconstruction(
        sizes, "face", 12, 21, convolutions=convolutions, hidden=6, activate=activate
    )
    after: nn.Module = nn.ReLU() if activate else nn.Identity()
    assert loss.hidden is not None
    first, second = loss.layers
    x = torch.randn(4, 8)
    maps = after(loss.first(after(loss.hidden(x)))).view(4, 5, 3, 5)
    wanted = second(first(maps, output_size=[6, 10]).relu(), output_size=[12, 21]).squeeze(1)
    torch.testing.assert_close(loss.decode(x, torch.zeros(4, 12, 21)), wanted)
    assert (first.weight.shape, second.weight.shape) == ((5, 3, 3, 3), (3, 1, 4, 4))


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 2},
        {"outputs": -4},
        {"hidden": -1},
        {"convolutions": []},
        {"convolutions": [(64, 4, 0)]},
        {"convolutions": [(0, 4, 2)]},
        {"convolutions": [(64, 40, 2)]},
    ],
)
def test_impossible_sizes_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="SequenceReconstruction of audio needs convolutions of"):
        SequenceReconstruction(SIZES, "audio", **{"steps": 18, "outputs": 20, **options})


@pytest.mark.parametrize("padding", [0.0, float("nan")])
def test_padded_steps_do_not_count(padding: float) -> None:
    x = torch.randn(12, 12, 20, generator=RANDOM)
    x[2, 6:] = padding
    batch = toy_batch({"audio": x, "face": x})
    bundle = toy_bundle(SIZES, batch)
    standardised = x.clone()
    standardised[2, 6:] = 5.0  # whatever the statistics make of the padding
    bundle = replace(bundle, inputs={"audio": standardised, "face": standardised})
    loss = SequenceReconstruction(SIZES, "audio", 12, 20)
    made = loss.decode(bundle.features["audio"], standardised)
    squares = (made - standardised).square()
    values = squares.mean((1, 2))
    values[2] = squares[2, :6].mean()
    rows, labelled = batch.present["audio"], batch.labelled["emotion"]
    assert rows[2]
    wanted = values[rows & labelled].mean() + values[rows & ~labelled].mean()
    torch.testing.assert_close(loss(bundle, batch), wanted)


def test_a_modality_that_is_not_shown_costs_nothing() -> None:
    batch = toy_batch({n: torch.randn(8, 7, generator=RANDOM) for n in ("audio", "face")})
    bundle = replace(toy_bundle(SIZES, batch), inputs={})
    assert VectorReconstruction(SIZES, "audio", 7)(bundle, batch) == 0


def test_other_shapes_and_names_are_refused() -> None:
    batch = toy_batch({n: torch.randn(8, 7, generator=RANDOM) for n in ("audio", "face")})
    with pytest.raises(UserError, match=r"decodes \(6,\), but audio is \(7,\)"):
        VectorReconstruction(SIZES, "audio", 6)(toy_bundle(SIZES, batch), batch)
    with pytest.raises(UserError, match="no modality 'text'"):
        VectorReconstruction(SIZES, "text", 6)
