"""Routing by agreement and its margin loss: by hand, and who may vote."""

import pytest
import torch
from torch import Tensor

from emorec.errors import UserError
from emorec.fusion import CapsuleFusion
from emorec.fusion.capsules import squash
from emorec.objectives import CapsuleMargin
from emorec.types import Sizes

SIZES = Sizes({"audio": 5, "face": 4}, {"emotion": 3})


def made(iterations: int = 3, capsules: int = 2) -> CapsuleFusion:
    torch.manual_seed(0)
    return CapsuleFusion(SIZES, capsules, 4, iterations)


def given() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(1)
    features = {n: torch.randn(6, d) for n, d in SIZES.features.items()}
    return features, {name: torch.ones(6, dtype=torch.bool) for name in features}


def by_hand(fusion: CapsuleFusion, features: dict[str, Tensor], iterations: int) -> Tensor:
    """Return the lengths (classes,) of the first row in loops."""
    votes = []
    for m, name in enumerate(sorted(features)):
        layer = fusion.primary[name]
        values = layer(features[name][0]).reshape(fusion.capsules, fusion.width)
        for i, s in enumerate(values):
            n = s.norm()
            u = n**2 / (1 + n**2) * s / n
            votes.append([u @ fusion.to_votes[m * fusion.capsules + i, j] for j in range(3)])
    b = [[torch.tensor(0.0)] * 3 for _ in votes]
    v: list[Tensor] = []
    for _ in range(iterations):
        c = [torch.stack(row).softmax(0) for row in b]
        v = []
        for j in range(3):
            s = torch.stack([c[k][j] * votes[k][j] for k in range(len(votes))]).sum(0)
            v.append(s.norm() ** 2 / (1 + s.norm() ** 2) * s / s.norm())
        b = [[b[k][j] + votes[k][j] @ v[j] for j in range(3)] for k in range(len(votes))]
    return torch.stack([each.norm() for each in v])


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_it_is_the_published_procedure(iterations: int) -> None:
    fusion = made(iterations)
    features, present = given()
    lengths = fusion(features, present).exp()
    torch.testing.assert_close(
        lengths[0], by_hand(fusion, features, iterations), rtol=1e-4, atol=1e-6
    )
    assert (lengths < 1).all()
    assert lengths.dtype == torch.float32


def test_one_round_sums_votes_with_equal_weights() -> None:
    fusion = made(1)
    features, present = given()
    own = torch.cat([fusion.primary[n](features[n]) for n in fusion.names], 1)
    capsules = squash(own.view(-1, 4, 4))
    votes = torch.einsum("bnw,ncwv->bcv", capsules, fusion.to_votes) / 3
    torch.testing.assert_close(
        fusion(features, present).exp(), squash(votes).norm(dim=-1), rtol=1e-4, atol=1e-5
    )
    shares = fusion.shares(features, present)
    torch.testing.assert_close(shares["audio"], torch.full((6, 3), 0.5))


def test_the_order_of_capsules_does_not_matter() -> None:
    fusion = made()
    features, present = given()
    before = fusion(features, present)
    with torch.no_grad():  # the two of audio change places
        layer = fusion.primary["audio"]
        for parameter in layer.parameters():
            parameter.copy_(torch.cat(parameter.chunk(2)[::-1]))
        fusion.to_votes.copy_(fusion.to_votes[[1, 0, 2, 3]])
    torch.testing.assert_close(fusion(features, present), before)


def test_an_absent_modality_does_not_vote() -> None:
    fusion = made()
    features, present = given()
    present["audio"] = torch.tensor([False, True, True, True, True, True])
    features["audio"][0] = 0
    one = fusion(features, present)[0]
    alone = CapsuleFusion(Sizes({"face": 4}, SIZES.outputs), 2, 4)
    alone.primary["face"].load_state_dict(fusion.primary["face"].state_dict())
    alone.to_votes.data = fusion.to_votes.data[2:]
    torch.testing.assert_close(one, alone({"face": features["face"]}, {"face": present["face"]})[0])
    shares = fusion.shares(features, present)
    assert shares["audio"][0].tolist() == [0, 0, 0]
    torch.testing.assert_close(shares["audio"] + shares["face"], torch.ones(6, 3))


def test_no_gradient_passes_through_the_first_rounds() -> None:
    features, present = given()
    gradients = []
    for still in (False, True):
        fusion = made()
        shared = fusion._route(features, present)[1].detach()
        if still:  # the last sum alone, with the routing as a constant
            own = torch.cat([fusion.primary[n](features[n]) for n in fusion.names], 1)
            capsules = squash(own.view(-1, 4, 4))
            votes = torch.einsum("bnw,ncwv->bncv", capsules, fusion.to_votes)
            squared = (shared.unsqueeze(-1) * votes).sum(1).square().sum(-1)
            found = (squared + 1e-8).log() - squared.log1p()
        else:
            found = fusion(features, present)
        found[:, 0].sum().backward()  # type: ignore[no-untyped-call]
        assert fusion.to_votes.grad is not None
        gradients.append(fusion.to_votes.grad)
    torch.testing.assert_close(*gradients)


def test_the_margin_loss_by_hand() -> None:
    sizes = Sizes({**SIZES.features, "fused": 3}, SIZES.outputs)
    loss = CapsuleMargin(sizes)
    lengths = torch.tensor([[0.8, 0.3, 0.05], [0.95, 0.1, 0.2]])
    found = loss.row_losses(lengths.log(), torch.tensor([0, 2]))
    wanted = [0.1**2 + 0.5 * 0.2**2, 0.7**2 + 0.5 * 0.85**2]
    torch.testing.assert_close(found, torch.tensor(wanted))
    mixed = loss.row_losses(lengths.log()[:1], torch.tensor([[0.5, 0.5, 0.0]]))
    halves = 0.5 * (0.1**2 + 0.6**2) + 0.25 * (0.7**2 + 0.2**2)
    torch.testing.assert_close(mixed, torch.tensor([halves]))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="the fusion gives 8 features: use it with the fusion Caps"):
        CapsuleMargin(Sizes({"audio": 5, "fused": 8}, SIZES.outputs))
    with pytest.raises(UserError, match="votes for 3 classes, the model's target has 4"):
        made().head(4)
    with pytest.raises(UserError, match="at least 1, got 0, 16 and 3"):
        CapsuleFusion(SIZES, 0)
