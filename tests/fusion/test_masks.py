"""How all fusions treat absent modalities and sequences."""

from collections.abc import Callable

import pytest
import torch

from emorec.fusion import (
    CapsuleFusion,
    CommonPrivateFusion,
    ConcatFusion,
    CrossModalAttention,
    FilledFusion,
    Fusion,
    GatedFusion,
    JointCrossAttention,
    LateFusion,
    LowRankFusion,
    QueryAttention,
    TensorFusion,
)
from emorec.types import Sizes

SIZES = Sizes({"audio": 6, "face": 6, "text": 6}, {"emotion": 3})
FUSIONS: dict[str, Callable[[Sizes], Fusion]] = {
    "concat": lambda sizes: ConcatFusion(sizes, width=8),
    "low rank": lambda sizes: LowRankFusion(sizes, width=8),
    "tensor": lambda sizes: TensorFusion(sizes, reduced=4, width=8),
    "gated": lambda sizes: GatedFusion(sizes, width=8),
    "attention": lambda sizes: CrossModalAttention(sizes, width=8, heads=2),
    "joint": lambda sizes: JointCrossAttention(sizes, reduced=4, attention=3),
    "late": LateFusion,
    "capsules": lambda sizes: CapsuleFusion(sizes, 2, 4),
    "query": lambda sizes: QueryAttention(sizes, "text", 8, 2, 2),
    "common": lambda sizes: CommonPrivateFusion(sizes, common=3, width=8),
    "filled": lambda sizes: FilledFusion(sizes, lambda s: ConcatFusion(s, width=8)),
}


def drawn(rows: int = 8, steps: int | None = None) -> dict[str, torch.Tensor]:
    shape = (rows, 6) if steps is None else (rows, steps, 6)
    random = torch.Generator().manual_seed(1)
    return {name: torch.randn(shape, generator=random) for name in SIZES.features}


def without(
    features: dict[str, torch.Tensor], absent: set[str]
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    rows = len(features["audio"])
    present = {n: torch.full((rows,), n not in absent) for n in features}
    kept = {n: torch.zeros_like(f) if n in absent else f for n, f in features.items()}
    return kept, present


@pytest.mark.parametrize("make", FUSIONS.values(), ids=FUSIONS)
@pytest.mark.parametrize("absent", [set(), {"audio"}, {"audio", "text"}, {"audio", "face", "text"}])
def test_any_modality_may_be_absent(make: Callable[[Sizes], Fusion], absent: set[str]) -> None:
    torch.manual_seed(0)
    fusion = make(SIZES)
    features, present = without(drawn(), absent)
    for tensor in features.values():
        tensor.requires_grad_()
    fused = fusion(features, present)
    assert fused.shape == (8, fusion.dim)
    assert fused.isfinite().all()
    fused.square().sum().backward()
    gradients = [p.grad for p in fusion.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    # A row's result does not depend on the batch's other rows, or on what is absent in them.
    fusion.eval()
    mixed = {n: m.clone() for n, m in present.items()}
    for name in absent:
        mixed[name][4:] = True
    full = {n: torch.where(mixed[n].unsqueeze(1), f, 0) for n, f in drawn().items()}
    with torch.no_grad():
        torch.testing.assert_close(fusion(full, mixed)[:4], fusion(features, present)[:4])


# The others treat a feature of zeros like an absent one, as documented.
@pytest.mark.parametrize("name", [n for n in FUSIONS if n not in ("concat", "low rank", "common")])
def test_an_absent_modality_is_known_by_its_mask(name: str) -> None:
    torch.manual_seed(0)
    fusion = FUSIONS[name](SIZES)
    if isinstance(fusion, FilledFusion):
        torch.nn.init.normal_(fusion.learned["audio"])
    fusion.eval()
    features, absent = without(drawn(), {"audio"})
    whole = dict.fromkeys(features, torch.ones(8, dtype=torch.bool))
    with torch.no_grad():
        assert not torch.allclose(fusion(features, absent), fusion(features, whole))


@pytest.mark.parametrize("name", [name for name in FUSIONS if name != "joint"])
def test_sequences_keep_their_steps(name: str) -> None:
    torch.manual_seed(0)
    fusion = FUSIONS[name](SIZES).eval()
    features, present = without(drawn(steps=5), set())
    assert fusion(features, present).shape == (8, 5, fusion.dim)
