"""SAVEE (Haq and Jackson 2009): acted British English of four men."""

import re
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.extractors import Extractor
from emorec.system.files import walk_files
from emorec.types import Classes, Clip

EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SPEAKERS = ("DC", "JE", "JK", "KL")
MEDIA = {"audio_visual": frozenset({".avi", ".mp4"}), "audio_only": frozenset({".wav", ".flac"})}
TAKE = re.compile(r"(?:(dc|je|jk|kl)_)?(sa|su|a|d|f|h|n)(\d{1,2})")
LAYOUT = """expected the folders of SAVEE, in any depth of folders:
  ROOT/AudioVisualClip/DC/a1.avi   (picture and sound)
  ROOT/AudioData/DC/a01.wav        (sound only; needs data.media: audio_only)
or names with the speaker, such as DC_a01.wav; speakers are DC, JE, JK and KL, and names are an
emotion (a, d, f, h, n, sa or su) and the number of a sentence"""


class SAVEE(EmotionDataModule):
    """SAVEE, http://kahlan.eps.surrey.ac.uk/savee/; licence: ask the authors.

    S. Haq and P. J. B. Jackson, "Speaker-dependent audio-visual emotion recognition", AVSP 2009.
    480 clips of four men (DC, JE, JK, KL), each with 15 clips per emotion and 30 of neutral: 60
    per class, neutral 120. The group of a clip is its speaker; with four of them,
    ``leave_speakers_out`` has at most four folds.

    The text is the emotion's code and the number of the sentence, such as ``sa07``. Three
    sentences of each emotion are common to all, and neutral also has the two specific ones of each
    other emotion; which numbers these are is unverified, so they count as different texts here and
    the split ``held_out_text`` does not separate them.

    Args:
        root: Folder with the speakers' folders, or with files named ``DC_a01.wav``.
        extractors: Modality -> extractor.
        media: ``audio_visual`` (avi) or ``audio_only`` (wav). Unverified: that equal numbers mean
            the same take.
        neutral: Include neutral: seven classes; otherwise the six basic emotions.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        media: Literal["audio_visual", "audio_only"] = "audio_visual",
        neutral: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        self.media, self.neutral = media, neutral
        self.targets = {
            "emotion": Classes([e for e in EMOTIONS.values() if neutral or e != "neutral"])
        }
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        counts = {e: 120 if e == "neutral" else 60 for e in self.targets["emotion"].names}
        return {"speakers": 4, "clips": sum(counts.values()), **counts}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per take."""
        classes = self.targets["emotion"].names
        clips: dict[str, Clip] = {}
        for path in walk_files(self.root):
            take = TAKE.fullmatch(path.stem.lower())
            if not take or path.suffix.lower() not in MEDIA[self.media]:
                continue
            media = path.relative_to(self.root)
            speaker = (take[1] or media.parent.name).upper()
            if speaker not in SPEAKERS or EMOTIONS[take[2]] not in classes:
                continue
            text = f"{take[2]}{int(take[3]):02}"
            name = f"{speaker}_{text}"
            # A take in its speaker's folder and again under a flat name is one sample.
            clips.setdefault(
                name,
                Clip(
                    name,
                    media,
                    {"emotion": classes.index(EMOTIONS[take[2]])},
                    group=speaker,
                    text=text,
                ),
            )
        return [clips[name] for name in sorted(clips)]
