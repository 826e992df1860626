"""Still pictures: a photograph is one frame, on screen at all times."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from emorec.media.containers import MediaError
from emorec.media.faces import Image
from emorec.media.file import SHORTEST, Decoding, Media, Span

STILL_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
SIDE = 2048  # pixels: larger pictures are scaled down to it
PIXELS = 100_000_000  # more are not decoded: they take gigabytes, from a file of any size
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")


def probe_still(path: Path) -> Media:
    """Return a picture as a clip without sound, of the shortest duration, which any span may cut.

    Args:
        path: A JPEG, PNG, BMP, WebP or TIFF file.

    Raises:
        MediaError: It is damaged, too large, or another kind of file.
    """
    height, width = read_still(path).shape[:2]
    decoding = Decoding(reader="still", size=(width, height))
    return Media(path, 0.0, SHORTEST, None, Span(0.0, float("inf")), decoding=decoding)


def read_still(path: Path) -> Image:
    """Return a picture, uint8 (height, width, 3), RGB, turned as its EXIF data say.

    Of several pictures in a file it is the first. Its longer side is :data:`SIDE` pixels at most.
    Grey levels of 16 bits, and fractions of 1, are scaled to 255; transparent parts become black.

    Args:
        path: The file.

    Raises:
        MediaError: It cannot be read.
    """
    try:
        with Pillow.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > PIXELS:
                raise MediaError("too large a picture", f"{width} x {height} pixels")
            picture.draft(None, (SIDE, SIDE))  # a JPEG file is decoded at about this size
            shown = _rgb(ImageOps.exif_transpose(picture))
            shown.thumbnail((SIDE, SIDE), Pillow.Resampling.BOX)
            return np.asarray(shown, np.uint8).copy()
    except UnidentifiedImageError as error:
        raise MediaError("not readable as a picture", "no JPEG, PNG, BMP, WebP or TIFF") from error
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise MediaError("not readable as a picture", str(error)) from error


def _rgb(picture: Pillow.Image) -> Pillow.Image:
    if picture.mode == "F" or picture.mode.startswith("I"):
        levels = np.asarray(picture, np.float64)
        if not np.isfinite(levels).all():
            raise ValueError("its levels are not finite")
        top = next((top for top in (1, 255, 2**16 - 1) if levels.max() <= top), levels.max())
        grey = np.clip(levels * (255 / top), 0, 255).astype(np.uint8)
        return Pillow.fromarray(grey).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        black = Pillow.new("RGBA", seen.size, (0, 0, 0, 255))
        picture = Pillow.alpha_composite(black, seen)
    return picture.convert("RGB")
