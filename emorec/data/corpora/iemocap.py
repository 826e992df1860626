"""IEMOCAP (Busso et al. 2008): acted dialogues of ten actors, two per session."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.types import Classes, Clip

SESSIONS = (1, 2, 3, 4, 5)
# Left out: sur, fea, dis and oth (few utterances) and xxx (raters disagree).
FOUR = {
    "ang": "anger",
    "exc": "happiness",
    "hap": "happiness",
    "neu": "neutral",
    "sad": "sadness",
}
SIX = {**FOUR, "exc": "excitement", "fru": "frustration"}
COUNTS = {"ang": 1103, "exc": 1041, "fru": 1849, "hap": 595, "neu": 1708, "sad": 1084}
# [6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
TURN = re.compile(
    r"\[(\d+\.?\d*) - (\d+\.?\d*)\]\s+(Ses(\d\d)[FM]_\w+_([FM])\w+)\s+([a-z]{3})\s+\["
)
# Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
SPOKEN = re.compile(r"(Ses\w+) \[[\d.]+-[\d.]+\]:[ \t]*(.*)")
LAYOUT = """expected IEMOCAP_full_release unpacked, its sessions in ROOT or in one folder of ROOT:
  ROOT/Session1/dialog/EmoEvaluation/Ses01F_impro01.txt
  ROOT/Session1/dialog/transcriptions/Ses01F_impro01.txt
  ROOT/Session1/dialog/avi/DivX/Ses01F_impro01.avi
  ROOT/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav
(without the videos: data.media: audio_only)"""


class IEMOCAP(EmotionDataModule):
    """IEMOCAP utterances, https://doi.org/10.1007/s10579-008-9076-6, on request from its authors.

    Four classes (5531 utterances; excitement counts as happiness) or six (7380). Each session has
    its own two speakers, and ``split: official`` leaves one session out, so that no part shares a
    speaker. The group of a clip without picture is its speaker, such as ``Ses01F``.

    A clip with picture is a part of the video of its dialogue, which shows both speakers; its
    times come from the label files. Which face is the speaker's is not stated: FaceCrops follows
    one person by its own rule, who may be the listener. Where both speak, both are audible. So the
    group is the session, ``Ses01``: a split by speaker must keep both on one side.

    The layout and the formats are as others describe them; nothing is verified on a copy of the
    set, in particular that the videos have sound, and that they share the clock of the label files.

    Args:
        root: Folder with Session1 to Session5, or with one folder that has them.
        extractors: Modality -> extractor.
        media: ``audio_visual`` (parts of the dialogues' videos) or ``audio_only`` (a wav file per
            utterance).
        classes: ``four`` or ``six``: also excitement and frustration.
        session: The session that ``split: official`` tests on; the previous one is for validation
            (for the first, the fifth), the other three for training.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        media: Literal["audio_visual", "audio_only"] = "audio_visual",
        classes: Literal["four", "six"] = "four",
        session: int = 5,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        if session not in SESSIONS:
            raise DataError(f"data.session is {session}; the sessions of IEMOCAP are 1 to 5")
        self.media, self.classes, self.session = media, classes, session
        self.emotions = FOUR if classes == "four" else SIX  # code -> class
        self.targets = {"emotion": Classes(sorted(set(self.emotions.values())))}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        """Speakers, clips, and clips of each class in the complete set."""
        counts = dict.fromkeys(self.targets["emotion"].names, 0)
        for code, emotion in self.emotions.items():
            counts[emotion] += COUNTS[code]
        return {"speakers": 10, "clips": sum(counts.values()), **counts}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per labelled utterance of the classes."""
        clips = [clip for number in SESSIONS for clip in self._session(number)]
        if clips and not any((self.root / clip.file).is_file() for clip in clips):
            raise DataError(
                f"{self.root} has label files but no file such as {clips[0].media}; {LAYOUT}"
            )
        return clips

    def _session(self, number: int) -> Iterator[Clip]:
        name = f"Session{number}"
        places = [self.root / name, *sorted(self.root.glob(f"*/{name}"))]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            return
        before = SESSIONS[self.session - 2]
        part = {self.session: "test", before: "val"}.get(number, "train")
        classes = self.targets["emotion"].names
        # Not its subfolders, which hold the files of single raters. "._Ses" files are from macOS.
        for path in sorted((folder / "dialog/EmoEvaluation").glob("Ses*.txt")):
            words = folder / "dialog/transcriptions" / path.name
            texts = dict(SPOKEN.findall(_read(words)))
            for line in _read(path).splitlines():
                turn = TURN.match(line)
                if turn is None or turn[6] not in self.emotions:
                    continue
                clip_id = turn[3]
                media, span = folder / f"sentences/wav/{path.stem}/{clip_id}.wav", None
                if self.media == "audio_visual":
                    media = folder / f"dialog/avi/DivX/{path.stem}.avi"
                    span = float(turn[1]), float(turn[2])
                yield Clip(
                    clip_id,
                    media.relative_to(self.root),
                    {"emotion": classes.index(self.emotions[turn[6]])},
                    # The F or M after the session tells who wears markers, not who speaks.
                    group=f"Ses{turn[4]}{turn[5] if span is None else ''}",
                    split=part,
                    text=texts.get(clip_id, "").strip(),
                    span=span,
                    # For the whole dialogue, so it is not called "text".
                    sidecars={"dialogue": words.relative_to(self.root)} if words.is_file() else {},
                    dialogue=path.stem,
                )


def _read(path: Path) -> str:
    """Return the text of a file; empty if it is missing."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
