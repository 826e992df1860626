"""What is unusual about a clip: as data and, in this one place, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Any, Self


class FindingKind(StrEnum):
    """What can be unusual about a clip that is used nevertheless.

    Attributes:
        MISNAMED: Its name or header contradicts its content; it is read as ``detail``.
        DAMAGED_END: Reading stopped early; ``detail`` is the system's error.
        DAMAGED_START: ``count`` packets before the first good frame cannot be decoded.
        DAMAGED: ``count`` packets of the stream cannot be decoded and are left out.
        UNDECODED: Nothing in the stream can be decoded.
        UNKNOWN_CODEC: The stream has no decoder; it is left out.
        SEVERAL_TRACKS: Of ``of`` audio tracks, stream ``count`` is read.
        TRACK_PASSED_OVER: Stream ``count`` is read, as the preferred one cannot be; see ``detail``.
        CLOCK_JUMP: Times jump; ``detail`` says by how much and where.
        ODD_ORIENTATION: The display matrix is none of the eight orientations (turned by multiples
            of 90 degrees, mirrored or not).
        SCALED: Samples are integers stored as floats, divided by ``count``.
        SILENT_CHANNELS: Only ``count`` of ``of`` channels carry sound: those in ``detail``.
        INVERTED: A channel is the inverse of the channel ``detail``; its sign is flipped.
        INVERTED_IN_PARTS: The same, only in parts of the recording; it is left out.
        ENDS_EARLY: The file ends ``detail`` seconds before the clip does.
        MISSING: The clip lacks a modality.
        ABSENT: A modality is absent in ``count`` of ``of`` windows.
        SILENT: The sound track is digital silence.
        BORROWED: Of ``of`` windows, ``count`` have the face of a nearby frame.
        TOO_SHORT: ``count`` of ``of`` windows are too short for ``detail``.
        NO_SIDECAR: The clip has no sidecar of a name.
        EMPTY_SIDECAR: The sidecar holds only padding.
        NO_SOUND_FOR_SPEECH: Windows should lie in speech, but the file has no sound.
        NO_SPEECH: Windows should lie in speech, but none is found.
        WHOLE_CLIPS: The model was trained on whole clips; here windows last ``detail`` seconds.
        NO_SPEAKER: The model normalises within the speaker, who is not known here.
        NO_DIALOGUE: The model was trained on whole dialogues, and sees a clip by itself.
        NO_VALUES: No values are known for ``count`` of ``of`` windows.
        OTHER: A plug-in's own finding, in its words, ``detail``.
        OTHER_IN_WINDOWS: The same about ``count`` of ``of`` windows.
    """

    MISNAMED = auto()
    DAMAGED_END = auto()
    DAMAGED_START = auto()
    DAMAGED = auto()
    UNDECODED = auto()
    UNKNOWN_CODEC = auto()
    SEVERAL_TRACKS = auto()
    TRACK_PASSED_OVER = auto()
    CLOCK_JUMP = auto()
    ODD_ORIENTATION = auto()
    SCALED = auto()
    SILENT_CHANNELS = auto()
    INVERTED = auto()
    INVERTED_IN_PARTS = auto()
    ENDS_EARLY = auto()
    MISSING = auto()
    ABSENT = auto()
    SILENT = auto()
    BORROWED = auto()
    TOO_SHORT = auto()
    NO_SIDECAR = auto()
    EMPTY_SIDECAR = auto()
    NO_SOUND_FOR_SPEECH = auto()
    NO_SPEECH = auto()
    WHOLE_CLIPS = auto()
    NO_SPEAKER = auto()
    NO_DIALOGUE = auto()
    NO_VALUES = auto()
    OTHER = auto()
    OTHER_IN_WINDOWS = auto()


_OF_WINDOWS = frozenset(
    {
        FindingKind.ABSENT,
        FindingKind.BORROWED,
        FindingKind.TOO_SHORT,
        FindingKind.NO_VALUES,
        FindingKind.OTHER_IN_WINDOWS,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One unusual thing about a clip; see :func:`in_words`.

    Attributes:
        kind: What it is.
        modality: What it is about: ``sound``, ``face``, ``video``, ..., or the name of a sidecar or
            a channel.
        count: How many, at least 0, or which stream; None if nothing is counted.
        of: Of how many; at least ``count`` for windows or channels.
        detail: Anything other than an integer, such as the name of a codec or seconds.
    """

    kind: FindingKind
    modality: str = ""
    count: int | None = None
    of: int | None = None
    detail: str = ""

    @property
    def counts_windows(self) -> bool:
        """Whether it counts windows, and so holds only for those that were looked at."""
        return self.kind in _OF_WINDOWS

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the finding of a :func:`dataclasses.asdict` record, also after a JSON round trip.

        Raises:
            ValueError: The kind is unknown.
            TypeError: A field is unknown.
        """
        return cls(**{**record, "kind": FindingKind(record["kind"])})


# The placeholders are the fields of a finding.
WORDS = {
    FindingKind.MISNAMED: "its name or header contradicts its content: read as {detail}",
    FindingKind.DAMAGED_END: "damaged: reading stopped early ({detail})",
    FindingKind.DAMAGED_START: "damaged: {count} packets before the first good frame",
    FindingKind.DAMAGED: "damaged: {count} {modality} packets left out",
    FindingKind.UNDECODED: "no {modality} could be decoded",
    FindingKind.UNKNOWN_CODEC: "its {modality} has an unknown codec: left out",
    FindingKind.SEVERAL_TRACKS: "{of} {modality} tracks: stream {count} is read",
    FindingKind.TRACK_PASSED_OVER: (
        "the {modality} track that players prefer cannot be decoded: another one "
        "({detail}, stream {count}) is used"
    ),
    FindingKind.CLOCK_JUMP: (
        "its clock jumps by {detail} (joined or restarted recording): the parts are read without "
        "a gap"
    ),
    FindingKind.ODD_ORIENTATION: (
        "its display matrix is none of the eight orientations: the nearest one is used"
    ),
    FindingKind.SCALED: "its samples are integers stored as floats: divided by {count}",
    FindingKind.SILENT_CHANNELS: (
        "{count} of {of} channels carry sound ({detail}): their mean is used"
    ),
    FindingKind.INVERTED: "channel {modality} is the inverse of {detail}: its sign is flipped",
    FindingKind.INVERTED_IN_PARTS: (
        "channel {modality} is the inverse of {detail} in parts: left out"
    ),
    FindingKind.ENDS_EARLY: "the file ends {detail} s before the clip does",
    FindingKind.MISSING: "no {modality}",
    FindingKind.ABSENT: "no {modality} in {count} of {of} windows",
    FindingKind.SILENT: "silent: the sound track is digital silence",
    FindingKind.BORROWED: "{modality} borrowed from a nearby frame in {count} windows",
    FindingKind.TOO_SHORT: "too short for {detail}: {count} of {of} windows",
    FindingKind.NO_SIDECAR: "no sidecar {modality}",
    FindingKind.EMPTY_SIDECAR: "sidecar {modality} is empty",
    FindingKind.NO_SOUND_FOR_SPEECH: "no sound to find speech in: windows from the whole clip",
    FindingKind.NO_SPEECH: "no speech found: windows from the whole clip",
    FindingKind.WHOLE_CLIPS: "the model was trained on whole clips: windows of {detail} s here",
    FindingKind.NO_DIALOGUE: "taken by itself, not within its dialogue as in training",
    FindingKind.NO_SPEAKER: "normalised by the training clips, not within the speaker as in "
    "training: name who speaks, with two clips or more (--speaker)",
    FindingKind.NO_VALUES: "nothing usable in {count} of {of} windows: no values for them",
    FindingKind.OTHER: "{detail}",
    FindingKind.OTHER_IN_WINDOWS: "{detail} in {count} of {of} windows",
}
MEASURED = {FindingKind.CLOCK_JUMP, FindingKind.ENDS_EARLY}  # their details are seconds


def in_words(finding: Finding) -> str:
    """Return a finding in words; ``n`` stands for a number that it lacks."""
    return WORDS[finding.kind].format(
        modality=finding.modality,
        count="n" if finding.count is None else finding.count,
        of="n" if finding.of is None else finding.of,
        detail=finding.detail or "n",
    )


def all_in_words(findings: Iterable[Finding]) -> str:
    """Return findings in words, separated by semicolons; empty if there are none."""
    return "; ".join(map(in_words, findings))


def without_numbers(finding: Finding) -> Finding:
    """Return the finding without its numbers, to group clips in which only those differ."""
    detail = "" if finding.kind in MEASURED else finding.detail
    return replace(finding, count=None, of=None, detail=detail)
