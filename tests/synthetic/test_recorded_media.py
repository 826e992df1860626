"""Media of recordings: the voice follows arousal, the face valence, and neither the other."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from emorec.synthetic import (
    Affect,
    RecordingPlan,
    affect,
    plan_recordings,
    render_recording,
    speak_course,
    write_recording,
    write_trace,
)
from emorec.synthetic.expression import BLINK, JAW_DROP
from emorec.synthetic.recorded_face import express_course, talk_unheard
from emorec.synthetic.syllables import lay_syllables
from emorec.synthetic.voice import SAMPLE_RATE, draw_voice

FRAME = SAMPLE_RATE // 25


def plan(**changes: Any) -> RecordingPlan:
    """Return a recording of 2 s that shows arousal and valence without noise."""
    first = plan_recordings(subjects=1, seconds=2, voice_noise=0, face_noise=0)[0]
    return replace(first, **changes)


def voice(level: float, seconds: float = 4, **changes: Any) -> np.ndarray:
    """Return the sound of a course that stays at a level, float32 (samples,)."""
    course = np.full(round(seconds * 25), level)
    return speak_course(plan(**changes), course, len(course) * FRAME)


def correlation(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.corrcoef(one, two)[0, 1])


def decibels(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2)))


def pitch(sound: np.ndarray) -> float:
    """Return the median f0 of 85 ms pieces by their autocorrelation, Hz."""
    lags = np.arange(130, 800)
    pieces = sound[: len(sound) // 4096 * 4096].reshape(-1, 4096) * np.hanning(4096)
    power = np.abs(np.fft.rfft(pieces, 8192)) ** 2
    likeness = np.fft.irfft(power)[:, lags]
    return float(np.median(SAMPLE_RATE / lags[likeness.argmax(axis=1)]))


def sharpness(sound: np.ndarray) -> float:
    """Return how much of the energy is within 1..2 kHz, dB; above, consonants hiss."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    low, high = (round(hertz * len(sound) / SAMPLE_RATE) for hertz in (1000, 2000))
    return float(10 * np.log10(power[low:high].sum() / power.sum()))


def test_a_voice_is_the_same_twice_and_stays_in_range() -> None:
    course = affect(plan()).voice
    one, two = (speak_course(plan(), course, 50 * FRAME) for _ in range(2))
    assert one.dtype == np.float32
    assert one.shape == (50 * FRAME,)
    assert (one == two).all()
    for level in (-5.0, 5.0):  # limited to -1..1
        sound = voice(level, 2, identity=2.0)
        assert (sound == voice(np.sign(level), 2, identity=2.0)).all()
        assert np.abs(sound).max() < 0.95
        assert 0.005 < sound.std() < 0.2


def test_a_voice_is_higher_louder_and_brighter_the_more_it_shows() -> None:
    sounds = [voice(level, 8) for level in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    semitones = 12 * np.log2([pitch(sound) for sound in sounds])
    assert semitones - semitones[2] == pytest.approx([-6, -3, 0, 3, 6], abs=0.8)
    loudness = np.array([decibels(sound) for sound in sounds])
    assert loudness - loudness[2] == pytest.approx([-8, -4, 0, 4, 8], abs=0.8)
    assert sharpness(sounds[-1]) - sharpness(sounds[0]) > 1.5
    assert semitones[2] == pytest.approx(12 * np.log2(draw_voice(0, "s01").pitch), abs=0.8)


def test_an_aroused_voice_has_more_syllables(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def lay(*given: Any) -> Any:
        counts.append(len(syllables := lay_syllables(*given)))
        return syllables

    monkeypatch.setattr("emorec.synthetic.recorded_voice.lay_syllables", lay)
    for level in (-1.0, 0.0, 1.0):
        voice(level, 10)
    assert np.diff(np.log2(counts)) == pytest.approx([0.35, 0.35], abs=0.12)


def test_loudness_follows_the_course_of_the_voice_alone() -> None:
    recording = plan(seconds=20.0, voice_noise=0.5, face_noise=0.5)
    shown = affect(recording)
    sound = speak_course(recording, shown.voice, 500 * FRAME)
    loudness = np.array([decibels(part) for part in sound.reshape(20, -1)])  # a second each
    assert correlation(loudness, shown.voice.reshape(20, -1).mean(axis=1)) > 0.9
    assert (sound == speak_course(replace(recording, face_noise=2.0), shown.voice, 960000)).all()


def test_noise_does_not_make_the_voice_exceed_its_range() -> None:
    course = np.linspace(-0.9, 0.9, 50)
    quiet = speak_course(plan(), course / np.hypot(1, 0.75), 50 * FRAME)
    scaled = speak_course(plan(voice_noise=0.75), course, 50 * FRAME)
    np.testing.assert_allclose(scaled, quiet, atol=1e-4)


def test_a_course_shorter_than_the_sound_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3840 samples need 2\.0 frames, got 1"):
        speak_course(plan(), np.zeros(1), 2 * FRAME)


def units(recording: RecordingPlan, course: np.ndarray) -> list[dict[int, float]]:
    times = np.arange(len(course)) / 25
    return list(express_course(recording, course, times, np.random.default_rng(0)))


def test_units_are_linear_in_the_course_and_it_alone_moves_them() -> None:
    course = np.linspace(-1, 1, 41)
    face = units(plan(identity=0.0), course)
    for unit, size in ((12, 1.3), (6, 1.04)):
        assert [f.get(unit, 0) for f in face] == pytest.approx(size * np.clip(course, 0, 1))
    for unit, size in ((15, 1.3), (1, 1.04), (4, 0.39), (17, 0.78)):
        assert [f.get(unit, 0) for f in face] == pytest.approx(size * np.clip(-course, 0, 1))
    still = units(plan(identity=0.0), np.zeros(41))
    for unit in (JAW_DROP, BLINK):
        assert [f[unit] for f in face] == [f[unit] for f in still]
    assert units(plan(identity=1.0), np.zeros(1)) != units(plan(identity=0.0), np.zeros(1))


def test_lips_talk_but_not_with_the_voice() -> None:
    plans = plan_recordings(subjects=30)
    mouths = np.stack([talk_unheard(each, 1500) for each in plans])
    assert mouths.min() >= 0
    assert mouths.max() <= 1
    assert mouths.std(axis=1).min() > 0.2
    voices = np.stack([affect(each).voice for each in plans]).reshape(30, 60, 25).mean(axis=2)
    seconds = mouths.reshape(30, 60, 25)
    for measure in (seconds.mean(axis=2), np.abs(np.diff(seconds)).mean(axis=2)):
        assert abs(correlation(measure.ravel(), voices.ravel())) < 0.1  # 4 standard errors


def test_pixels_tell_what_the_face_shows() -> None:
    def seen(recording: RecordingPlan, course: np.ndarray) -> np.ndarray:
        """Return the lower face in 16 x 16 grey pixels, float64 (frames, 256)."""
        faces = []
        for rgb in render_recording(recording, course):
            middle = rgb.shape[1] // 2
            grey = cv2.cvtColor(rgb[100:200, middle - 50 : middle + 50], cv2.COLOR_RGB2GRAY)
            faces.append(cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).ravel())
        return np.array(faces, dtype=np.float64)

    course = np.random.default_rng(0).uniform(-1, 1, 160)  # no two frames alike
    pixels = seen(plan(), course)
    train, test = slice(0, 120), slice(120, 160)
    mean = pixels[train].mean(axis=0)
    gram = (pixels[train] - mean) @ (pixels[train] - mean).T + 1000 * np.eye(120)
    weights = (pixels[train] - mean).T @ np.linalg.solve(gram, course[train])
    assert correlation((pixels[test] - mean) @ weights, course[test]) > 0.85


def test_frames_are_the_same_twice_and_equally_large() -> None:
    one, two = (np.stack(list(render_recording(plan(), np.zeros(3)))) for _ in range(2))
    assert one.shape in ((3, 256, 288, 3), (3, 256, 320, 3))
    assert one.dtype == np.uint8
    assert (one == two).all()


def test_neither_modality_is_touched_by_the_other_dimension(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[np.ndarray, np.ndarray]] = []

    def keep(_: Any, frames: Iterable[np.ndarray], sound: np.ndarray, path: Path) -> None:
        written.append((np.stack(list(frames)), sound))
        path.touch()

    monkeypatch.setattr("emorec.synthetic.write.encode", keep)
    usual = affect(plan(seconds=1.0))
    other = Affect(*(-course for course in usual))
    for shown in (
        usual,
        usual._replace(arousal=other.arousal, voice=other.voice),
        usual._replace(valence=other.valence, face=other.face),
    ):
        monkeypatch.setattr("emorec.synthetic.write.affect", lambda _, shown=shown: shown)
        write_recording(plan(seconds=1.0), tmp_path / "a.mp4")
    (frames, sound), (same_frames, other_sound), (other_frames, same_sound) = written
    assert (frames == same_frames).all()
    assert (sound == same_sound).all()
    assert (frames != other_frames).any()
    assert (sound != other_sound).any()


def test_a_recording_is_a_media_file_written_the_same_twice(tmp_path: Path) -> None:
    digests = set()
    for name in ("a.mp4", "b.mp4"):
        write_recording(plan(), tmp_path / name)
        digests.add(hashlib.blake2b((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]
    with av.open(str(tmp_path / "a.mp4")) as media:
        video, audio = media.streams.video[0], media.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert video.average_rate == 25
        assert audio.rate == SAMPLE_RATE
        assert sum(1 for _ in media.decode(video=0)) == 50
    with av.open(str(tmp_path / "a.mp4")) as media:
        heard = sum(frame.samples for frame in media.decode(audio=0))
        assert heard == pytest.approx(2 * SAMPLE_RATE, abs=2048)
        assert media.duration is not None
        assert media.duration / 1e6 == pytest.approx(2, abs=0.05)


def test_an_unknown_container_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"container must be one of \['avi', 'mp4'\], got 'ogg'"):
        write_recording(plan(), tmp_path / "a.ogg", container="ogg")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_recording_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Iterator[np.ndarray]:
        yield from np.zeros((40, 256, 288, 3), np.uint8)
        (begun,) = tmp_path.iterdir()
        assert begun.match(".a.*.mp4")
        raise OSError("no space")

    monkeypatch.setattr("emorec.synthetic.write.render_recording", fail)
    with pytest.raises(OSError, match="no space"):
        write_recording(plan(), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_trace_has_a_row_for_each_frame(tmp_path: Path) -> None:
    recording, path = plan(seconds=2.4), tmp_path / "a.csv"
    write_trace(recording, path)
    lines = path.read_text().splitlines()
    assert lines[0] == "time,arousal,valence"
    assert lines[1].startswith("0.000000,")
    table = np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])
    gold = affect(recording)
    assert table.shape == (60, 3)
    np.testing.assert_allclose(table[:, 0], 0.04 * np.arange(60), atol=1e-9)
    np.testing.assert_allclose(table[:, 1], gold.arousal, atol=6e-7)
    np.testing.assert_allclose(table[:, 2], gold.valence, atol=6e-7)
    assert list(tmp_path.iterdir()) == [path]
