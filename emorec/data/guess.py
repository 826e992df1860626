"""Labels and speakers of clips, guessed from the names of files and folders."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

# Class -> words that name it; the codes of three letters are those of public corpora.
WORDS = {
    "anger": "anger angry ang",
    "boredom": "boredom bored",
    "calm": "calm",
    "contempt": "contempt contemptuous",
    "disgust": "disgust disgusted dis",
    "excitement": "excitement excited exc",
    "fear": "fear fearful afraid scared fea",
    "frustration": "frustration frustrated fru",
    "happiness": "happiness happy joy joyful hap",
    "neutral": "neutral neu",
    "sadness": "sadness sad",
    "surprise": "surprise surprised sur",
}
CLASS_OF = {word: name for name, words in WORDS.items() for word in words.split()}
SPEAKER = re.compile(
    r"(?<![^\W_])(?:(?:actor|actress|speaker|subject|person|participant|spk|subj|sub|user|id)"
    r"[ _-]?\d+|[spmf]\d{2,4})(?![^\W_])",
    re.IGNORECASE,
)
# Corpora with a data set of their own: the config of its data, and how their files are named.
CORPORA = {
    "ravdess": r"\d\d(-\d\d){6}",
    "crema_d": r"\d{4}_[A-Z]{3}_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|X{1,2})",
    "iemocap": r"Ses\d\d[FM]_(impro|script)\w+",
    "meld": r"dia\d+_utt\d+",
    "enterface05": r"s_?\d+_(an|di|fe|ha|sa|su)_?\d+",
}
PARTS = frozenset(
    ["train", "training", "val", "valid", "validation", "dev", "devel", "test", "testing"]
)
MOST_CLASSES = 20
ENOUGH = 0.8  # share of the files for which a rule has to hold


@dataclass(frozen=True)
class Guess:
    """What names say about clips.

    Attributes:
        labels: Class of each file; empty where the name says none, or two.
        groups: Speaker of each file; all empty where no rule holds for most files.
        labels_from: Where the labels are from, in words; empty: none was found.
        groups_from: Where the speakers are from, in words; empty: none was found.
        corpus: Config of the data set whose names these are; empty: of none that is known.
    """

    labels: list[str]
    groups: list[str]
    labels_from: str
    groups_from: str
    corpus: str


def guess(paths: Sequence[PurePath]) -> Guess:
    """Guess classes and speakers.

    A word for an emotion in the file's name or, closest first, in those of its folders is the
    class; if name and folder disagree, or a name has two, there is none. Where next to no name has
    such a word, and files are in 2 to 20 folders with several each, the folder is the class. A
    speaker is a part of a name such as ``actor_01``, ``s07`` or ``M003``; else, where classes are
    in the files' names, the folder.

    Args:
        paths: Of the files, relative to the folder that was given.
    """
    labels = [_label(path) for path in paths]
    found, labels_from = sum(map(bool, labels)), "words for emotions in names"
    folders = [path.parent.name for path in paths]
    if found < (1 - ENOUGH) * len(paths):
        counts = Counter(folders)
        by_folder = 2 <= len(counts) <= MOST_CLASSES and min(counts.values()) > 1
        if by_folder and not any(SPEAKER.fullmatch(name) or _is_part(name) for name in counts):
            labels, labels_from = folders, "names of folders"
    named = [_speaker(path) for path in paths]
    in_files = [_label(PurePath(path.name)) for path in paths]
    groups, groups_from = [""] * len(paths), ""
    if _groups(named):
        groups, groups_from = named, "numbered names such as " + min(filter(None, named))
    elif (
        sum(map(bool, in_files)) >= ENOUGH * len(paths)
        and _groups(folders)
        and not any(_classes(name) or _is_part(name) for name in set(folders))
    ):
        groups, groups_from = folders, "names of folders"
    labels_from = labels_from if any(labels) else ""
    return Guess(labels, groups, labels_from, groups_from, _corpus(paths))


def _label(path: PurePath) -> str:
    """Return the class that the file's or the closest folder's name has; empty: none, or two."""
    said = [_classes(path.stem), *(_classes(part) for part in reversed(path.parent.parts))]
    said = [names for names in said if names]
    if not said or len(said[0]) > 1:
        return ""
    (name,) = said[0]
    return "" if any(len(names) == 1 and name not in names for names in said[1:]) else name


def _classes(text: str) -> set[str]:
    words = re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text))
    return {CLASS_OF[word.lower()] for word in words if word.lower() in CLASS_OF}


def _speaker(path: PurePath) -> str:
    for part in (*path.parent.parts, path.stem):
        found = SPEAKER.search(part)
        if found:
            return found[0].lower()
    return ""


def _is_part(name: str) -> bool:
    """Return whether a folder is a part of a split."""
    return name.casefold() in PARTS


def _groups(names: Sequence[str]) -> bool:
    """Return whether names can be speakers: most files have one, several share it."""
    known = [name for name in names if name]
    return len(known) >= ENOUGH * len(names) and 2 <= len(set(known)) <= len(known) / 2


def _corpus(paths: Sequence[PurePath]) -> str:
    for name, pattern in CORPORA.items():
        like = sum(bool(re.fullmatch(pattern, path.stem)) for path in paths)
        if paths and like >= ENOUGH * len(paths):
            return name
    return ""


def classes_of(labels: Sequence[str], standard: Sequence[str]) -> list[str]:
    """Return the classes found, sorted; an empty list if all are among the standard ones."""
    found = {label for label in labels if label}
    return [] if found <= set(standard) else sorted(found)


def counted(names: Sequence[str]) -> Mapping[str, int]:
    """Return how often each name occurs, without the empty one, most frequent first."""
    return dict(Counter(name for name in names if name).most_common())
