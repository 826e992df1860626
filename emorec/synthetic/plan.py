"""Which clips a synthetic set has, and what each of them shows."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

from emorec.synthetic.draws import stable_rng

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The six classes; "neutral" is what an erased modality shows, never a label."""


def plan_text(plan: DataclassInstance) -> str:
    """Return a plan's values as text, without those that have their default.

    A digest of this text names folders of media and caches; a set planned before an option
    existed keeps its name, as its media are still the same.
    """
    given = (
        f"{field.name}={getattr(plan, field.name)!r}"
        for field in fields(plan)
        if field.default is MISSING or getattr(plan, field.name) != field.default
    )
    return f"{type(plan).__name__}({', '.join(given)})"


@dataclass(frozen=True, slots=True, repr=False)
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
        face_intensity: How much of the emotion's full expression the face shows, from 0,
            neutral, to 1.
        voice_intensity: The same for the voice.
        identity: Scale of the differences between subjects in look and voice, from 0, none, to 2.
        lip_sync: Whether the lips follow the voice; otherwise they say something else.
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
    face_intensity: float = 1.0
    voice_intensity: float = 1.0
    identity: float = 1.0
    lip_sync: bool = True

    def __repr__(self) -> str:
        """Return the text that names folders; see `plan_text`."""
        return plan_text(self)


def plan_clips(
    *,
    subjects: int = 8,
    takes: int = 5,
    face_reliability: float = 0.75,
    voice_reliability: float = 0.75,
    seconds: tuple[float, float] = (1.2, 2.0),
    intensity: tuple[float, float] = (1.0, 1.0),
    shared_intensity: bool = True,
    identity: float = 1.0,
    lip_sync: bool = True,
    avi_share: float = 0.25,
    seed: int = 0,
) -> list[ClipPlan]:
    """Plan a set of subjects x 6 emotions x takes clips.

    The two modalities are erased independently, so that neither alone can reach what both
    together reach. Whether a clip is erased compares one number drawn for its id with the
    reliability: raising a reliability only turns more clips on. Likewise, no argument affects the
    draws for another one.

    Args:
        subjects: Number of subjects, 1..99.
        takes: Clips per subject and emotion, 1..99.
        face_reliability: Probability, 0..1, that the face shows the clip's emotion.
        voice_reliability: Probability, 0..1, that the voice shows the clip's emotion.
        seconds: Shortest and longest clip, 0.2 <= shortest <= longest <= 60.
        intensity: Weakest and strongest expression, 0 < weakest <= strongest <= 1, where 1 is
            the full one and 0 would be neutral; drawn uniformly for each clip.
        shared_intensity: Whether a clip's face and voice have the same intensity; otherwise
            each has its own, drawn from the same range.
        identity: Scale of the differences between subjects in look and voice, 0..2.
        lip_sync: Whether the lips follow the voice.
        avi_share: Probability, 0..1, that a clip is an AVI file; the others are MP4. The codecs
            can be recognised in picture and sound, so that both share the container as well.
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
        ("avi_share", avi_share),
    ):
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"{name} must be within 0..1, got {share}")
    shortest, longest = seconds
    if not 0.2 <= shortest <= longest <= 60.0:
        raise ValueError(f"seconds must be 0.2 <= shortest <= longest <= 60, got {seconds}")
    weakest, strongest = intensity
    if not 0.0 < weakest <= strongest <= 1.0:
        raise ValueError(f"intensity must be 0 < weakest <= strongest <= 1, got {intensity}")
    if not 0.0 <= identity <= 2.0:
        raise ValueError(f"identity must be within 0..2, got {identity}")

    plans = []
    for number in range(1, subjects + 1):
        for emotion in EMOTIONS:
            for take in range(1, takes + 1):
                subject = f"s{number:02d}"
                clip = f"{subject}-{emotion}-{take:02d}"
                # One draw per decision, always in this order, for any arguments.
                draws = stable_rng(seed, clip, "plan").random(6)
                face, voice, length, container, first, second = draws
                levels = [weakest + draw * (strongest - weakest) for draw in (first, second)]
                plans.append(
                    ClipPlan(
                        id=clip,
                        emotion=emotion,
                        subject=subject,
                        take=take,
                        face_shows=bool(face < face_reliability),
                        voice_shows=bool(voice < voice_reliability),
                        seconds=float(shortest + length * (longest - shortest)),
                        container="avi" if container < avi_share else "mp4",
                        seed=seed,
                        face_intensity=float(levels[0]),
                        voice_intensity=float(levels[0 if shared_intensity else 1]),
                        identity=float(identity),
                        lip_sync=lip_sync,
                    )
                )
    return plans
