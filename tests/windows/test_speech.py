"""Windows in speech: found by the real detector in the synthetic voice."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from emorec.cache.entry import make_entry
from emorec.errors import UserError
from emorec.extractors import LogMel
from emorec.media import probe
from emorec.synthetic import plan_clips
from emorec.synthetic.voice import SAMPLE_RATE, speak
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip
from emorec.windows import RandomWindows, SpeechWindows
from tests.helpers.media_files import Picture, Samples, Sound, times, write_media, write_sound


def spoken(*parts: float) -> Samples:
    """Return one channel: seconds of silence, of speech, of silence, of speech, ..."""
    plan = plan_clips(subjects=3, takes=1)[6]
    voice, _ = speak(plan, 10 * SAMPLE_RATE)
    pieces = []
    for number, seconds in enumerate(parts):
        length = round(seconds * SAMPLE_RATE)
        pieces.append(voice[:length] if number % 2 else np.zeros(length))
    return np.concatenate(pieces).astype(np.float32)[None]


def test_the_middle_of_each_window_is_spoken(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", spoken(2, 1.5, 3, 1.5, 2), SAMPLE_RATE))
    windows, findings = SpeechWindows(count=200).cut("a", media)
    assert findings == []
    assert len(windows) == 200
    middles = np.array([window.middle for window in windows])
    first, second = abs(middles - 2.75) < 0.9, abs(middles - 7.25) < 0.9
    assert (first | second).all()
    assert 50 < first.sum() < 150
    assert all(w.start >= 0 and w.end <= media.duration for w in windows)
    assert SpeechWindows(count=200).cut("a", media)[0] == windows
    assert SpeechWindows(count=200, seed=1).cut("a", media)[0] != windows


def test_speech_beyond_the_first_block_is_found(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", spoken(70, 1.5, 60), SAMPLE_RATE))
    windows, _ = SpeechWindows(count=50).cut("a", media)
    assert all(abs(window.middle - 70.75) < 0.9 for window in windows)


def test_without_the_detector_it_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emorec.windows.speech.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "emorec\[speech\]"'):
        SpeechWindows()


def test_times_count_from_the_origin_of_the_clip(tmp_path: Path) -> None:
    late = Sound(spoken(1, 1.5, 1), SAMPLE_RATE, start=2.0)
    media = probe(write_media(tmp_path / "a.mkv", Picture(times(140)), late))
    windows, _ = SpeechWindows(count=50).cut("a", media)
    assert all(abs(window.middle - 3.75) < 0.9 for window in windows)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("silent.wav", FindingKind.NO_SPEECH),
        ("mute.mp4", FindingKind.NO_SOUND_FOR_SPEECH),
    ],
)
def test_without_speech_windows_lie_anywhere_and_it_is_reported(
    tmp_path: Path, name: str, kind: FindingKind
) -> None:
    path = tmp_path / name
    if name == "mute.mp4":
        write_media(path, Picture(times(75)))
    else:
        write_sound(path, np.zeros((1, 3 * SAMPLE_RATE), np.float32), SAMPLE_RATE)
    media = probe(path)
    windows, findings = SpeechWindows().cut("a", media)
    assert windows == RandomWindows()("a", media.duration)
    assert findings == [Finding(kind, "sound")]


def test_a_speech_shorter_than_a_window_at_the_edges_of_a_clip(tmp_path: Path) -> None:
    media = probe(write_sound(tmp_path / "a.wav", spoken(0, 0.45), SAMPLE_RATE))
    windows, _ = SpeechWindows(count=5).cut("a", media)
    assert [window.start for window in windows] == [0.0] * 5


def test_it_goes_to_worker_processes_and_what_it_finds_into_the_record(tmp_path: Path) -> None:
    windows = SpeechWindows(count=4)
    path = write_sound(tmp_path / "a.wav", spoken(1, 1.5, 1), SAMPLE_RATE)
    windows.cut("a", probe(path))
    copy = pickle.loads(pickle.dumps(windows))
    assert copy.cut("a", probe(path)) == windows.cut("a", probe(path))
    quiet = write_sound(tmp_path / "b.wav", 1e-3 * np.ones((1, SAMPLE_RATE), np.float32))
    entry, _ = make_entry(Clip("b", Path("b.wav")), quiet.parent, windows, {"audio": LogMel()})
    assert Finding(FindingKind.NO_SPEECH, "sound") in entry.findings
