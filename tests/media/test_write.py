"""Writing: what is written can be read back, and a file is complete or absent."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emorec.media import iter_frames, open_writer, probe, read_blocks, read_comment
from emorec.media.channels import Samples
from tests.helpers.media_files import bars, beep, delay, read_bars

RATE = 48000


def write(path: Path, sound: Samples, pictures: int, comment: str = "") -> None:
    with open_writer(path, "mp4", comment) as writer:
        shown = writer.add_pictures("libx264", (160, 120), Fraction(1, 1000), options={})
        heard = writer.add_sound("aac", RATE)
        for number in range(pictures):
            shown.add(bars(number), 30 + 100 * number)
        for at in range(0, len(sound), 1000):
            heard.add(sound[at : at + 1000], at)
        shown.end()
        heard.end()


def test_pictures_and_sound_are_read_again_when_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a:b.mp4"  # no address
    sound = beep(RATE, 1.0, 0.4)
    write(path, sound, 9, "made up")
    media = probe(path)
    found = [
        (round(time + media.origin, 3), read_bars(image)) for time, image in iter_frames(media)
    ]
    assert found == [(round(0.03 + 0.1 * number, 3), number) for number in range(9)]
    wave = np.concatenate([block for _, block in read_blocks(media, RATE)])
    assert abs(delay(wave, sound)) <= 1
    assert read_comment(path) == "made up"
    write(path, sound, 9)
    assert read_comment(path) is None
    path.write_text("something else")
    assert read_comment(path) is None


def test_what_fails_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"before")

    def fail() -> None:
        with open_writer(path, "mp4") as writer:
            shown = writer.add_pictures("libx264", (160, 120), Fraction(1, 25), options={})
            for number in range(60):
                shown.add(bars(number), number)
            assert len(list(tmp_path.iterdir())) == 2
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"before"]
