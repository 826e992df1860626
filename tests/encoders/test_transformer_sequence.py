"""Self-attention before another encoder: its formula, padding, shapes, and what it refuses."""

import math

import pytest
import torch
from torch import Tensor, nn

from emorec.encoders import ConvSequenceEncoder, Encoder, TransformerSequenceEncoder
from emorec.encoders.transformer_sequence import sinusoids
from emorec.errors import UserError
from emorec.testing import check_encoder


class AsItIs(Encoder):
    """Returns what it reads."""

    dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def forward(self, x: Tensor) -> Tensor:
        return x

    def check_weights(self) -> None:
        self.calls.append("check")

    def load_initial_weights(self) -> None:
        self.calls.append("load")


@pytest.fixture
def encoder() -> TransformerSequenceEncoder:
    return TransformerSequenceEncoder(AsItIs(), inputs=6, heads=3, feedforward=8).eval()


def test_codes_of_position_are_those_of_the_formula() -> None:
    found = sinusoids(5, 6)
    for step in range(5):
        for column in range(6):
            angle = step / 10000 ** (2 * (column // 2) / 6)
            wanted = math.cos(angle) if column % 2 else math.sin(angle)
            assert found[step, column].item() == pytest.approx(wanted, abs=1e-6)


def test_layers_are_normalised_before_each_part_and_at_the_end(
    encoder: TransformerSequenceEncoder,
) -> None:
    x = torch.randn(2, 5, 6)
    y = math.sqrt(6) * x + sinusoids(5, 6)
    for layer in encoder.transformer.layers:
        assert isinstance(layer, nn.TransformerEncoderLayer)
        z = layer.norm1(y)
        y = y + layer.self_attn(z, z, z)[0]
        y = y + layer.linear2(layer.linear1(layer.norm2(y)).relu())
    wanted = encoder.transformer.norm(y)  # type: ignore[misc]
    torch.testing.assert_close(encoder(x), wanted)


def test_options_reach_the_layers() -> None:
    def first(**options: float) -> nn.TransformerEncoderLayer:
        made = TransformerSequenceEncoder(AsItIs(), inputs=6, heads=2, **options)  # type: ignore[arg-type]
        layer = made.transformer.layers[0]
        assert isinstance(layer, nn.TransformerEncoderLayer)
        return layer

    assert first().linear1.out_features == 24
    assert first().dropout.p == 0
    assert first(feedforward=7).linear1.out_features == 7
    layer = first(dropout=0.3)
    assert layer.self_attn.num_heads == 2
    assert {layer.dropout.p, layer.dropout1.p, layer.self_attn.dropout} == {0.3}


def test_weights_are_those_of_the_encoder_behind() -> None:
    inner = AsItIs()
    encoder = TransformerSequenceEncoder(inner, inputs=6, heads=3)
    encoder.check_weights()
    encoder.load_initial_weights()
    assert inner.calls == ["check", "load"]


def test_padding_is_masked_wherever_it_is(encoder: TransformerSequenceEncoder) -> None:
    masks = []
    encoder.transformer.register_forward_hook(
        lambda _, __, options, ___: masks.append(options["src_key_padding_mask"]), with_kwargs=True
    )
    x = torch.randn(3, 4, 6)
    x[0, 0] = x[0, 3] = x[1] = 0
    encoder(x)
    # A row of padding alone attends to all of it: softmax over nothing is NaN.
    assert masks[0].tolist() == [[True, False, False, True], 4 * [False], 4 * [False]]


def test_no_step_attends_to_padding(encoder: TransformerSequenceEncoder) -> None:
    x = torch.randn(3, 9, 6)
    x[1, 4:] = 0
    y = encoder(x)
    torch.testing.assert_close(y[1:2, :4], encoder(x[1:2, :4]))
    assert not y[1, 4:].any()
    torch.testing.assert_close(y[:1], encoder(x[:1]))


def test_steps_attend_to_each_other(encoder: TransformerSequenceEncoder) -> None:
    x = torch.randn(1, 9, 6)
    other = x.clone()
    other[:, 8] = torch.randn(6)
    assert (encoder(x) - encoder(other)).abs().amax((0, 2)).gt(1e-6).all()


@pytest.mark.parametrize("training", [False, True])
def test_rows_of_padding_alone_are_finite(
    encoder: TransformerSequenceEncoder, training: bool
) -> None:
    encoder.train(training)
    x = torch.randn(2, 5, 6)
    x[0] = 0
    y = encoder(x)
    assert not y[0].any()
    y.sum().backward()
    gradients = [p.grad for p in encoder.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)


def test_the_lexical_encoder_has_the_published_sizes() -> None:
    inner = ConvSequenceEncoder(
        22, 1024, convolutions=[(64, 4, 2), (4, 4, 3)], batch_norm=True, hidden=512, activate=False
    )
    encoder = TransformerSequenceEncoder(inner)
    assert inner.maps == (4, 4, 171)
    kinds = [type(layer).__name__ for layer in inner.convolutions]
    assert kinds == 2 * ["Conv2d", "BatchNorm2d", "ReLU"]
    assert (inner.last.in_features, inner.last.out_features) == (512, 128)
    first = encoder.transformer.layers[0]
    assert len(encoder.transformer.layers) == 2
    assert isinstance(first, nn.TransformerEncoderLayer)
    assert first.self_attn.num_heads == 4
    assert first.linear1.out_features == 4096
    check_encoder(encoder, torch.randn(2, 22, 1024))


def test_the_graph_can_be_exported_with_any_number_of_rows() -> None:
    inner = ConvSequenceEncoder(8, 12, dim=4, batch_norm=True)
    encoder = TransformerSequenceEncoder(inner, 12, heads=3, feedforward=8).eval()
    rows = torch.export.Dim("rows", min=1, max=1 << 20)
    x = torch.randn(3, 8, 12)
    x[1, 5:] = 0
    program = torch.export.export(encoder, (x,), dynamic_shapes=({0: rows},))
    more = torch.cat([x, torch.zeros(1, 8, 12), torch.randn(3, 8, 12)])
    with torch.no_grad():
        torch.testing.assert_close(program.module()(more), encoder(more), atol=1e-5, rtol=1e-4)


def test_what_does_not_fit_is_refused(encoder: TransformerSequenceEncoder) -> None:
    for shape, size in (((9, 5), "9 x 5"), ((6,), "6")):
        with pytest.raises(UserError, match=f"inputs: 6, but the data has {size} per window"):
            encoder(torch.randn(2, *shape))
    with pytest.raises(UserError, match="dropout from 0 to 1"):
        TransformerSequenceEncoder(AsItIs(), inputs=6, heads=3, dropout=2)
    with pytest.raises(UserError, match="inputs that are a multiple of heads"):
        TransformerSequenceEncoder(AsItIs(), inputs=6, heads=4)
