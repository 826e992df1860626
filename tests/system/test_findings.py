"""Findings in words: to the letter, and none without words."""

from string import Formatter

import pytest

from emorec.system.findings import (
    WORDS,
    Finding,
    FindingKind,
    all_in_words,
    in_words,
    without_numbers,
)

K = FindingKind
WORDED = [
    (Finding(K.DAMAGED_END, detail="I/O error"), "damaged: reading stopped early (I/O error)"),
    (Finding(K.DAMAGED_START, count=3), "damaged: 3 packets before the first good frame"),
    (Finding(K.DAMAGED, "audio", 2), "damaged: 2 audio packets left out"),
    (Finding(K.UNDECODED, "video"), "no video could be decoded"),
    (
        Finding(K.UNKNOWN_CODEC, "sound"),
        "its sound has an unknown codec: left out",
    ),
    (Finding(K.SEVERAL_TRACKS, "audio", 1, 2), "2 audio tracks: stream 1 is read"),
    (
        Finding(K.CLOCK_JUMP, detail="+3.0 s at 2.0 s"),
        "its clock jumps by +3.0 s at 2.0 s (joined or restarted recording): the parts are read "
        "without a gap",
    ),
    (
        Finding(K.SCALED, "sound", 32768),
        "its samples are integers stored as floats: divided by 32768",
    ),
    (
        Finding(K.SILENT_CHANNELS, "sound", 1, 2, "FL"),
        "1 of 2 channels carry sound (FL): their mean is used",
    ),
    (
        Finding(K.INVERTED, "FR", detail="FL"),
        "channel FR is the inverse of FL: its sign is flipped",
    ),
    (Finding(K.ENDS_EARLY, detail="3.0"), "the file ends 3.0 s before the clip does"),
    (Finding(K.MISSING, "video"), "no video"),
    (Finding(K.ABSENT, "face", 2, 3), "no face in 2 of 3 windows"),
    (Finding(K.ABSENT, "face", 0, 0), "no face in 0 of 0 windows"),
    (Finding(K.SILENT, "sound"), "silent: the sound track is digital silence"),
    (Finding(K.BORROWED, "face", 4, 9), "face borrowed from a nearby frame in 4 windows"),
    (Finding(K.TOO_SHORT, "sound", 1, 2, "IS10"), "too short for IS10: 1 of 2 windows"),
    (Finding(K.NO_VALUES, count=2, of=4), "nothing usable in 2 of 4 windows: no values for them"),
    (Finding(K.OTHER, detail="a {dark} room"), "a {dark} room"),
    (Finding(K.OTHER_IN_WINDOWS, "", 1, 5, "too dark"), "too dark in 1 of 5 windows"),
]


@pytest.mark.parametrize(("finding", "words"), WORDED)
def test_a_finding_is_worded_with_its_numbers(finding: Finding, words: str) -> None:
    assert in_words(finding) == words


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_has_words_that_say_all_that_it_has(kind: FindingKind) -> None:
    said = in_words(Finding(kind, "face", 123, 456, "detail"))
    parts = {"modality": "face", "count": "123", "of": "456", "detail": "detail"}
    named = {name for _, name, _, _ in Formatter().parse(WORDS[kind]) if name}
    assert said
    assert all(parts[name] in said for name in named)
    assert WORDS.keys() == set(FindingKind)


@pytest.mark.parametrize("kind", FindingKind)
def test_what_counts_windows_says_how_many(kind: FindingKind) -> None:
    assert Finding(kind).counts_windows == ("{count}" in WORDS[kind] and "windows" in WORDS[kind])


def test_without_numbers_clips_have_the_rest_in_common() -> None:
    one, other = Finding(K.ABSENT, "face", 2, 3), Finding(K.ABSENT, "face", 1, 9)
    assert without_numbers(one) == without_numbers(other)
    assert in_words(without_numbers(one)) == "no face in n of n windows"
    assert without_numbers(Finding(K.ABSENT, "video", 2, 3)) != without_numbers(one)
    late = [without_numbers(Finding(K.ENDS_EARLY, detail=seconds)) for seconds in ("3.0", "4.5")]
    assert late[0] == late[1]
    assert in_words(late[0]) == "the file ends n s before the clip does"
    sets = [without_numbers(Finding(K.TOO_SHORT, "sound", 1, 2, name)) for name in ("IS09", "IS10")]
    assert sets[0] != sets[1]


def test_several_are_one_line() -> None:
    findings = [Finding(K.MISSING, "sound"), Finding(K.ABSENT, "face", 2, 3)]
    assert all_in_words(findings) == "no sound; no face in 2 of 3 windows"
    assert all_in_words([]) == ""
