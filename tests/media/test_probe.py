import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from emorec.media import MediaError, probe
from emorec.media.containers import open_container
from emorec.system.findings import Finding, FindingKind
from tests.helpers.media_files import (
    Picture,
    Sound,
    beep,
    empty_file,
    hide_start,
    text_file,
    times,
    tone,
    truncated,
    write_media,
    write_sound,
)


@pytest.mark.parametrize(
    ("name", "picture", "sound"),
    [
        ("clip.mp4", "libx264", "aac"),
        ("clip.mkv", "libx264", "flac"),
        ("clip.mov", "mpeg4", "pcm_s16le"),
        ("clip.webm", "libvpx", "libopus"),
    ],
)
def test_both_streams_cover_the_clip(tmp_path: Path, name: str, picture: str, sound: str) -> None:
    path = write_media(
        tmp_path / name,
        Picture(times(25), codec=picture, options={}),
        Sound(tone(48000, 1.0)[None], codec=sound),
    )
    media = probe(path)
    assert media.duration == pytest.approx(1.0, abs=0.03)
    assert media.video is not None
    assert media.audio is not None
    assert media.video.end == pytest.approx(1.0, abs=0.002)
    assert media.audio.end == pytest.approx(1.0, abs=0.03)
    assert media.findings == ()


def test_time_zero_is_the_earliest_stream_of_a_file_that_starts_late(tmp_path: Path) -> None:
    sound = Sound(tone(48000, 1.0)[None], codec="pcm_s16le", start=3.25)
    media = probe(write_media(tmp_path / "late.mkv", Picture(times(25, start=3.0)), sound))
    assert media.origin == pytest.approx(3.0, abs=1e-3)
    assert media.video is not None
    assert media.audio is not None
    assert (media.video.start, media.video.end) == pytest.approx((0.0, 1.0), abs=2e-3)
    assert (media.audio.start, media.audio.end) == pytest.approx((0.25, 1.25), abs=2e-3)
    assert media.duration == pytest.approx(1.25, abs=2e-3)


def test_time_zero_is_the_sound_where_the_picture_comes_later(tmp_path: Path) -> None:
    sound = Sound(tone(48000, 1.0)[None], codec="pcm_s16le")
    media = probe(write_media(tmp_path / "clip.mov", Picture(times(20, start=0.4)), sound))
    assert media.video is not None
    assert media.origin == 0
    assert media.video.start == pytest.approx(0.4, abs=2e-3)
    assert media.video.share(0.0, 0.5) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("name", ["sound.wav", "sound.flac"])
def test_a_sound_file_has_no_picture(tmp_path: Path, name: str) -> None:
    media = probe(write_sound(tmp_path / name, tone(16000, 0.43)[None], 16000))
    assert media.video is None
    assert media.audio is not None
    assert media.duration == media.audio.end == pytest.approx(0.43)


def test_a_container_with_one_stream_lacks_the_other(tmp_path: Path) -> None:
    silent = probe(write_media(tmp_path / "silent.mp4", Picture(times(10))))
    assert silent.audio is None
    assert silent.video is not None
    heard = probe(write_media(tmp_path / "heard.m4a", None, Sound(tone(48000, 1.0)[None])))
    assert heard.video is None
    assert heard.audio is not None


def test_frames_that_an_edit_list_hides_do_not_count(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mp4", Picture(times(50), options={"bf": "2"}))
    assert probe(path).duration == pytest.approx(2.0, abs=0.01)
    media = probe(hide_start(path, ticks=9600, milliseconds=1200))
    assert media.origin == pytest.approx(0.0, abs=1e-3)
    assert media.duration == pytest.approx(1.2, abs=0.01)


def test_the_cover_of_a_music_file_is_no_video(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "song.mp3",
        Picture([0.0], codec="mjpeg", pix_fmt="yuvj420p", options={}, is_cover=True),
        Sound(tone(48000, 1.0)[None], codec="libmp3lame"),
    )
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    media = probe(path)
    assert media.video is None
    assert media.duration == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.mp4", r"file not found \(.*missing\.mp4\)"),
        ("missing.wav", "file not found"),
        ("folder.mp4", "a directory"),
        ("empty.mp4", "empty file"),
        ("empty.wav", "empty file"),
        ("text.mp4", "not readable as media"),
        ("text.wav", "not readable as sound"),
    ],
)
def test_what_is_no_media_file_is_refused_with_its_reason(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    for make in (empty_file, text_file):
        for suffix in ("mp4", "wav"):
            make(tmp_path / f"{make.__name__.partition('_')[0]}.{suffix}")
    with pytest.raises(MediaError, match=words):
        probe(tmp_path / name)


def test_a_part_beyond_the_end_is_cut_and_reported(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", tone(8000, 2.0)[None], 8000))
    assert media.part(0.5, 2.1).findings == ()
    late = media.part(0.5, 5.0)
    assert late.duration == pytest.approx(1.5)
    assert late.findings == (Finding(FindingKind.ENDS_EARLY, detail="3.0"),)
    with pytest.raises(MediaError, match=r"no such part \(from 2 s on"):
        media.part(2.0, 3.0)


def test_an_error_is_brief_for_all_files_and_has_the_detail_of_one() -> None:
    error = MediaError("no such part", "from 3 s on")
    assert (str(error), error.brief, error.detail) == (
        "no such part (from 3 s on)",
        "no such part",
        "from 3 s on",
    )
    assert str(MediaError("empty file")) == "empty file"
    copy = pickle.loads(pickle.dumps(error))  # as it comes from a worker process
    assert (type(copy), copy.brief, copy.detail) == (MediaError, error.brief, error.detail)


def test_a_sound_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "nothing.wav", np.zeros((1, 0), np.float32))
    with pytest.raises(MediaError, match="no audio samples"):
        probe(path)


def test_a_truncated_file_ends_where_its_data_ends(tmp_path: Path) -> None:
    sound = Sound(beep(48000, 2.0, 0.3)[None], codec="pcm_s16le")
    path = write_media(tmp_path / "clip.mkv", Picture(times(50)), sound)
    media = probe(truncated(path, 0.5))
    assert 0.8 < media.duration < 1.2


def test_a_truncated_file_without_its_index_is_refused(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mp4", Picture(times(25)))
    with pytest.raises(MediaError, match="not readable as media"):
        probe(truncated(path, 0.5))


def test_share_is_the_covered_part_of_a_span(tmp_path: Path) -> None:
    span = probe(write_sound(tmp_path / "a.wav", tone(8000, 1.0)[None], 8000)).audio
    assert span is not None
    assert span.share(0.25, 0.75) == 1
    assert span.share(0.75, 1.25) == pytest.approx(0.5)
    assert span.share(1.5, 2.0) == 0


def test_a_file_is_read_once_as_long_as_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []

    def counted(path: Path) -> Any:
        opened.append(path)
        return open_container(path)

    monkeypatch.setattr(import_module("emorec.media.probe"), "open_container", counted)
    path = write_media(tmp_path / "a.mp4", Sound(tone(48000, 1.0)[None], codec="aac"))
    assert probe(path).part(0.2, 0.5).duration == pytest.approx(0.3)
    assert probe(path).part(0.1, 0.3).duration == pytest.approx(0.2)
    assert opened == [path]
    write_media(path, Sound(tone(48000, 2.0)[None], codec="aac"))
    assert probe(path).duration == pytest.approx(2.0, abs=0.03)
    path.write_bytes(b"something else")
    for _ in range(2):
        with pytest.raises(MediaError, match="not readable as media"):
            probe(path)
    monkeypatch.chdir(tmp_path)
    write_media(Path("a.mp4"), Sound(tone(48000, 1.0)[None], codec="aac"))
    assert probe(Path("a.mp4")).duration == pytest.approx(1.0, abs=0.03)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    with pytest.raises(MediaError, match="file not found"):
        probe(Path("a.mp4"))
