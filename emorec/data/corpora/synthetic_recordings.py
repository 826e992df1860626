"""Generated recordings with traces of affect: arousal in the voice, valence in the face."""

from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from typing_extensions import override

from emorec.cache import Entry, WorkPlan
from emorec.data.corpora.generate import generate
from emorec.data.module import EmotionDataModule
from emorec.errors import DataError
from emorec.extractors import Extractor
from emorec.synthetic import RecordingPlan, plan_recordings, write_recording, write_trace
from emorec.system.files import digest
from emorec.types import Clip, Values
from emorec.windows import SlidingWindows, Windows

DIMENSIONS = ("arousal", "valence")


class SyntheticRecordings(EmotionDataModule):
    """Recordings of generated people in the form of RECOLA: two dimensions, every 40 ms.

    The voice shows only arousal, the face only valence, each with its own noise s, so that no model
    can exceed a CCC of 1 / sqrt(1 + s^2) on long recordings; see :func:`emorec.synthetic.ceiling`.

    Args:
        extractors: Modality -> extractor.
        root: The media files are written below it, in a folder named by the options; None: the
            user's cache folder.
        subjects: Number of people, each with a look and a voice.
        takes: Recordings per person.
        seconds: Length of a recording.
        voice_noise: s of the voice, at least 0.
        face_noise: s of the face, at least 0.
        identity: Scale of the differences between people, 0 to 2.
        content_seed: Seed of the people and recordings.
        windows: Where recordings are cut; None: contiguous 6 s.
        step: Seconds per step of the target, a multiple of 0.04.
        delay: Seconds by which the gold standard lags, as annotators do. It is written into the
            traces, and compensated in training.
        compensate: Whether it is compensated; otherwise the model has to learn it.
        options: Options of the base class.
    """

    targets = {"affect": Values(DIMENSIONS)}  # noqa: RUF012
    needs_root = False  # preprocessing writes the files

    def __init__(
        self,
        extractors: dict[str, Extractor],
        root: Path | None = None,
        subjects: int = 9,
        takes: int = 1,
        seconds: float = 60.0,
        voice_noise: float = 0.5,
        face_noise: float = 0.5,
        identity: float = 1.0,
        content_seed: int = 0,
        windows: Windows | None = None,
        step: float = 0.04,
        delay: float = 0.0,
        compensate: bool = True,
        **options: Any,
    ) -> None:
        self.plans: list[RecordingPlan] = plan_recordings(
            subjects=subjects,
            takes=takes,
            seconds=seconds,
            voice_noise=voice_noise,
            face_noise=face_noise,
            identity=identity,
            seed=content_seed,
        )
        if delay < 0 or step <= 0:
            raise DataError(f"step must be above 0 and delay at least 0 s, got {step} and {delay}")
        self.lag = delay
        text = repr((self.plans, delay) if delay else self.plans)
        self._digest = digest(text, 4).hex()
        place = Path(root or user_cache_path("emorec")) / f"recordings-{self._digest}"
        super().__init__(place, extractors, windows=windows or SlidingWindows(step=step), **options)
        self.targets = {"affect": Values(DIMENSIONS, step, delay if compensate else 0.0)}
        self.save_hyperparameters(logger=False)

    @override
    @property
    def set_name(self) -> str:
        """The set's name and a digest of its recordings."""
        return f"recordings-{self._digest}"

    @override
    def clips(self) -> list[Clip]:
        """Return one clip per recording."""
        return [
            Clip(
                plan.id,
                Path(f"{plan.id}.mp4"),
                {"affect": ()},
                group=plan.subject,
                sidecars={"affect": Path(f"{plan.id}.csv")},
            )
            for plan in self.plans
        ]

    @override
    def preprocess(self, work: WorkPlan) -> list[Entry]:
        """Write the files that are missing, then cache them."""
        self.root.mkdir(parents=True, exist_ok=True)
        for plan in self.plans:
            if not (self.root / f"{plan.id}.csv").exists():
                write_trace(plan, self.root / f"{plan.id}.csv", delay=self.lag)
        pairs = [(plan, self.root / f"{plan.id}.mp4") for plan in self.plans]
        generate(write_recording, pairs, work.workers)
        return super().preprocess(work)
