"""RAVDESS (Livingstone and Russo 2018): acted speech and song of 24 actors."""

from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.extractors import Extractor
from emorec.system.files import walk_files
from emorec.types import Classes, Clip

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
BASIC = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
MEDIA = frozenset({".mp4", ".wav", ".flac"})
LAYOUT = """expected the archives of RAVDESS unpacked, in any depth of folders:
  ROOT/Actor_01/01-01-03-01-01-01-01.mp4   (picture and sound; Video_Speech_Actor_01.zip)
  ROOT/Actor_01/03-01-03-01-01-01-01.wav   (sound only; Audio_Speech_Actors_01-24.zip)
(sound only needs data.media: audio_only);
names are modality-channel-emotion-intensity-statement-repetition-actor"""


class RAVDESS(EmotionDataModule):
    """RAVDESS speech clips, https://doi.org/10.1371/journal.pone.0196391, CC BY-NC-SA 4.0.

    The complete set has 1440 speech takes of 24 actors: 192 of each emotion except neutral, which
    has 96. Ma et al. 2020 use the 1152 takes of six emotions. A take comes as up to three files
    (``01-`` picture and sound, ``02-`` picture only, ``03-`` sound only); it is one sample, and
    ``media`` selects its file. The group of a clip is its actor.

    Args:
        root: Folder with the actors' folders, or with archives unpacked side by side.
        extractors: Modality -> extractor.
        media: ``audio_visual`` (01), ``video_only`` (02) or ``audio_only`` (03: wav or flac).
        all_emotions: Include neutral and calm: eight classes.
        channel: ``speech`` or ``song``.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        media: Literal["audio_visual", "video_only", "audio_only"] = "audio_visual",
        all_emotions: bool = False,
        channel: Literal["speech", "song"] = "speech",
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        self.media, self.channel = media, channel
        classes = sorted(EMOTIONS.values()) if all_emotions else list(BASIC)
        self.targets = {"emotion": Classes(classes)}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        if self.channel == "song":  # actor 18 has no songs; other counts are not verified
            return {"speakers": 23}
        counts = {e: 96 if e == "neutral" else 192 for e in self.targets["emotion"].names}
        return {"speakers": 24, "clips": sum(counts.values()), **counts}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per take."""
        modality = {"audio_visual": "01", "video_only": "02", "audio_only": "03"}[self.media]
        channel = {"speech": "01", "song": "02"}[self.channel]
        classes = self.targets["emotion"].names
        clips: dict[str, Clip] = {}
        for path in walk_files(self.root):
            fields = path.stem.split("-")
            if path.suffix.lower() not in MEDIA or not _is_take(fields):
                continue
            emotion = EMOTIONS[fields[2]]
            if fields[:2] != [modality, channel] or emotion not in classes:
                continue
            take = "-".join(fields[1:])
            # A take unpacked twice, or present as wav and flac, is one sample.
            clips.setdefault(
                take,
                Clip(
                    take,
                    path.relative_to(self.root),
                    {"emotion": classes.index(emotion)},
                    group=f"actor_{fields[6]}",
                    text=f"statement {fields[4]}",
                    traits={"sex": "male" if int(fields[6]) % 2 else "female"},
                ),
            )
        return list(clips.values())


def _is_take(fields: list[str]) -> bool:
    return len(fields) == 7 and all(f.isdigit() for f in fields) and fields[2] in EMOTIONS
