"""The decoder that goes from the last step to the first: sizes, what it sees, that it learns."""

import pytest
import torch
import yaml
from torch import nn

from emorec.encoders import ConvSequenceEncoder, TransformerSequenceEncoder
from emorec.errors import UserError
from emorec.objectives import SequenceReconstruction, TransformerReconstruction
from emorec.testing import toy_batch, toy_bundle
from emorec.types import FeatureBundle, Sizes
from tests.conftest import ROOT

SIZES = Sizes({"audio": 8, "face": 8, "fused": 4}, {"emotion": 3})
MODEL = ROOT / "configs/model/distribution_matching_features.yaml"


def small(steps: int = 12) -> TransformerReconstruction:
    return TransformerReconstruction(SIZES, "audio", steps, 20, heads=2, feedforward=16)


def test_the_config_has_the_published_sizes() -> None:
    model = yaml.safe_load(MODEL.read_text())["init_args"]
    outer = model["encoders"]["text"]["init_args"]
    inner = ConvSequenceEncoder(**outer.pop("encoder")["init_args"])
    encoder = TransformerSequenceEncoder(inner, **outer)
    loss = TransformerReconstruction(
        Sizes({"text": encoder.dim}, {"emotion": 4}),
        **model["objectives"]["rebuild_text"]["init_args"],
    )
    assert loss.maps == inner.maps == (4, 4, 171)
    assert inner.hidden is not None
    assert loss.hidden is not None
    assert (inner.hidden.out_features, inner.last.out_features) == (512, 128)
    assert (loss.hidden.out_features, loss.first.out_features) == (512, 2736)
    assert isinstance(inner.activation, nn.Identity)
    assert isinstance(loss.activation, nn.Identity)
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in inner.convolutions) == 2
    shapes = [tuple(p.shape) for p in loss.layers.parameters() if p.ndim == 4]
    assert shapes == [(4, 64, 4, 4), (64, 1, 4, 4)]
    for layers in (encoder.transformer.layers, loss.transformer.layers):
        assert len(layers) == 2
        for layer in layers:
            assert isinstance(layer, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer)
            assert layer.self_attn.num_heads == 4
            assert layer.linear1.out_features == 4096
            assert layer.dropout.p == 0
    assert loss.weight == 0.2
    assert loss.decode(torch.randn(2, 128), torch.randn(2, 22, 1024)).shape == (2, 22, 1024)


def test_the_transformer_reads_what_the_convolutions_made() -> None:
    loss = small()
    features, read = torch.randn(3, 8), torch.randn(3, 12, 20)
    convolutions = SequenceReconstruction(SIZES, "audio", 12, 20)
    assert convolutions.load_state_dict(loss.state_dict(), strict=False).missing_keys == []
    memory = convolutions.decode(features, read)
    y = torch.cat([torch.zeros(3, 1, 20), read.flip(1)[:, :11]], 1)
    mask = torch.full((12, 12), float("-inf")).triu(1)
    for layer in loss.transformer.layers:
        assert isinstance(layer, nn.TransformerDecoderLayer)
        y = layer.norm1(y + layer.self_attn(y, y, y, attn_mask=mask)[0])
        y = layer.norm2(y + layer.multihead_attn(y, memory, memory)[0])
        y = layer.norm3(y + layer.linear2(layer.linear1(y).relu()))
    torch.testing.assert_close(loss.decode(features, read), loss.last(y).flip(1))


def test_options_reach_the_layers() -> None:
    loss = TransformerReconstruction(SIZES, "audio", 12, 20, heads=2, layers=3, dropout=0.3)
    assert len(loss.transformer.layers) == 3
    layer = loss.transformer.layers[0]
    assert isinstance(layer, nn.TransformerDecoderLayer)
    assert layer.self_attn.num_heads == 2
    assert layer.linear1.out_features == 80
    assert {layer.dropout.p, layer.self_attn.dropout, layer.multihead_attn.dropout} == {0.3}


def test_it_runs_in_mixed_precision_and_compiled() -> None:
    loss = small().eval()
    features, read = torch.randn(3, 8), torch.randn(3, 12, 20)
    plain = loss.decode(features, read)
    compiled = torch.compile(loss.decode, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(features, read), plain)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = loss.decode(features, read.double())
    assert (rounded - plain).abs().max() < 0.2


def test_a_step_is_predicted_from_the_features_and_later_steps_alone() -> None:
    loss = small().eval()
    features = torch.randn(1, 8, requires_grad=True)
    read = torch.randn(1, 12, 20)
    made = loss.decode(features, read)
    (slope,) = torch.autograd.grad(made[:, -1].sum(), features)
    assert slope.any()  # the last step, predicted first, from the features
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
    with pytest.raises(UserError, match=r"decodes \(13, 20\), but audio is \(12, 20\)"):
        small(13)(toy_bundle(SIZES, batch), batch)
    for options in ({"heads": 3}, {"dropout": 2.0}, {"layers": 0}):
        with pytest.raises(UserError, match="outputs that are a multiple of heads"):
            TransformerReconstruction(SIZES, "audio", 12, 20, **options)
