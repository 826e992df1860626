"""The sound of a clip far into a recording: decoding near it, and from the start of the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from emorec.media import probe, read_windows
from emorec.media import samples as samples_module
from emorec.types import Window
from tests.helpers.media_files import Sound, write_media

MINUTES, RATE = 20, 44100


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 60 * MINUTES * RATE))
    sound = Sound(noise.astype(np.float32), RATE, "aac")
    return write_media(tmp_path_factory.mktemp("sound") / "long.m4a", sound)


@pytest.mark.benchmark(group="sound of the last minute of twenty")
@pytest.mark.parametrize("side", ["near", "from the start"])
def test_half_a_second(
    side: Literal["near", "from the start"],
    path: Path,
    benchmark: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if side == "from the start":
        monkeypatch.setattr(samples_module, "FAR", float("inf"))
    media = probe(path)
    start = 60.0 * MINUTES - 10
    benchmark(read_windows, media, [Window(start, start + 0.5)], 16000)
