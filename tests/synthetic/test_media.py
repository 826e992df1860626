"""What generated clips show: intensity, identity and lips reach pictures and sound."""

import hashlib
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.synthetic import EMOTIONS, ClipPlan, plan_clips, render_frames, speak, write_clip
from emorec.synthetic.expression import EMOTION_UNITS, JAW_DROP, LIPS_PART, express
from emorec.synthetic.looks import Look, draw_background, draw_look
from emorec.synthetic.voice import SAMPLE_RATE, Voice, draw_voice

SUBJECTS = [f"s{number:02d}" for number in range(1, 13)]
STILL = np.zeros(2, np.float32)
# As they were before intensities and identities were added.
LOOK = Look(
    skin=(0.9733948574533745, 0.897134823912992, 0.8140048071428008),
    hair=(1.0591271749781863, 1.151225190193681, 1.4735682434479118),
    clothes=(188.675649576682, 54.622823345857, 137.89214423834318),
    stubble=0.23359775190224813,
    brow=1.5758269282854087,
    lips=1.0150175749700927,
    width=1.006375238428896,
    height=0.985760856574444,
    jaw=3.3598205714651925,
    eye_gap=1.2395247631217092,
    nose=-2.7476261685120678,
    mouth=2.180911597828624,
    mirrored=True,
    size=1.1753770127022432,
)
VOICE = Voice(
    pitch=151.16089299157946,
    tract=0.9869906171819605,
    timbre=-0.0015682116774513588,
    gain=1.2380105509871386,
    habit=0.0434206967088325,
)
PICTURE, SOUND = 94.69505615234375, 200.0310516357422  # mean of a frame, sum of 0.1 s


def plan(emotion: str = "anger", **changes: Any) -> ClipPlan:
    """Return a clip that shows its emotion by face and voice."""
    plans = plan_clips(subjects=1, takes=1, face_reliability=1, voice_reliability=1)
    return replace(next(each for each in plans if each.emotion == emotion), **changes)


def picture(clip: ClipPlan) -> np.ndarray:
    """Return the second frame of a clip that is silent, float64 (height, width, 3)."""
    return list(render_frames(clip, STILL))[1].astype(np.float64)


def sound(clip: ClipPlan, seconds: float = 0.5) -> np.ndarray:
    return speak(clip, int(seconds * SAMPLE_RATE))[0]


def looks(identity: float) -> np.ndarray:
    """Return the numbers of each subject's look, float64 (subjects, numbers)."""
    drawn = [astuple(draw_look(0, subject, identity)) for subject in SUBJECTS]
    return np.array([[float(x) for x in np.hstack(look)] for look in drawn])


def voices(identity: float) -> np.ndarray:
    """Return the numbers of each subject's voice, float64 (subjects, numbers)."""
    return np.array([astuple(draw_voice(0, subject, identity)) for subject in SUBJECTS])


def test_media_of_the_defaults_are_what_they_were_before_the_options() -> None:
    assert draw_look(0, "s03") == LOOK
    assert astuple(draw_voice(0, "s03")) == pytest.approx(astuple(VOICE), rel=1e-14)
    samples, _ = speak(plan(), 4800)
    # Other versions of scipy and OpenCV round differently.
    assert float(np.abs(samples).sum()) == pytest.approx(SOUND, rel=1e-4)
    assert float(picture(plan()).mean()) == pytest.approx(PICTURE, rel=1e-4)


def test_a_clip_is_written_the_same_twice(tmp_path: Path) -> None:
    clip = plan(
        "fear", seconds=0.4, face_intensity=0.4, voice_intensity=0.6, identity=2.0, lip_sync=False
    )
    digests = set()
    for name in ("a.mp4", "b.mp4"):
        write_clip(clip, tmp_path / name)
        digests.add(hashlib.blake2b((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_units_are_linear_in_the_intensity(emotion: str) -> None:
    times = np.arange(10) / 25
    speech = np.linspace(0, 1, 10, dtype=np.float32)

    def units(intensity: float) -> np.ndarray:
        frames = express(emotion, speech, times, np.random.default_rng(5), intensity)
        names = sorted(set(EMOTION_UNITS[emotion]) | set(frames[0]))
        return np.array([[frame.get(unit, 0.0) for unit in names] for frame in frames])

    np.testing.assert_allclose(units(0.5), (units(0.0) + units(1.0)) / 2, atol=1e-9)
    # Without intensity nothing is left of the emotion: the mouth moves as that of a neutral face.
    weak = express(emotion, speech, times, np.random.default_rng(5), 0.0)
    rest = express("neutral", speech, times, np.random.default_rng(5))
    for unit in (LIPS_PART, JAW_DROP):
        assert [frame[unit] for frame in weak] == pytest.approx([frame[unit] for frame in rest])


@pytest.mark.parametrize("emotion", ["anger", "surprise"])
def test_a_stronger_face_is_further_from_neutral(emotion: str) -> None:
    none, weak, half, full = (
        picture(plan(emotion, face_intensity=level)) for level in (1e-6, 0.25, 0.5, 1.0)
    )
    distances = [float(np.abs(face - none).mean()) for face in (weak, half, full)]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_a_stronger_voice_is_further_from_neutral() -> None:
    def energy(level: float) -> float:
        """Return the mean of 12 clips, dB; each clip adds its own noise of about 1 dB."""
        clips = [plan("anger", voice_intensity=level, id=f"clip{i}") for i in range(12)]
        return float(np.mean([10 * np.log10(np.mean(sound(clip) ** 2)) for clip in clips]))

    none, half, full = energy(1e-6), energy(0.5), energy(1.0)
    assert 3 < full - none < 7  # anger is louder by 5 dB
    assert half - none == pytest.approx((full - none) / 2, abs=0.6)


def test_an_intensity_changes_its_own_modality_alone() -> None:
    usual, weak_voice = plan(), plan(voice_intensity=0.2)
    assert (picture(usual) == picture(weak_voice)).all()
    assert (sound(usual) == sound(plan(face_intensity=0.2))).all()
    assert (sound(usual) != sound(weak_voice)).any()


def test_without_identity_all_look_and_sound_alike() -> None:
    assert np.ptp(looks(0.0), axis=0).max() == 0
    assert np.ptp(voices(0.0), axis=0).max() == 0
    walls = [draw_background(0, subject, (20, 16), 0.0) for subject in SUBJECTS]
    assert np.ptp(np.stack(walls), axis=0).max() == 0
    one, two = plan(identity=0.0), plan(identity=0.0, subject="s02")
    assert (picture(one) == picture(two)).all()
    assert (sound(one) == sound(two)).all()


def test_subjects_differ_more_the_larger_the_identity() -> None:
    for draw in (looks, voices):
        spread = np.stack([draw(identity).std(axis=0) for identity in (0.0, 0.5, 1.0, 1.5, 2.0)])
        # Colours reach the limits of what can be shown; nothing else is clamped.
        assert (np.diff(spread, axis=0) >= -1e-9).all()
        assert (spread[-1] > 1.2 * spread[2]).mean() > 0.9
    pitch = [np.ptp(np.log(voices(identity)[:, 0])) for identity in (1.0, 2.0)]
    assert pitch[1] == pytest.approx(2 * pitch[0])


def test_the_largest_identity_stays_possible() -> None:
    fields = dict(zip(Voice.__slots__, voices(2.0).T, strict=True))
    assert 70 < fields["pitch"].min() < fields["pitch"].max() < 350
    assert 0.7 < fields["tract"].min() < fields["tract"].max() < 1.35
    for subject in SUBJECTS:
        look = draw_look(0, subject, 2.0)
        assert 0 <= min(look.clothes) <= max(look.clothes) <= 255
        assert min(*look.skin, *look.hair, look.brow, look.lips, look.width, look.height) > 0.15
        assert 0 <= look.stubble <= 0.7
        samples = sound(plan(subject=subject, identity=2.0))
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() < 0.95


def test_lips_that_do_not_follow_the_voice_leave_it_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mouths: dict[str, np.ndarray] = {}
    heard: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def render(clip: ClipPlan, mouth: np.ndarray) -> Any:
        mouths[name] = mouth
        return render_frames(clip, mouth)

    monkeypatch.setattr("emorec.synthetic.write.render_frames", render)
    clips = {
        "synced": plan(seconds=1.0),
        "free": plan(seconds=1.0, lip_sync=False),
        "free, weak voice": plan(seconds=1.0, lip_sync=False, voice_intensity=0.1),
    }
    for name, clip in clips.items():
        write_clip(clip, tmp_path / "clip.mp4")
        heard[name] = speak(clip, SAMPLE_RATE)
    assert (heard["synced"][0] == heard["free"][0]).all()
    frames = heard["synced"][1].reshape(25, -1).mean(axis=1)
    assert (mouths["synced"] == frames).all()
    assert abs(np.corrcoef(mouths["free"], frames)[0, 1]) < 0.5
    # The face must not tell how strong the voice is, not even by the speed of its lips.
    assert (mouths["free"] == mouths["free, weak voice"]).all()
