"""What is odd about a clip: as data, and, in one place alone, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Any, Self


class FindingKind(StrEnum):
    """What can be odd about a clip that is used all the same.

    Attributes:
        MISNAMED: Its name or header says otherwise than what it is read as, ``detail``.
        DAMAGED_END: Reading stopped early; ``detail`` is the system's error.
        DAMAGED_START: ``count`` packets before the first good frame cannot be decoded.
        DAMAGED: ``count`` packets of the stream cannot be decoded and are left out.
        UNDECODED: Nothing of the stream can be decoded.
        UNKNOWN_CODEC: There is no decoder for the stream; it is left out.
        SEVERAL_TRACKS: Of ``of`` audio tracks stream ``count`` is read.
        TRACK_PASSED_OVER: Stream ``count`` is read, as the preferred one cannot be; see ``detail``.
        CLOCK_JUMP: Times jump; ``detail`` says by how much and where.
        ODD_ORIENTATION: The display matrix is no turn by 90 degrees and no mirror image.
        SCALED: Samples are whole numbers in floats, divided by ``count``.
        SILENT_CHANNELS: Only ``count`` of ``of`` channels carry sound: those in ``detail``.
        INVERTED: A channel is the inverse of the channel ``detail``; it is turned back.
        INVERTED_IN_PARTS: The same in parts of the recording alone; it is left out.
        ENDS_EARLY: The file ends before the clip does, by ``detail`` seconds.
        MISSING: The clip has nothing of a modality.
        ABSENT: A modality is not there in ``count`` of ``of`` windows.
        SILENT: The sound track is digital silence.
        BORROWED: Of ``of`` windows ``count`` have the face of a near frame.
        TOO_SHORT: ``count`` of ``of`` windows are too short for ``detail``.
        NO_SIDECAR: The clip has no sidecar of a name.
        EMPTY_SIDECAR: The sidecar holds nothing but padding.
        NO_SOUND_FOR_SPEECH: Windows should lie in speech, but the file has no sound.
        NO_SPEECH: Windows should lie in speech, but none is found.
        WHOLE_CLIPS: The model learned from whole clips; here windows have ``detail`` seconds.
        NO_VALUES: No values are known for ``count`` of ``of`` windows.
        OTHER: What only a plug-in knows; ``detail`` are its words.
        OTHER_IN_WINDOWS: The same of ``count`` of ``of`` windows.
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
    """One thing that is odd about a clip; see :func:`in_words`.

    Attributes:
        kind: What it is.
        modality: What it is about: ``sound``, ``face``, ``video``, ...; of a sidecar or a channel
            its name.
        count: How many, at least 0, or which stream; None where nothing is counted.
        of: Of how many, at least ``count`` where these are windows or channels.
        detail: What is no whole number, such as the name of a codec or seconds.
    """

    kind: FindingKind
    modality: str = ""
    count: int | None = None
    of: int | None = None
    detail: str = ""

    @property
    def counts_windows(self) -> bool:
        """Whether windows are counted, so that it does not hold for more than those."""
        return self.kind in _OF_WINDOWS

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the finding of what :func:`dataclasses.asdict` made, also by way of JSON.

        Raises:
            ValueError: The kind is unknown.
            TypeError: A field is unknown.
        """
        return cls(**{**record, "kind": FindingKind(record["kind"])})


# Named are the fields of a finding.
WORDS = {
    FindingKind.MISNAMED: "its name or header says otherwise: read as {detail}",
    FindingKind.DAMAGED_END: "damaged: reading stopped early ({detail})",
    FindingKind.DAMAGED_START: "damaged: {count} packets before the first good frame",
    FindingKind.DAMAGED: "damaged: {count} {modality} packets left out",
    FindingKind.UNDECODED: "no {modality} could be decoded",
    FindingKind.UNKNOWN_CODEC: "its {modality} is of a codec that is not known: left out",
    FindingKind.SEVERAL_TRACKS: "{of} {modality} tracks: stream {count} is read",
    FindingKind.TRACK_PASSED_OVER: (
        "the {modality} track that players prefer has nothing that can be decoded: another one "
        "({detail}, stream {count}) is used"
    ),
    FindingKind.CLOCK_JUMP: (
        "its clock jumps by {detail} (joined, or restarted): what follows is taken to follow at "
        "once"
    ),
    FindingKind.ODD_ORIENTATION: (
        "its display matrix is none of the eight orientations: the nearest is taken"
    ),
    FindingKind.SCALED: "its samples are whole numbers in floats: divided by {count}",
    FindingKind.SILENT_CHANNELS: (
        "{count} of {of} channels carry sound ({detail}): the mean of these"
    ),
    FindingKind.INVERTED: "channel {modality} is the inverse of {detail}: turned back",
    FindingKind.INVERTED_IN_PARTS: (
        "channel {modality} is the inverse of {detail} in parts: it is left out"
    ),
    FindingKind.ENDS_EARLY: "the file ends {detail} s before the clip does",
    FindingKind.MISSING: "no {modality}",
    FindingKind.ABSENT: "no {modality} in {count} of {of} windows",
    FindingKind.SILENT: "silent: the sound track is digital silence",
    FindingKind.BORROWED: "{modality} borrowed from a near frame in {count} windows",
    FindingKind.TOO_SHORT: "too short for {detail}: {count} of {of} windows",
    FindingKind.NO_SIDECAR: "no sidecar {modality}",
    FindingKind.EMPTY_SIDECAR: "sidecar {modality} is empty",
    FindingKind.NO_SOUND_FOR_SPEECH: "no sound to find speech in: windows anywhere",
    FindingKind.NO_SPEECH: "no speech found: windows anywhere",
    FindingKind.WHOLE_CLIPS: "the model learned from whole clips: windows of {detail} s here",
    FindingKind.NO_VALUES: "nothing usable in {count} of {of} windows: no values there",
    FindingKind.OTHER: "{detail}",
    FindingKind.OTHER_IN_WINDOWS: "{detail} in {count} of {of} windows",
}
MEASURED = {FindingKind.CLOCK_JUMP, FindingKind.ENDS_EARLY}  # their details are seconds


def in_words(finding: Finding) -> str:
    """Return what a finding says to people; ``n`` stands for a number that it does not have."""
    return WORDS[finding.kind].format(
        modality=finding.modality,
        count="n" if finding.count is None else finding.count,
        of="n" if finding.of is None else finding.of,
        detail=finding.detail or "n",
    )


def all_in_words(findings: Iterable[Finding]) -> str:
    """Return what findings say in one line, with semicolons; nothing where there are none."""
    return "; ".join(map(in_words, findings))


def without_numbers(finding: Finding) -> Finding:
    """Return what is the same in clips of which only the numbers differ."""
    detail = "" if finding.kind in MEASURED else finding.detail
    return replace(finding, count=None, of=None, detail=detail)
