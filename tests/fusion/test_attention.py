"""The attention fusions of M2FNet and HMATN: their formulas, and modalities that are absent."""

from typing import Any

import pytest
import torch
from torch import Tensor

from emorec.errors import UserError
from emorec.fusion import HybridAttention, QueryAttention
from emorec.types import Sizes

SIZES = Sizes({"audio": 6, "face": 4, "text": 5}, {"emotion": 3})
TWO = Sizes({"audio": 6, "face": 4}, SIZES.outputs)
ROWS, STEPS = 4, 7


def given(
    sizes: Sizes, steps: int | None = STEPS, absent: str = ""
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return features and masks; rows 0 and 1 lack the absent modality."""
    random = torch.Generator().manual_seed(2)
    shape = (ROWS,) if steps is None else (ROWS, steps)
    features = {n: torch.randn(*shape, d, generator=random) for n, d in sizes.features.items()}
    present = {n: torch.ones(ROWS, dtype=torch.bool) for n in features}
    if absent:
        present[absent][:2] = False
        features[absent][:2] = 0
    return features, present


def attended(layer: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return one head's attention (B, T, width), written out."""
    q_w, k_w, v_w = layer.in_proj_weight.chunk(3)
    q_b, k_b, v_b = layer.in_proj_bias.chunk(3)
    q, k, v = query @ q_w.T + q_b, key @ k_w.T + k_b, value @ v_w.T + v_b
    weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
    out: Tensor = layer.out_proj(weights @ v)
    return out


def query_attention(sizes: Sizes, **options: Any) -> QueryAttention:
    torch.manual_seed(0)
    return QueryAttention(sizes, "text", 8, **options).eval()


def test_query_attention_is_its_formula() -> None:
    fusion = query_attention(SIZES, layers=2, heads=1, encoders=1)
    features, present = given(SIZES)
    own: dict[str, Tensor] = {}
    for name, x in features.items():
        steps = fusion.project[name](x)
        own[name] = steps + fusion.encoders[name][0](steps)  # type: ignore[index]
    f = own["text"]
    parts: Any = zip(fusion.attend, fusion.combine, strict=True)
    for attend, combine in parts:
        for name in ("audio", "face"):
            seen = attended(attend[name], f, own[name], f)
            f = f + combine[name](torch.cat([seen, f], -1)).relu()
    wanted = torch.cat([f, (own["audio"] + own["face"]) / 2], -1)
    torch.testing.assert_close(fusion(features, present), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [None, 1, STEPS])
def test_an_absent_other_is_as_if_it_did_not_exist(steps: int | None) -> None:
    fusion = query_attention(SIZES, layers=2, heads=2)
    features, present = given(SIZES, steps, "face")
    alone = QueryAttention(Sizes({"audio": 6, "text": 5}, SIZES.outputs), "text", 8, 2, 2).eval()
    alone.load_state_dict(fusion.state_dict(), strict=False)
    few = ({n: features[n] for n in ("audio", "text")}, {n: present[n] for n in ("audio", "text")})
    torch.testing.assert_close(fusion(features, present)[:2], alone(*few)[:2])
    assert not torch.allclose(fusion(features, present)[2:], alone(*few)[2:])


def test_without_the_query_modality_the_mean_of_the_others_looks() -> None:
    fusion = query_attention(SIZES, layers=1, heads=1, encoders=0)
    features, present = given(SIZES, absent="text")
    mean = (
        fusion.project["audio"](features["audio"]) + fusion.project["face"](features["face"])
    ) / 2
    found = fusion(features, present)[:2]
    torch.testing.assert_close(found[..., 8:], mean[:2])
    parts: Any = (fusion.attend[0], fusion.combine[0])
    f = mean[:2]
    for name in ("audio", "face"):
        seen = attended(parts[0][name], f, fusion.project[name](features[name])[:2], f)
        f = f + parts[1][name](torch.cat([seen, f], -1)).relu()
    torch.testing.assert_close(found[..., :8], f, rtol=1e-4, atol=1e-5)


def test_the_order_of_steps_does_not_matter() -> None:
    fusion = query_attention(SIZES, layers=2, heads=2)
    features, present = given(SIZES)
    order = torch.randperm(STEPS, generator=torch.Generator().manual_seed(0))
    mixed = {name: x[:, order] for name, x in features.items()}
    torch.testing.assert_close(
        fusion(mixed, present), fusion(features, present)[:, order], rtol=1e-4, atol=1e-5
    )


def hybrid(**options: Any) -> HybridAttention:
    torch.manual_seed(0)
    return HybridAttention(TWO, options.pop("frames", STEPS), 16, 1, **options).eval()


@pytest.mark.parametrize(
    "off", [set(), {"joint"}, {"channels"}, {"single"}, {"parallel"}, {"relation"}]
)
def test_hybrid_attention_is_its_formula(off: set[str]) -> None:
    fusion = hybrid(**dict.fromkeys(off, False))
    features, present = given(TWO)
    if "joint" in off:
        own = [fusion.project[n](features[n]) for n in ("audio", "face")]
    else:
        assert fusion.joint is not None
        own = list(fusion.joint(features, present).chunk(2, -1))
    steps: list[Any] = [fusion.steps["audio"], fusion.steps["face"]]
    if "channels" not in off:
        for i, x in enumerate(own):
            first, _, second, _ = steps[i]["channels"]
            own[i] = x * second(first(x.mean(1, keepdim=True)).relu()).sigmoid()
    made = []
    for i, x in enumerate(own):
        inside = across = x
        if "single" not in off:
            inside = steps[i]["single_norm"](x + attended(steps[i]["single"], x, x, x))
        if "parallel" not in off:
            seen = attended(steps[i]["parallel"], x, own[1 - i], own[1 - i])
            across = steps[i]["parallel_norm"](x + seen)
            g = steps[i]["gate"](torch.cat([inside, across], -1)).sigmoid()
            inside = g * inside + (1 - g) * across
        made.append(inside + steps[i]["last"](inside))
    if "relation" not in off:
        r = ((made[0] * made[1]).sum(-1, keepdim=True) / 4).sigmoid()
        made = [r * x for x in made]
    torch.testing.assert_close(fusion(features, present), torch.cat(made, -1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("frames", [None, STEPS])
def test_a_modality_without_the_other_is_on_its_own_path(frames: int | None) -> None:
    fusion = hybrid(frames=frames or 1)
    features, present = given(TWO, frames, "face")
    found = fusion(features, present)
    assert (found[:2, ..., 16:] == 0).all()
    with torch.no_grad():  # what crosses over has no part in it
        steps: Any = fusion.steps["audio"]
        for parameter in (*steps["parallel"].parameters(), *steps["gate"].parameters()):
            parameter.add_(1.0)
    again = fusion(features, present)
    torch.testing.assert_close(again[:2], found[:2])
    assert not torch.allclose(again[2:], found[2:])


def test_swapping_the_modalities_swaps_the_outputs() -> None:
    sizes = Sizes({"audio": 6, "face": 6}, SIZES.outputs)
    torch.manual_seed(0)
    fusion = HybridAttention(sizes, STEPS, 16, 2).eval()
    swapped = HybridAttention(sizes, STEPS, 16, 2).eval()
    state = {}
    for name, value in fusion.state_dict().items():
        if name.endswith("joint.weight"):  # reads [audio, face]
            value = value.roll(16, 1)
        parts = {"audio": "face", "face": "audio"}
        state[".".join(parts.get(part, part) for part in name.split("."))] = value
    swapped.load_state_dict(state)
    features, present = given(sizes)
    found = swapped({"audio": features["face"], "face": features["audio"]}, present)
    torch.testing.assert_close(found, fusion(features, present).roll(16, -1), rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="query 'voice' of audio, face, text"):
        QueryAttention(SIZES, "voice")
    features, present = given(SIZES)
    features["audio"] = features["audio"][:, :3]
    with pytest.raises(UserError, match="got text 7, audio 3, face 7"):
        query_attention(SIZES)(features, present)
    with pytest.raises(UserError, match="two modalities and a width that is a multiple of 8"):
        HybridAttention(SIZES)
