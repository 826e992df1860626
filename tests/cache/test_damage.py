"""Media files with bytes overwritten, cut out or cut off: no crash, no hang, no wrong shape."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from emorec.cache.entry import make_entry
from emorec.extractors import Extractor, FaceCrops, LogMel
from emorec.types import Clip
from emorec.windows import RandomWindows
from tests.helpers.media_files import Picture, Sound, write_media, write_sound
from tests.helpers.talking import VIDEO, VOICE, in_channels

VARIANTS = int(os.environ.get("EMOREC_DAMAGE", "12"))  # of each kind
KINDS: dict[str, tuple[Picture | Sound, ...]] = {
    "a.mp4": (VIDEO, VOICE),
    "a.mkv": (VIDEO, VOICE),
    "a.avi": (VIDEO, in_channels(2, 44100, "pcm_s16le")),
    "a.ts": (VIDEO, VOICE),
    "a.wav": (),
    "a.flac": (),
}


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Return the bytes of a file after one random accident."""
    spoiled = bytearray(data)
    kind = draw.choice(("bytes", "block", "cut out", "cut off", "header"))
    if kind == "cut off":
        return bytes(spoiled[: draw.randrange(len(data))])
    if kind == "cut out":
        start = draw.randrange(len(data))
        del spoiled[start : start + draw.randrange(1, len(data) // 4)]
    elif kind == "block":
        start = draw.randrange(len(data))
        length = min(draw.randrange(1, 4096), len(data) - start)
        spoiled[start : start + length] = draw.randbytes(length)
    else:
        reach = 512 if kind == "header" else len(data)
        for _ in range(draw.randrange(1, 40)):
            spoiled[draw.randrange(min(reach, len(data)))] = draw.randrange(256)
    return bytes(spoiled)


@pytest.fixture(scope="module")
def extractors() -> dict[str, Extractor]:
    return {"audio": LogMel(sample_rate=16000), "face": FaceCrops(size=64)}


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_as_far_as_it_goes_or_skipped(
    name: str, tmp_path: Path, extractors: dict[str, Extractor]
) -> None:
    whole = tmp_path / name
    if KINDS[name]:
        write_media(whole, *KINDS[name])
    else:
        write_sound(whole, VOICE.samples)
    data, draw = whole.read_bytes(), random.Random(name)
    statuses = []
    for number in range(VARIANTS):
        path = tmp_path / f"{number}{whole.suffix}"
        path.write_bytes(damaged(data, draw))
        clip = Clip("clip", Path(path.name))
        entry, arrays = make_entry(clip, tmp_path, RandomWindows(4), extractors)
        path.unlink()
        statuses.append(entry.status)
        if entry.status == "skipped":
            assert entry.reason
            assert "unexpected" not in entry.reason, entry.reason
            assert "took longer" not in entry.reason
            assert not arrays
            continue
        assert sum(map(sum, entry.present.values())) > 0
        for modality, array in arrays.items():
            extractor = extractors[modality]
            assert array.shape == (4, *extractor.shape)
            assert array.dtype == extractor.dtype
            assert np.isfinite(array).all()
    assert "ok" in statuses
