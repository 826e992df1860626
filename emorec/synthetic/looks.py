"""How each subject looks: colours and proportions of the same portrait."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from emorec.synthetic.draws import spread, stable_rng, subject_position
from emorec.synthetic.portrait import Image, load_portrait

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SKIN_GAIN = np.array(
    [[1.08, 1.05, 1.02], [1.0, 0.93, 0.85], [0.83, 0.72, 0.62], [0.6, 0.49, 0.42]]
)
_HAIR_GAIN = np.array(
    [[0.32, 0.3, 0.34], [1.15, 1.12, 1.0], [0.62, 0.5, 0.45], [1.15, 0.72, 0.5], [1.15, 1.25, 1.6]]
)


@dataclass(frozen=True)
class Look:
    """One subject's appearance.

    Attributes:
        skin: Factors for red, green and blue of the skin.
        hair: Factors for red, green and blue of the hair.
        clothes: Colour of the clothes, RGB 0..255.
        stubble: How dark the beard is, 0..1.
        brow: Thickness of the brows as a factor.
        lips: Thickness of the lips as a factor.
        width: Width of the head as a factor.
        height: Height of the head as a factor.
        jaw: How far the jaw is widened on each side, picture pixels.
        eye_gap: How far each eye is moved outwards, picture pixels.
        nose: How far the tip of the nose is moved down, picture pixels.
        mouth: How far the mouth is moved down, picture pixels.
        mirrored: Whether left and right are exchanged.
        size: Frame pixels per picture pixel before `width` and `height`.
    """

    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    clothes: tuple[float, float, float]
    stubble: float
    brow: float
    lips: float
    width: float
    height: float
    jaw: float
    eye_gap: float
    nose: float
    mouth: float
    mirrored: bool
    size: float


def draw_look(seed: int, subject: str, identity: float = 1.0) -> Look:
    """Draw the look of a subject; it depends only on the arguments.

    Args:
        seed: The seed of the set.
        subject: "s" and the subject's number, such as "s03".
        identity: Scale of the differences from the average look, 0..2.
    """
    rng = stable_rng(seed, subject, "look")

    def draw(low: float, high: float) -> float:
        return spread(rng.uniform(low, high), (low + high) / 2, identity)

    place = np.clip(spread(subject_position(seed, subject, "skin"), 0.5, identity), 0, 1)
    tone = place * (len(_SKIN_GAIN) - 1)
    red, green, blue = (
        float(np.interp(tone, range(len(_SKIN_GAIN)), _SKIN_GAIN[:, c])) for c in range(3)
    )
    hair = _HAIR_GAIN[int(subject_position(seed, subject, "hair") * len(_HAIR_GAIN))]
    return Look(
        skin=(red, green, blue),
        hair=_spread_colour(
            hair * rng.uniform(0.9, 1.1), _HAIR_GAIN.mean(axis=0), identity, (0.2, 1.8)
        ),
        clothes=_spread_colour(rng.uniform(30, 200, 3), np.full(3, 115.0), identity, (0, 255)),
        stubble=max(spread(rng.choice([0.0, 0.0, rng.uniform(0.15, 0.35)]), 0.08, identity), 0.0),
        brow=draw(1.0, 1.7),
        lips=draw(0.75, 1.2),
        width=draw(0.92, 1.07),
        height=draw(0.95, 1.08),
        jaw=draw(-5, 5),
        eye_gap=draw(-2.5, 2.5),
        nose=draw(-3, 3),
        mouth=draw(-2, 3),
        # Mirroring has no degrees: below 1, fewer subjects are mirrored.
        mirrored=bool(rng.random() < 0.5 * min(identity, 1.0)),
        size=draw(1.0, 1.18),
    )


def _spread_colour(
    colour: NDArray[np.float64],
    average: NDArray[np.float64],
    identity: float,
    limits: tuple[float, float],
) -> tuple[float, float, float]:
    """Scale a colour's (3,) distance from the average and keep it within limits."""
    mixed = (spread(*pair, identity) for pair in zip(colour, average, strict=True))
    red, green, blue = (float(np.clip(value, *limits)) for value in mixed)
    return red, green, blue


@lru_cache(maxsize=16)
def dress(look: Look) -> tuple[Image, Image]:
    """Colour the blank portrait as this subject.

    Args:
        look: The subject's appearance; only its colours are used here.

    Returns:
        The person with open and with closed eyes, uint8 (350, 375, 4): RGB and opacity.
        They are shared, so treat them as read-only.
    """
    portrait = load_portrait()
    skin = portrait.skin[..., None]
    # Wider than the opacity's edge, or the original clothes would shine through.
    clothes = np.clip(portrait.clothes * 4, 0, 1)[..., None]
    gain = skin * np.array(look.skin, dtype=np.float32)
    gain += (1 - skin) * np.array(look.hair, dtype=np.float32)
    gain *= 1 - (portrait.beard * look.stubble)[..., None]
    # Folds and shade of plain clothes: darker towards the sides and below.
    height, width = portrait.skin.shape
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    shade = (1.15 - 0.4 * x**2 - 0.25 * y)[..., None]
    cloth = shade * np.array(look.clothes, dtype=np.float32)
    opacity = np.round(portrait.person * 255).astype(np.uint8)
    open_closed = []
    for rgb in (portrait.rgb, portrait.closed):
        colour = rgb * gain * (1 - clothes) + cloth * clothes
        colour = np.clip(colour, 0, 255).astype(np.uint8)
        open_closed.append(np.dstack([colour, opacity]))
    return open_closed[0], open_closed[1]


def draw_background(seed: int, subject: str, size: tuple[int, int], identity: float = 1.0) -> Image:
    """Draw the subject's wall: a colour with soft, low-contrast patches.

    Args:
        seed: The seed of the set.
        subject: "s" and the subject's number, such as "s03".
        size: Width and height, pixels.
        identity: Scale of the differences from a plain grey wall, 0..2.

    Returns:
        An RGB picture, uint8 (height, width, 3).
    """
    rng = stable_rng(seed, subject, "background")
    patches = (
        rng.uniform(70, 200)
        + rng.normal(0, 18, 3)
        + rng.normal(0, 5, (5, 6, 3))
        + rng.normal(0, 12, (5, 6, 1))
    )
    patches = identity * patches + (1 - identity) * 135.0
    wall = cv2.resize(patches.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wall, 0, 255), dtype=np.uint8)
