"""Pairs of voices and face pictures from separate collections, as clips of a manifest."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from emorec.data.manifest_rows import path_of, read_rows, text_of
from emorec.errors import DataError

By = Literal["class", "person", "nothing"]
USED = ("path", "label", "group")


class Recording(NamedTuple):
    """A voice or a picture.

    Attributes:
        path: The file, absolute.
        label: Its class.
        group: Who it is of; empty: unknown.
    """

    path: Path
    label: str
    group: str

    @property
    def speaker(self) -> str:
        """Who it is of; one without a group is a speaker of its own."""
        return self.group or str(self.path)


class Pair(NamedTuple):
    """A voice with a picture."""

    voice: Recording
    face: Recording


def read_recordings(manifest: Path) -> list[Recording]:
    """Return the recordings that a manifest lists with a label.

    Raises:
        DataError: It is missing, lacks a column, or has no row with a label.
    """
    folder = manifest.expanduser().absolute().parent
    rows = read_rows(manifest.expanduser(), {"path", "label"}, USED)
    cells = [[text_of(row, name) for name in USED] for row in rows]
    found = [
        Recording((folder / path_of(path, folder)).absolute(), label, group)
        for path, label, group in cells
        if path and label
    ]
    if not found:
        raise DataError(f"manifest {manifest} has no row with a path and a label")
    return found


def pair(
    voices: Sequence[Recording],
    faces: Sequence[Recording],
    *,
    by: By = "class",
    count: int = 1,
    seed: int = 0,
) -> list[Pair]:
    """Give each voice pictures of other people.

    Pictures are first dealt to the speakers, so that none is seen with two of them: a split by
    speaker then shares no picture. Those of one person (``group``) stay together.

    Args:
        voices: The voices; one without a group counts as a speaker of its own.
        faces: The pictures.
        by: What a pair shares. ``class``: the class and nothing else; pictures repeat only where a
            speaker's run out. ``person``: the class and a made-up person, the speaker with one
            picture of each class: what real clips share. ``nothing``: any picture of the speaker's
            lot, whatever it shows.
        count: Pictures for each voice; those of a ``person`` number 1.
        seed: Of the drawing.

    Returns:
        The pairs in the order of the voices.

    Raises:
        DataError: A class of the voices has no pictures, or fewer than there are speakers.
    """
    if count < 1 or (by == "person" and count > 1):
        wanted = "1, as a person has one picture of a class" if by == "person" else "at least 1"
        raise DataError(f"count is the number of pictures for a voice, {wanted}; got {count}")
    chance = random.Random(seed)
    speakers = {voice.speaker: None for voice in voices}
    lots = _deal(faces, list(speakers), chance)
    drawn = {
        key: _endless(_lot(lots, voices, key, by), chance, first=by == "person")
        for key in {_key(voice, by) for voice in voices}
    }
    return [Pair(voice, next(drawn[_key(voice, by)])) for voice in voices for _ in range(count)]


def _key(voice: Recording, by: By) -> tuple[str, str]:
    return voice.speaker, "" if by == "nothing" else voice.label


Lots = dict[tuple[str, str], list[Recording]]


def _deal(faces: Sequence[Recording], speakers: Sequence[str], chance: random.Random) -> Lots:
    """Return (speaker, class) -> pictures: people, or single pictures, dealt in turn."""
    people: dict[str, list[Recording]] = defaultdict(list)
    for face in sorted(faces):
        people[f"person {face.group}" if face.group else f"file {face.path}"].append(face)
    kinds: dict[tuple[str, ...], list[str]] = defaultdict(list)  # people with the same classes
    for person, own in people.items():
        kinds[tuple(sorted({face.label for face in own}))].append(person)
    lots: Lots = defaultdict(list)
    order = list(speakers)
    for kind in sorted(kinds):
        chance.shuffle(kinds[kind])
        chance.shuffle(order)
        for place, person in enumerate(kinds[kind]):
            for face in people[person]:
                lots[order[place % len(order)], face.label].append(face)
    return lots


def _lot(lots: Lots, voices: Sequence[Recording], key: tuple[str, str], by: By) -> list[Recording]:
    """Return the pictures that a speaker's voices of a class may have.

    Raises:
        DataError: There is none.
    """
    speaker, label = key
    if by == "nothing":
        labels = sorted({voice.label for voice in voices})
        found = [face for each in labels for face in lots.get((speaker, each), [])]
    else:
        found = lots.get(key, [])
    if not found:
        have = sum(len(lot) for (_, each), lot in lots.items() if each == label)
        count = len({voice.speaker for voice in voices})
        raise DataError(
            f"speaker {speaker!r} got no picture of the class {label!r}: there are {have} for "
            f"{count} speakers, each of whom needs one of their own; classes must have the same "
            "names in both manifests"
        )
    return found


def _endless(
    lot: Sequence[Recording], chance: random.Random, *, first: bool
) -> Iterator[Recording]:
    """Yield the pictures in random order, again and again; the first alone for a person."""
    order = list(lot)
    chance.shuffle(order)
    while True:
        yield from order[:1] if first else order
