"""How each subject looks: colours and proportions of the one portrait."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from emorec.synthetic.plan import stable_rng, subject_position
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


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def draw_look(seed: int, subject: str) -> Look:
    """Draw the look of a subject; it depends on nothing but the two arguments."""
    rng = stable_rng(seed, subject, "look")
    tone = subject_position(seed, subject, "skin") * (len(_SKIN_GAIN) - 1)
    skin = [np.interp(tone, range(len(_SKIN_GAIN)), _SKIN_GAIN[:, c]) for c in range(3)]
    hair = _HAIR_GAIN[int(subject_position(seed, subject, "hair") * len(_HAIR_GAIN))]
    return Look(
        skin=_triple(np.array(skin)),
        hair=_triple(hair * rng.uniform(0.9, 1.1)),
        clothes=_triple(rng.uniform(30, 200, 3)),
        stubble=float(rng.choice([0.0, 0.0, rng.uniform(0.15, 0.35)])),
        brow=float(rng.uniform(1.0, 1.7)),
        lips=float(rng.uniform(0.75, 1.2)),
        width=float(rng.uniform(0.92, 1.07)),
        height=float(rng.uniform(0.95, 1.08)),
        jaw=float(rng.uniform(-5, 5)),
        eye_gap=float(rng.uniform(-2.5, 2.5)),
        nose=float(rng.uniform(-3, 3)),
        mouth=float(rng.uniform(-2, 3)),
        mirrored=bool(rng.random() < 0.5),
        size=float(rng.uniform(1.0, 1.18)),
    )


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
    # Wider than the opacity's edge, or the original clothes would shine through there.
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


def draw_background(seed: int, subject: str, width: int, height: int) -> Image:
    """Draw the subject's wall: a colour with soft, low-contrast patches.

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
    wall = cv2.resize(patches.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(wall, 0, 255), dtype=np.uint8)
