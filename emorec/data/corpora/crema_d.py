"""CREMA-D (Cao et al. 2014): twelve sentences by 91 actors, with the votes of raters."""

import csv
import re
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.system.files import walk_files
from emorec.types import Classes, Clip

EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
MEDIA = {"audio_visual": frozenset({".flv", ".mp4"}), "audio_only": frozenset({".wav", ".flac"})}
VOTES = {"audio_visual": "MultiModalVote", "audio_only": "VoiceVote"}
TABLE = "processedResults/summaryTable.csv"
TAKE = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|X{1,2})")
BAD = frozenset({"1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"})
LAYOUT = """expected the repository of CREMA-D with its media (git lfs pull):
  ROOT/VideoFlash/1001_DFA_ANG_XX.flv      (picture and sound)
  ROOT/AudioWAV/1001_DFA_ANG_XX.wav        (sound only; needs data.media: audio_only)
  ROOT/processedResults/summaryTable.csv   (votes; for data.labels: perceived)
names are actor_sentence_emotion_level"""


class CREMAD(EmotionDataModule):
    """CREMA-D, https://doi.org/10.1109/TAFFC.2014.2336244, Open Database License 1.0.

    7442 clips of 91 actors, who say twelve sentences in six emotions, neutral included, surprise
    not. The group of a clip is its actor, the text its sentence's code. Levels are ``LO``,
    ``MD``, ``HI`` and ``XX`` (unspecified); older copies have ``1040_ITH_SAD_X``, which gets the
    id ``1040_ITH_SAD_XX``, as the table of votes has it. A copy of the repository without git-lfs
    has small text files in place of the media.

    The intended emotion is the one the actor was asked to express, the perceived one that most
    raters chose. Ratings match the intended one in 63.6 % (audio-visual) and 40.9 % (voice only),
    so a result must say which is meant.

    Args:
        root: Folder of the repository.
        extractors: Modality -> extractor.
        media: ``audio_visual`` or ``audio_only``.
        labels: ``intended``, or ``perceived``: the vote on what ``media`` presents, picture and
            sound or voice; clips whose vote is a tie (``A:D``) are left out.
        known_bad: Keep four clips that the repository's issue 8 reports: 1076_MTI_SAD_XX (silent,
            no face), 1076_MTI_NEU_XX, 1064_TIE_SAD_XX (without sound or length) and
            1064_IEO_DIS_MD (a minute of several emotions). Preprocessing finds other damage.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        media: Literal["audio_visual", "audio_only"] = "audio_visual",
        labels: Literal["intended", "perceived"] = "intended",
        known_bad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        self.media, self.labels, self.known_bad = media, labels, known_bad
        self.targets = {"emotion": Classes(list(EMOTIONS.values()))}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def label_note(self) -> str:
        """Which label is used, for results."""
        if self.labels == "intended":
            return "intended emotion"
        return f"perceived emotion (vote of raters, {self.media.replace('_', '-')})"

    @override
    @property
    def published(self) -> dict[str, int]:
        return {"speakers": 91, "clips": 7442}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per take."""
        votes = self._votes() if self.labels == "perceived" else None
        letters = [code[0] for code in EMOTIONS]  # of the votes, in the order of the classes
        clips: dict[str, Clip] = {}
        for path in walk_files(self.root):
            take = TAKE.fullmatch(path.stem)
            if not take or path.suffix.lower() not in MEDIA[self.media]:
                continue
            actor, sentence, emotion, level = take.groups()
            name = f"{actor}_{sentence}_{emotion}_{'XX' if level == 'X' else level}"
            letter = emotion[0] if votes is None else votes.get(name, "")
            if letter not in letters or (name in BAD and not self.known_bad):
                continue
            # A take unpacked twice, or present in two formats, is one sample.
            clips.setdefault(
                name,
                Clip(
                    name,
                    path.relative_to(self.root),
                    {"emotion": letters.index(letter)},
                    group=f"actor_{actor}",
                    text=sentence,
                ),
            )
        return [clips[name] for name in sorted(clips)]

    def _votes(self) -> dict[str, str]:
        """Return clip name -> letter of the emotion; in a tie several, joined by colons."""
        tables = [path for path in walk_files(self.root) if path.match(TABLE)]
        if not tables:
            raise DataError(f"no {TABLE} in {self.root}, for labels: perceived; {LAYOUT}")
        column = VOTES[self.media]
        with tables[0].open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            found = list(reader.fieldnames or [])
            if not {"FileName", column} <= set(found):
                raise DataError(
                    f"{tables[0]} has no FileName or no {column}; found: {', '.join(found)}"
                )
            return {row["FileName"].strip(): (row[column] or "").strip() for row in reader}
