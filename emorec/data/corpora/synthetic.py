"""A generated audio-visual set: real media files, for the demo, the tests and CI."""

from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from typing_extensions import override

from emorec.cache import Entry, WorkPlan
from emorec.data.corpora.generate import generate
from emorec.data.module import EmotionDataModule
from emorec.extractors import Extractor
from emorec.synthetic import EMOTIONS, ClipPlan, plan_clips, write_clip
from emorec.system.files import digest
from emorec.types import Classes, Clip


class Synthetic(EmotionDataModule):
    """Generated clips of several people who show six emotions by face and by voice.

    A face (a warped public-domain portrait) moves, and a synthetic voice speaks. Each modality
    shows the clip's emotion only with a given probability and is neutral otherwise, independently
    of the other one, so that with both reliabilities r the best possible accuracy is
    r + (1 - r) / 6 for one modality alone and r(2 - r) + (1 - r)^2 / 6 for both. Weak expressions
    lower both.

    What the modalities share beyond the label can be chosen, for studies of losses that couple
    them: the intensity of the expression, the identity, the lip movement and the codec.

    Args:
        extractors: Modality -> extractor.
        root: The media files are written below it, in a folder named by the options; None: the
            user's cache folder.
        subjects: Number of people, each with a look and a voice.
        takes: Clips per person and emotion.
        face_reliability: Probability that the face shows the emotion, 0 to 1.
        voice_reliability: The same for the voice.
        seconds: Length of the shortest and the longest clip.
        intensity: Weakest and strongest expression of the emotion, 0 (neutral, excluded) to 1;
            drawn uniformly for each clip.
        shared_intensity: Whether face and voice of a clip have the same intensity, so that they
            share more than the label; otherwise each draws its own from the same range.
        identity: Scale of the differences between people in look and voice: 0 makes all alike,
            2 doubles the differences.
        lip_sync: Whether the lips follow the voice; otherwise they say something else, and the
            modalities share nothing within a clip over time.
        avi_share: Share of the clips, 0 to 1, that are AVI files (mpeg4, PCM) rather than MP4
            (h264, AAC); a model can tell the codecs apart by picture and by sound.
        content_seed: Seed of the people and clips.
        options: Options of the base class.
    """

    targets = {"emotion": Classes(list(EMOTIONS))}  # noqa: RUF012
    needs_root = False  # preprocessing writes the files

    def __init__(
        self,
        extractors: dict[str, Extractor],
        root: Path | None = None,
        subjects: int = 8,
        takes: int = 5,
        face_reliability: float = 0.75,
        voice_reliability: float = 0.75,
        seconds: tuple[float, float] = (1.2, 2.0),
        intensity: tuple[float, float] = (1.0, 1.0),
        shared_intensity: bool = True,
        identity: float = 1.0,
        lip_sync: bool = True,
        avi_share: float = 0.25,
        content_seed: int = 0,
        **options: Any,
    ) -> None:
        self.plans: list[ClipPlan] = plan_clips(
            subjects=subjects,
            takes=takes,
            face_reliability=face_reliability,
            voice_reliability=voice_reliability,
            seconds=(seconds[0], seconds[1]),
            intensity=(intensity[0], intensity[1]),
            shared_intensity=shared_intensity,
            identity=identity,
            lip_sync=lip_sync,
            avi_share=avi_share,
            seed=content_seed,
        )
        # A plan's text omits defaults: media and caches of older sets keep their names.
        text = repr(self.plans)
        self._digest = digest(text, 4).hex()
        place = Path(root or user_cache_path("emorec")) / f"clips-{self._digest}"
        super().__init__(place, extractors, **options)
        self.save_hyperparameters(logger=False)

    @override
    @property
    def set_name(self) -> str:
        """The set's name and a digest of its clips."""
        return f"synthetic-{self._digest}"

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per plan."""
        classes = self.targets["emotion"].names
        return [
            Clip(
                plan.id,
                Path(f"{plan.id}.{plan.container}"),
                {"emotion": classes.index(plan.emotion)},
                group=plan.subject,
            )
            for plan in self.plans
        ]

    @override
    def preprocess(self, work: WorkPlan) -> list[Entry]:
        """Write the media files that are missing, then cache them."""
        pairs = zip(self.plans, self.clips(), strict=True)
        generate(write_clip, [(plan, self.root / clip.file) for plan, clip in pairs], work.workers)
        return super().preprocess(work)
