"""Self-attention before another encoder: padding, shapes, and what it refuses."""

import pytest
import torch
from torch import Tensor

from emorec.encoders import ConvSequenceEncoder, Encoder, TransformerSequenceEncoder
from emorec.errors import UserError
from emorec.testing import check_encoder


class AsItIs(Encoder):
    """Returns what it reads."""

    dim = 6

    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.fixture
def encoder() -> TransformerSequenceEncoder:
    return TransformerSequenceEncoder(AsItIs(), inputs=6, heads=3, feedforward=8).eval()


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
        22, 1024, convolutions=[(64, 4, 2), (4, 4, 3)], batch_norm=True, hidden=512
    )
    encoder = TransformerSequenceEncoder(inner)
    assert inner.maps == (4, 4, 171)
    kinds = [type(layer).__name__ for layer in inner.convolutions]
    assert kinds == 2 * ["Conv2d", "BatchNorm2d", "ReLU"]
    assert (inner.last.in_features, inner.last.out_features) == (512, 128)
    first = encoder.transformer.layers[0]
    assert len(encoder.transformer.layers) == 2
    assert first.self_attn.num_heads == 4
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
    with pytest.raises(UserError, match="has inputs: 6, but the data brings 9 x 5 a window"):
        encoder(torch.randn(2, 9, 5))
    with pytest.raises(UserError, match="inputs that are a multiple of heads"):
        TransformerSequenceEncoder(AsItIs(), inputs=6, heads=4)
