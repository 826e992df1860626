"""eNTERFACE'05 (Martin et al. 2006): six emotions, each in five sentences of its own."""

import re
from pathlib import Path
from typing import Any

from typing_extensions import override

from emorec.data.module import EmotionDataModule
from emorec.extractors import Extractor
from emorec.system.files import walk_files
from emorec.types import Classes, Clip

EMOTIONS = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
MEDIA = frozenset({".avi", ".mp4"})
UNCUT = 6  # the subject whose recordings are not cut into sentences
SUBJECT = re.compile(r"subject[ _-]*(\d+)")
SENTENCE = re.compile(r"sentence[ _-]*(\d+)")
NAME = re.compile(r"s[ _]*(\d+)[ _]+([a-z]{2})(?:[ _]*(\d+))?[ _]*")
LAYOUT = """expected the archive of eNTERFACE'05 unpacked, in any depth of folders:
  ROOT/subject 1/anger/sentence 1/s1_an_1.avi
with the emotions anger, disgust, fear, happiness, sadness and surprise, and five sentences each;
what folders do not state is read from the file's name, such as s1_an_1.avi"""


class ENTERFACE05(EmotionDataModule):
    """eNTERFACE'05, https://doi.org/10.1109/ICDEW.2006.145; licence: ask the authors.

    Each emotion has its own five sentences: the words give the class away (see the split
    ``held_out_text``). The text of a clip is a code such as ``an_4``, its group the subject. 44
    folders of subjects are distributed, more than the 42 of the corpus paper.

    Folders take precedence over file names, which sometimes have the wrong subject, and may have
    capitals, blanks and stray underscores. Subject 6 has one uncut recording per emotion, and
    subject 23 lacks three clips of happiness. That makes 43 x 30 - 3 = 1287 clips, the number of
    Ma et al. 2020 (who state 42 subjects), and 1293 with subject 6, the sum of their classes
    (happiness 213, each other emotion 216). Unverified on the files: these counts, from public
    listings and arithmetic, and the names of subject 6's files.

    Args:
        root: Folder with the subjects' folders, in any depth.
        extractors: Modality -> extractor.
        subject_6: Keep the six recordings of subject 6. Each has all sentences of its emotion, so
            they have no text, and the split ``held_out_text`` refuses them.
        options: Options of the base class.
    """

    layout = LAYOUT

    def __init__(
        self,
        root: Path,
        extractors: dict[str, Extractor],
        subject_6: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(root, extractors, **options)
        self.subject_6 = subject_6
        self.targets = {"emotion": Classes(list(EMOTIONS.values()))}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def published(self) -> dict[str, int]:
        return {"clips": 1293 if self.subject_6 else 1287}

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per sentence and subject."""
        codes = list(EMOTIONS)
        clips: dict[str, Clip] = {}
        for path in walk_files(self.root):
            media = path.relative_to(self.root)
            if media.suffix.lower() not in MEDIA or media.name.startswith("."):
                continue
            subject, code, sentence = _place(media)
            known = subject and code and (sentence or subject == UNCUT)
            if not known or (subject == UNCUT and not self.subject_6):
                continue
            text = f"{code}_{sentence}" if sentence else ""
            name = f"s{subject:02}_{text or code}"
            # A sentence unpacked twice, or present as avi and mp4, is one sample.
            clips.setdefault(
                name,
                Clip(
                    name,
                    media,
                    {"emotion": codes.index(code)},
                    group=f"subject_{subject:02}",
                    text=text,
                ),
            )
        return [clips[name] for name in sorted(clips)]


def _place(media: Path) -> tuple[int, str, int]:
    """Return subject, code of the emotion and sentence; 0 or empty where unknown."""
    subject, code, sentence = 0, "", 0
    name = NAME.fullmatch(media.stem.lower().strip())
    if name:
        code = name[2] if name[2] in EMOTIONS else ""
        subject, sentence = int(name[1]), int(name[3] or 0)
    for folder in media.parts[:-1]:
        folder = folder.lower().strip()
        if match := SUBJECT.fullmatch(folder):
            subject = int(match[1])
        elif match := SENTENCE.fullmatch(folder):
            sentence = int(match[1])
        else:
            code = next((c for c, emotion in EMOTIONS.items() if folder == emotion), code)
    return subject, code, sentence
