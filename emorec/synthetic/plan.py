"""Which clips a synthetic set has, and what each of them shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The six classes; "neutral" is what an erased modality shows, never a label."""

_AVI_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """One clip of a synthetic set, fully decided: the same plan gives the same media.

    Attributes:
        id: File-name safe name, unique within the set: "s03-happiness-02".
        emotion: The label, one of `EMOTIONS`.
        subject: Who is seen and heard: "s03".
        take: Repetition of this emotion by this subject, from 1.
        face_shows: Whether the face shows `emotion` (otherwise it is neutral).
        voice_shows: Whether the voice shows `emotion` (otherwise it is neutral).
        seconds: Length of the clip, > 0.
        container: "mp4" (h264 + aac) or "avi" (mpeg4 + pcm_s16le).
        seed: The seed of the whole set; looks and voices depend on it as well.
    """

    id: str
    emotion: str
    subject: str
    take: int
    face_shows: bool
    voice_shows: bool
    seconds: float
    container: str
    seed: int


def stable_rng(seed: int, *names: str) -> np.random.Generator:
    """Give a generator that depends on nothing but its arguments.

    Args:
        seed: The seed of the set, any integer.
        names: What the numbers are for, such as a clip's id and "face".

    Returns:
        A fresh generator, the same on every machine and in every process (`hash` is not).
    """
    text = "\x1f".join((str(seed), *names))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def plan_clips(
    *,
    subjects: int = 8,
    takes: int = 5,
    face_reliability: float = 0.75,
    voice_reliability: float = 0.75,
    seconds: tuple[float, float] = (1.2, 2.0),
    seed: int = 0,
) -> list[ClipPlan]:
    """Plan a set of subjects x 6 emotions x takes clips.

    The two modalities are erased independently, so that neither alone can reach what both
    together reach. Whether a clip is erased compares one number drawn for its id with the
    reliability: raising a reliability only turns further clips on.

    Args:
        subjects: Number of subjects, 1..99.
        takes: Clips per subject and emotion, 1..99.
        face_reliability: Probability, 0..1, that the face shows the clip's emotion.
        voice_reliability: Probability, 0..1, that the voice shows the clip's emotion.
        seconds: Shortest and longest clip, 0.2 <= shortest <= longest <= 60.
        seed: Seed of the set.

    Returns:
        The plans, by subject, then emotion, then take.

    Raises:
        ValueError: If an argument is out of its range.
    """
    for name, count in (("subjects", subjects), ("takes", takes)):
        if not 1 <= count <= 99:
            raise ValueError(f"{name} must be within 1..99, got {count}")
    for name, share in (
        ("face_reliability", face_reliability),
        ("voice_reliability", voice_reliability),
    ):
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"{name} must be within 0..1, got {share}")
    shortest, longest = seconds
    if not 0.2 <= shortest <= longest <= 60.0:
        raise ValueError(f"seconds must be 0.2 <= shortest <= longest <= 60, got {seconds}")

    plans = []
    for number in range(1, subjects + 1):
        for emotion in EMOTIONS:
            for take in range(1, takes + 1):
                subject = f"s{number:02d}"
                clip = f"{subject}-{emotion}-{take:02d}"
                # One draw per question, always in this order, whatever the arguments are.
                face, voice, length, container = stable_rng(seed, clip, "plan").random(4)
                plans.append(
                    ClipPlan(
                        id=clip,
                        emotion=emotion,
                        subject=subject,
                        take=take,
                        face_shows=bool(face < face_reliability),
                        voice_shows=bool(voice < voice_reliability),
                        seconds=float(shortest + length * (longest - shortest)),
                        container="avi" if container < _AVI_SHARE else "mp4",
                        seed=seed,
                    )
                )
    return plans


def subject_position(seed: int, subject: str, quality: str) -> float:
    """Place a subject on a scale so that few subjects already cover it evenly.

    Independent draws would give some neighbouring subjects the same look or pitch; steps of
    the golden ratio keep them apart.

    Args:
        seed: The seed of the set.
        subject: "s" and the subject's number, such as "s03".
        quality: What the scale is for, such as "pitch"; shifts the start of the sequence.

    Returns:
        A position in 0..1.
    """
    start = stable_rng(seed, quality).random()
    return float((start + int(subject[1:]) * 0.6180339887498949) % 1.0)
