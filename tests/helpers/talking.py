"""A clip of somebody who talks, as pieces of a media file."""

from collections.abc import Callable

import cv2
import numpy as np

from tests.helpers.media_files import (
    Image,
    Picture,
    Sound,
    portrait,
    times,
    tone,
)

FACE = portrait()[:256, 96:352]


def person(width: int, height: int, side: int) -> Callable[[int], Image]:
    """Return a drawer of a portrait in the middle of a grey picture, moving a little."""
    face = np.asarray(cv2.resize(FACE, (side, side), interpolation=cv2.INTER_AREA), np.uint8)

    def draw(number: int) -> Image:
        image = np.full((height, width, 3), 110, np.uint8)
        left, top = (width - side) // 2 + number % 3, (height - side) // 2
        part = face[max(-top, 0) : height - top, : width - left]
        image[max(top, 0) : max(top, 0) + len(part), left : left + part.shape[1]] = part
        return image

    return draw


TALKS = person(320, 256, 240)


VIDEO = Picture(times(30), draw=TALKS)


VOICE = Sound(tone(48000, 1.2)[None])


def in_channels(count: int, rate: int, codec: str) -> Sound:
    """Return a tone of 1.2 s in a number of channels."""
    return Sound(np.repeat(tone(rate, 1.2)[None], count, 0), rate, codec)
