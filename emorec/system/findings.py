"""Findings in words: the one place that says to people what is odd about a clip."""

from collections.abc import Iterable
from dataclasses import replace

from emorec.types import Finding, FindingKind

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
