"""The decoder that goes from the last step to the first: sizes, what it sees, that it learns."""

import pytest
import torch

from emorec.encoders import ConvSequenceEncoder
from emorec.errors import UserError
from emorec.objectives import TransformerReconstruction
from emorec.testing import toy_batch, toy_bundle
from emorec.types import FeatureBundle, Sizes

SIZES = Sizes({"audio": 8, "face": 8, "fused": 4}, {"emotion": 3})
LEXICAL = ((64, 4, 2), (4, 4, 3))


def small(steps: int = 12) -> TransformerReconstruction:
    return TransformerReconstruction(SIZES, "audio", steps, 20, heads=2, feedforward=16)


def test_sizes_are_those_of_the_lexical_decoder() -> None:
    loss = TransformerReconstruction(
        Sizes({"text": 128}, {"emotion": 4}),
        "text",
        convolutions=LEXICAL,
        batch_norm=True,
        hidden=512,
    )
    encoder = ConvSequenceEncoder(22, 1024, convolutions=LEXICAL, batch_norm=True, hidden=512)
    assert loss.maps == encoder.maps == (4, 4, 171)
    assert loss.first.out_features == 2736
    shapes = [tuple(p.shape) for p in loss.layers.parameters() if p.ndim == 4]
    assert shapes == [(4, 64, 4, 4), (64, 1, 4, 4)]
    assert [type(norm).__name__ for norm in loss.norms] == ["BatchNorm2d", "Identity"]
    assert len(loss.transformer.layers) == 2
    assert loss.decode(torch.randn(2, 128), torch.randn(2, 22, 1024)).shape == (2, 22, 1024)


def test_a_step_is_said_from_the_features_and_from_later_steps_alone() -> None:
    loss = small().eval()
    features = torch.randn(1, 8, requires_grad=True)
    read = torch.randn(1, 12, 20)
    made = loss.decode(features, read)
    (slope,) = torch.autograd.grad(made[:, -1].sum(), features)
    assert slope.any()  # the last step, said first, from the features
    for step in range(12):
        other = read.clone()
        other[:, step] = torch.randn(20)
        change = (loss.decode(features, other) - made).abs().amax((0, 2))
        assert (change[:step] > 1e-6).all()
        assert (change[step:] < 1e-6).all()


def test_padding_is_not_seen() -> None:
    loss = small().eval()
    features, read = torch.randn(1, 8), torch.randn(1, 12, 20)
    read[:, 7:] = 0
    seen = []
    loss.transformer.register_forward_hook(
        lambda _, __, options, ___: seen.append(options["tgt_key_padding_mask"]), with_kwargs=True
    )
    loss.decode(features, read)
    (padded,) = seen
    # The start, five steps of padding, then the real ones from the seventh to the second.
    assert padded.tolist() == [[False, *[True] * 5, *[False] * 6]]
    empty = loss.decode(features, torch.zeros(1, 12, 20))
    assert empty.isfinite().all()


def trained(loss: TransformerReconstruction, bundle: FeatureBundle, steps: int) -> list[float]:
    batch = toy_batch({name: x.clone() for name, x in bundle.inputs.items()})
    optimizer = torch.optim.Adam(loss.parameters(), 0.003)
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss(bundle, batch)
        value.backward()
        optimizer.step()
        found.append(value.item())
    return found


def test_it_learns_to_rebuild() -> None:
    x = torch.randn(8, 12, 20)
    batch = toy_batch({"audio": x, "face": x})
    found = trained(small(), toy_bundle(SIZES, batch), 60)
    assert found[-1] < 0.7 * found[0]


def test_other_shapes_and_heads_are_refused() -> None:
    batch = toy_batch({n: torch.randn(8, 12, 20) for n in ("audio", "face")})
    with pytest.raises(UserError, match=r"rebuilds \(13, 20\), but audio is \(12, 20\)"):
        small(13)(toy_bundle(SIZES, batch), batch)
    with pytest.raises(UserError, match="outputs that are a multiple of heads"):
        TransformerReconstruction(SIZES, "audio", 12, 20, heads=3)
