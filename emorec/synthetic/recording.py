"""Which recordings a synthetic set has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emorec.synthetic.plan import plan_text


@dataclass(frozen=True, slots=True, repr=False)
class RecordingPlan:
    """One recording of a synthetic set, fully decided: the same plan gives the same media.

    Attributes:
        id: File-name safe name, unique within the set: "s03-01".
        subject: Who is seen and heard: "s03".
        seconds: Length of the recording, 1..1800.
        seed: The seed of the whole set; looks and voices depend on it as well.
        voice_noise: Noise on the arousal that the voice shows, as a factor of arousal's own
            deviation, >= 0.
        face_noise: The same for the face and valence.
        identity: Scale of the differences between subjects in look and voice, from 0, none, to 2.
    """

    id: str
    subject: str
    seconds: float
    seed: int
    voice_noise: float
    face_noise: float
    identity: float = 1.0

    def __repr__(self) -> str:
        """Return the text that names folders; see `plan_text`."""
        return plan_text(self)


def plan_recordings(
    *,
    subjects: int = 9,
    takes: int = 1,
    seconds: float = 60.0,
    voice_noise: float = 0.5,
    face_noise: float = 0.5,
    identity: float = 1.0,
    seed: int = 0,
) -> list[RecordingPlan]:
    """Plan a set of subjects x takes recordings.

    Only the voice shows arousal and only the face shows valence, each with noise of its own;
    `ceiling` gives the best possible prediction. No argument affects the draws for another one,
    and a longer recording starts with the same ratings.

    Args:
        subjects: Number of subjects, 1..99.
        takes: Recordings of each subject, 1..99.
        seconds: Length of each recording, 1..1800.
        voice_noise: Noise on the arousal that the voice shows, finite and >= 0.
        face_noise: Noise on the valence that the face shows, finite and >= 0.
        identity: Scale of the differences between subjects in look and voice, 0..2.
        seed: Seed of the set.

    Returns:
        The plans, by subject, then take.

    Raises:
        ValueError: If an argument is out of its range.
    """
    for name, count in (("subjects", subjects), ("takes", takes)):
        if not 1 <= count <= 99:
            raise ValueError(f"{name} must be within 1..99, got {count}")
    if not 1.0 <= seconds <= 1800.0:
        raise ValueError(f"seconds must be within 1..1800, got {seconds}")
    for name, noise in (("voice_noise", voice_noise), ("face_noise", face_noise)):
        check_noise(name, noise)
    if not 0.0 <= identity <= 2.0:
        raise ValueError(f"identity must be within 0..2, got {identity}")
    return [
        RecordingPlan(
            id=f"s{number:02d}-{take:02d}",
            subject=f"s{number:02d}",
            seconds=float(seconds),
            seed=seed,
            voice_noise=float(voice_noise),
            face_noise=float(face_noise),
            identity=float(identity),
        )
        for number in range(1, subjects + 1)
        for take in range(1, takes + 1)
    ]


def check_noise(name: str, noise: float) -> None:
    """Raise ValueError if a noise is negative or not finite."""
    if not 0.0 <= noise < math.inf:
        raise ValueError(f"{name} must be finite and at least 0, got {noise}")
