"""Labels, speakers and parts of clips, guessed from the names of files and folders."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

# Class -> words that name it.
WORDS = {
    "anger": "anger angry",
    "boredom": "boredom bored",
    "calm": "calm",
    "contempt": "contempt contemptuous",
    "disgust": "disgust disgusted",
    "excitement": "excitement excited",
    "fear": "fear fearful afraid scared",
    "frustration": "frustration frustrated",
    "happiness": "happiness happy joy joyful",
    "neutral": "neutral",
    "sadness": "sadness sad",
    "surprise": "surprise surprised",
}
CLASS_OF = {word: name for name, words in WORDS.items() for word in words.split()}
# Codes of public corpora, in names of files only: a folder could be a person's.
CODES = {"ang": "anger", "dis": "disgust", "fea": "fear", "hap": "happiness", "neu": "neutral"}
CODES |= {"sur": "surprise", "exc": "excitement", "fru": "frustration"}
NOT = frozenset(("not", "non", "no"))
SPEAKER = re.compile(
    r"(?<![^\W_])(actor|actress|speaker|subject|person|participant|spk|subj|user)"
    r"[ _-]?(\d+)(?![^\W_])",
    re.IGNORECASE,
)
# Also sentences, sessions and frames have such names: a speaker's begins the name.
SHORT = re.compile(r"([spmfw])(\d{2,4})(?![^\W_])", re.IGNORECASE)
NO_CLASS = re.compile(r"(session|part|day|scene|take|fold|set|batch)[ _-]?\d*", re.IGNORECASE)
# Folders that say what kind of file is in them.
KINDS = frozenset(
    ("video", "videos", "audio", "audios", "wav", "wavs", "mp4", "sound", "clips", "data", "images")
)
PART_OF = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "devel"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# Corpora with a data set of their own: the config of its data, and how their files are named.
CORPORA = {
    "ravdess": r"\d\d(-\d\d){6}",
    "crema_d": r"\d{4}_[A-Z]{3}_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|X{1,2})",
    "iemocap": r"Ses\d\d[FM]_(impro|script)\w+",
    "meld": r"dia\d+_utt\d+",
    "enterface05": r"s_?\d+_(an|di|fe|ha|sa|su)_?\d+",
    "savee": r"((DC|JE|JK|KL)_)?(sa|su|a|d|f|h|n)\d\d",
}
MOST_CLASSES = 20
ENOUGH = 0.8  # share of the files for which a rule has to hold


@dataclass(frozen=True)
class Guess:
    """What names say about clips.

    Attributes:
        labels: Class of each file; empty where the name says none, or two.
        groups: Speaker of each file; all empty where no rule holds for most files.
        parts: ``train``, ``val`` or ``test`` of each file; all empty where a file has none.
        labels_from: Where the labels are from, in words; empty: none was found.
        groups_from: Where the speakers are from, in words; empty: none was found.
        corpus: Config of the data set whose names these are; empty: of none that is known.
    """

    labels: list[str]
    groups: list[str]
    parts: list[str]
    labels_from: str
    groups_from: str
    corpus: str


def guess(paths: Sequence[PurePath]) -> Guess:
    """Guess classes, speakers and parts.

    The class is a word for an emotion in the file's name, else the closest folder: such a word, or
    any name where folders divide the files into 2 to 20 classes with several each. If name and
    folder disagree, there is none; where they do so often, the name counts. A speaker is a part of
    a name such as ``actor_01``, the beginning of one such as ``s07`` or ``M003``; else, where
    classes are in the files' names, the folder or the first word of the name. Parts are folders
    such as ``train``.

    Args:
        paths: Of the files, relative to the folder that was given.
    """
    named = [_classes(path.stem, codes=True) for path in paths]
    in_files = [_one(classes) for classes in named]
    folders = [_folder(path) for path in paths]
    labels, labels_from = _labels(paths, named, folders)
    groups, groups_from = _speakers(paths, in_files, folders)
    parts = [_part(path) for path in paths]
    return Guess(
        labels,
        groups,
        parts if all(parts) else [""] * len(paths),
        labels_from if any(labels) else "",
        groups_from,
        _corpus(paths),
    )


def _labels(
    paths: Sequence[PurePath], named: Sequence[set[str]], folders: Sequence[str]
) -> tuple[list[str], str]:
    in_files = [_one(classes) for classes in named]
    in_folders = [_in_folders(path) for path in paths]
    both = [(a, b) for a, b in zip(in_files, in_folders, strict=True) if a and b]
    differ = sum(a != b for a, b in both)
    name_counts = differ > (1 - ENOUGH) * len(paths)  # the folders are something else
    said = []
    for classes, own, folder in zip(named, in_files, in_folders, strict=True):
        if len(classes) > 1 or (own and folder and own != folder and not name_counts):
            said.append("")
        else:
            said.append(own or folder)
    counts = Counter(folders)
    divided = 2 <= len(counts) <= MOST_CLASSES and min(counts.values()) > 1
    if any(in_files) or not divided or any(_no_class(name) for name in counts):
        return said, "words for emotions in names"
    known = sum(bool(_classes(name)) for name in counts)
    if known in (0, len(counts)) and any(said):
        return said, "words for emotions in names"
    # Folders are classes, of which emorec knows some words, or none.
    plain = [" ".join(folder.split()) for folder in folders]
    return [a or b for a, b in zip(said, plain, strict=True)], "names of folders"


def _in_folders(path: PurePath) -> str:
    """Return the class that the closest folder with a word for an emotion has."""
    said = (_classes(part) for part in reversed(path.parent.parts))
    return _one(next((classes for classes in said if classes), set()))


def _one(classes: set[str]) -> str:
    return next(iter(classes)) if len(classes) == 1 else ""


def _classes(text: str, *, codes: bool = False) -> set[str]:
    words = re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text))
    words = [word.lower() for word in words]
    if NOT & set(words):
        return set()
    known = CLASS_OF | CODES if codes else CLASS_OF
    return {known[word] for word in words if word in known}


def _folder(path: PurePath) -> str:
    """Return the closest folder that says more than the kind of its files; empty: there is none."""
    names = (part for part in reversed(path.parent.parts) if part.lower() not in KINDS)
    return next(names, "")


def _no_class(name: str) -> bool:
    """Return whether a folder is a speaker, a part of a split, or a session."""
    return bool(
        not name
        or SPEAKER.fullmatch(name)
        or SHORT.fullmatch(name)
        or NO_CLASS.fullmatch(name)
        or name.casefold() in PART_OF
    )


def _speakers(
    paths: Sequence[PurePath], in_files: Sequence[str], folders: Sequence[str]
) -> tuple[list[str], str]:
    for pattern in (SPEAKER.search, SHORT.match):
        named = [_numbered(path, pattern) for path in paths]
        if _are_speakers(named):
            return named, f"numbered names such as {min(filter(None, named))}"
    if sum(map(bool, in_files)) >= ENOUGH * len(paths):
        if _are_speakers(folders) and not any(
            _classes(n) or _no_class(n) for n in set(folders) - {""}
        ):
            return list(folders), "names of folders"
        first = [re.match(r"[^\W\d_]+", path.stem) for path in paths]
        words = [found[0].lower() if found else "" for found in first]
        if _are_speakers(words) and not any(_classes(n, codes=True) for n in set(words)):
            return words, "the first word of names"
    return [""] * len(paths), ""


def _numbered(path: PurePath, find: Callable[[str], re.Match[str] | None]) -> str:
    for part in (*path.parent.parts, path.stem):
        found = find(part)
        if found:
            return f"{found[1].lower()}{int(found[2]):02}"
    return ""


def _are_speakers(names: Sequence[str]) -> bool:
    """Return whether names can be speakers: most files have one, several share it."""
    known = [name for name in names if name]
    return len(known) >= ENOUGH * len(names) and 2 <= len(set(known)) <= len(known) / 2


def _part(path: PurePath) -> str:
    found = (PART_OF.get(part.casefold()) for part in path.parent.parts)
    return next((part for part in found if part), "")


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
