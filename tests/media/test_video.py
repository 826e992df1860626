from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emorec.media import KeyFrames, Media, probe, read_key_frames
from tests.helpers.media_files import (
    Image,
    Picture,
    Sound,
    bars,
    hide_start,
    read_bars,
    spoiled,
    times,
    tone,
    truncated,
    turn_clockwise,
    write_media,
)

VARIABLE = [0.0, 0.1, 0.15, 0.7, 0.71, 1.4, 1.8]


def numbers(frames: KeyFrames) -> list[int]:
    """Return the number of the frame that each time got."""
    return [read_bars(frames.images[i]) for i in frames.of]


@pytest.fixture(scope="module")
def variable(tmp_path_factory: pytest.TempPathFactory) -> Media:
    path = tmp_path_factory.mktemp("video") / "variable.mp4"
    return probe(write_media(path, Picture(VARIABLE)))


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("h264.mp4", Picture(times(40))),
        ("h264_b_frames.mp4", Picture(times(40), options={"bf": "3"})),
        ("ten_bits.mp4", Picture(times(40), pix_fmt="yuv420p10le")),
        ("full_chroma.mkv", Picture(times(40), pix_fmt="yuv444p")),
        ("grey.mkv", Picture(times(40), codec="ffv1", pix_fmt="gray", options={})),
        ("vp8.webm", Picture(times(40), codec="libvpx", options={"cpu-used": "8"})),
        ("mpeg4.avi", Picture(times(40), codec="mpeg4", tick=Fraction(1, 25), options={})),
        (
            "mpeg4_b_frames.avi",
            Picture(times(40), codec="mpeg4", tick=Fraction(1, 25), options={"bf": "2"}),
        ),
        ("transport.ts", Picture(times(40))),
    ],
)
def test_each_time_gets_its_frame_in_every_container(
    tmp_path: Path, name: str, picture: Picture
) -> None:
    media = probe(write_media(tmp_path / name, picture))
    wanted = [0, 1, 7, 13, 28, 39]
    frames = read_key_frames(media, [i / 25 + 0.01 for i in wanted])
    assert numbers(frames) == wanted
    assert frames.times == pytest.approx([i / 25 for i in wanted], abs=2e-3)
    assert frames.damaged == 0
    assert frames.images[0].shape == (120, 160, 3)
    assert frames.images[0].dtype == np.uint8


@pytest.mark.parametrize("name", ["variable.mp4", "variable.mkv"])
def test_variable_frame_rate_goes_by_presentation_time(tmp_path: Path, name: str) -> None:
    media = probe(write_media(tmp_path / name, Picture(VARIABLE)))
    frames = read_key_frames(media, [0.05, 0.12, 0.69, 0.705, 1.39, 1.41])
    assert numbers(frames) == [0, 1, 2, 3, 4, 5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(asked=st.lists(st.floats(-1.0, 3.0), min_size=1, max_size=8))
def test_the_frame_on_screen_is_the_last_that_has_started(
    variable: Media, asked: list[float]
) -> None:
    frames = read_key_frames(variable, asked)
    assert numbers(frames) == [max(0, sum(start <= t for start in VARIABLE) - 1) for t in asked]


def test_a_frame_is_on_screen_from_its_very_time_on(tmp_path: Path) -> None:
    picture = Picture(times(16, rate=8), tick=Fraction(1, 8192))
    media = probe(write_media(tmp_path / "clip.mp4", picture))
    asked = [1.0, np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0)]
    assert numbers(read_key_frames(media, asked)) == [8, 7, 8]


def test_frames_are_kept_once_and_times_may_come_in_any_order(variable: Media) -> None:
    frames = read_key_frames(variable, [1.5, 0.3, 0.2, 9.0, 0.69, 1.45])
    assert numbers(frames) == [5, 2, 2, 6, 2, 5]
    assert [read_bars(image) for image in frames.images] == [2, 5, 6]
    assert frames.times == pytest.approx([0.15, 1.4, 1.8], abs=1e-3)


def test_before_the_first_and_after_the_last_frame_these_are_shown(tmp_path: Path) -> None:
    sound = Sound(tone(48000, 2.0)[None], codec="pcm_s16le")
    path = write_media(tmp_path / "clip.mov", Picture(times(25, start=0.4)), sound)
    assert numbers(read_key_frames(probe(path), [0.0, 0.39, 0.45, 1.99])) == [0, 0, 1, 24]


def test_times_count_from_the_earliest_stream(tmp_path: Path) -> None:
    picture = Picture(times(25, start=5.5))
    sound = Sound(tone(48000, 2.0)[None], codec="pcm_s16le", start=5.0)
    media = probe(write_media(tmp_path / "clip.mkv", picture, sound))
    frames = read_key_frames(media, [0.51, 1.01])
    assert numbers(frames) == [0, 12]
    assert frames.times == pytest.approx([0.5, 0.98], abs=2e-3)


def test_hidden_frames_of_an_edit_list_are_not_on_screen(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mp4", Picture(times(50), options={"bf": "2"}))
    media = probe(hide_start(path, ticks=9600, milliseconds=1200))
    assert numbers(read_key_frames(media, [0.01, 0.21, 1.17])) == [20, 25, 49]


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    path = write_media(tmp_path / "phone.mp4", Picture(times(10)))
    frames = read_key_frames(probe(turn_clockwise(path)), [0.21])
    assert frames.images[0].shape == (160, 120, 3)
    assert read_bars(np.rot90(frames.images[0], 1)) == 5
    assert read_bars(np.rot90(frames.images[0], -1)) != 5


def test_colours_come_in_the_order_red_green_blue(tmp_path: Path) -> None:
    def paint(number: int) -> Image:
        image = bars(0)
        image[:] = (220, 120, 30)
        return image

    media = probe(write_media(tmp_path / "colour.mp4", Picture(times(5), draw=paint)))
    middle = read_key_frames(media, [0.1]).images[0][60, 80]
    assert np.abs(middle.astype(int) - (220, 120, 30)).max() < 15


def test_the_readable_part_of_a_truncated_file_is_used(tmp_path: Path) -> None:
    sound = Sound(tone(48000, 2.0)[None], codec="pcm_s16le")
    path = write_media(tmp_path / "clip.mkv", Picture(times(50)), sound)
    frames = read_key_frames(probe(truncated(path, 0.5)), [0.01, 0.41, 1.9])
    assert numbers(frames)[:2] == [0, 10]
    assert 15 < numbers(frames)[2] < 35


def test_packets_that_cannot_be_decoded_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mp4", Picture(times(50)))
    frames = read_key_frames(probe(spoiled(path, 0.5, 0.6)), [0.01, 0.21, 0.41, 1.99])
    assert frames.damaged > 0
    assert numbers(frames)[:3] == [0, 5, 10]
    assert len(frames.of) == 4
