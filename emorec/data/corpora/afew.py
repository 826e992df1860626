"""AFEW (Dhall et al. 2012): clips of films, of the EmotiW challenges."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.errors import UserError
from emorec.extractors import Extractor
from emorec.system.files import digest, walk_files
from emorec.types import Classes, Clip

EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
PARTS = {"train": "train", "val": "test"}  # the test clips' labels are not public
MEDIA = frozenset({".avi", ".mp4"})
LAYOUT = """expected the folders of AFEW, in any depth of folders:
  ROOT/Train_AFEW/Angry/000046280.avi
  ROOT/Val_AFEW/Angry/000149120.avi
emotions are Angry, Disgust, Fear, Happy, Neutral, Sad and Surprise; folders of parts begin with
Train and Val"""


class AFEW(EmotionDataModule):
    """AFEW 7.0, of EmotiW 2017; on request from the organisers.

    A. Dhall et al., "Collecting large, richly annotated facial-expression databases from movies",
    IEEE MultiMedia 2012. Seven classes; 773 or 774 training, 383 validation and 653 test clips. As
    the test labels are not public, the validation clips are tested (split: official), as in most
    publications, and a share of the training clips of each class validates (ours: public code
    chose its epochs by hand). Which film and who it is of is not listed, so there are no groups,
    and clips of one film can be on both sides of training and validation.

    **Unverified**: the names of folders are those that public code reads; no copy of the data was
    seen.

    Args:
        root: Folder with the parts, in any depth.
        extractors: Modality -> extractor.
        validation: Share of the training clips that validate, 0 to below 1.
        options: Options of the base class.

    Raises:
        UserError: ``validation`` is out of range.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        validation: float = 0.15,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        if not 0 <= validation < 1:
            raise UserError(f"validation is a share from 0 to below 1, got {validation:g}")
        self.validation = validation
        self.targets = {"emotion": Classes(list(EMOTIONS.values()))}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        return {"clips": 773 + 383, "test": 383}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per file below a part's and an emotion's folder."""
        clips: dict[str, Clip] = {}
        for path in walk_files(self.root):
            media = path.relative_to(self.root)
            emotion = EMOTIONS.get(media.parent.name.lower())
            above = (name.lower() for name in reversed(media.parts[:-2]))
            parts = [part for name in above for part in PARTS if name.startswith(part)]
            if path.name.startswith(".") or path.suffix.lower() not in MEDIA:
                continue
            if emotion is None or not parts:
                continue
            part = parts[0]  # of the nearest folder
            name = f"{part}_{media.parent.name.lower()}_{path.stem}"
            label = self.targets["emotion"].names.index(emotion)
            clips.setdefault(name, Clip(name, media, {"emotion": label}, split=PARTS[part]))
        for number in range(len(EMOTIONS)):
            own = [
                name
                for name, clip in clips.items()
                if clip.split == "train" and clip.labels["emotion"] == number
            ]
            # By a digest of the name: adding a clip hardly changes the others' parts.
            order = sorted(own, key=lambda name: digest(name, 16))
            for name in order[: math.ceil(self.validation * len(own))]:
                clips[name] = replace(clips[name], split="val")
        return [clips[name] for name in sorted(clips)]
