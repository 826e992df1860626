"""Pictures whose corners tell how they lie."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.helpers.media_files import Image, Picture, times, write_media

COLOURS = {"r": (220, 30, 30), "g": (30, 220, 30), "b": (30, 30, 220), "w": (220, 220, 220)}


def corners(number: int = 0, width: int = 160, height: int = 120) -> Image:
    image = np.zeros((height, width, 3), np.uint8)
    down, right = height // 2, width // 2
    for name, rows, columns in (
        ("r", slice(0, down), slice(0, right)),
        ("g", slice(0, down), slice(right, width)),
        ("b", slice(down, height), slice(0, right)),
        ("w", slice(down, height), slice(right, width)),
    ):
        image[rows, columns] = COLOURS[name]
    return image


def read_corners(image: Image) -> str:
    height, width = image.shape[:2]
    found = ""
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            pixel = image[y, x].astype(int)
            found += min(COLOURS, key=lambda c: int(np.abs(pixel - COLOURS[c]).sum()))
    return found


def changing(path: Path, *sizes: tuple[int, int]) -> Path:
    """Write an mkv whose picture has each of some sizes for a second, as calls have."""
    raw = path.with_suffix(".h264")
    raw.write_bytes(b"")
    for width, height in sizes:
        picture = Picture(times(25), draw=lambda n, w=width, h=height: corners(n, w, h))  # type: ignore[misc]
        part = write_media(path.with_name("part.h264"), picture)
        raw.write_bytes(raw.read_bytes() + part.read_bytes())
    with av.open(str(raw)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts = packet.dts = number
                target.mux(packet)
    return path
