"""Analysis of an upload."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emorec.errors import UserError
from emorec.media import MediaError, probe
from emorec.predict import Predictor, Timeline
from emorec.predict.annotate import annotate
from emorec.system.workers import TimeLimitError

TAKEN = 60.0  # seconds after which the page has certainly copied a result


class UploadError(UserError):
    """An uploaded file cannot be shown; the message is for whoever uploaded it."""


@dataclass(frozen=True, slots=True)
class Result:
    """A timeline and the file to play.

    Attributes:
        timeline: The predictions, window by window.
        media: The annotated video or, for a file without video, the upload itself.
    """

    timeline: Timeline
    media: Path


class Analyser:
    """Analyses uploads one at a time: several users wait for each other.

    Args:
        predictor: The model.
        longest: Longest recording allowed, in seconds.
        hop: Seconds between the starts of consecutive windows.
    """

    def __init__(self, predictor: Predictor, longest: float = 300.0, hop: float = 0.25) -> None:
        self.predictor, self.longest, self.hop = predictor, longest, hop
        self._one = threading.Lock()
        # Copies show faces: they are deleted with this object, or earlier by _sweep.
        self._copies = tempfile.TemporaryDirectory(prefix="emorec-")

    def __call__(self, path: Path, progress: Callable[[int, int], None] | None = None) -> Result:
        """Return the timeline of an upload, with a copy of the video that any browser can play.

        Args:
            path: The uploaded file.
            progress: Called with the number of windows done and in total.

        Raises:
            UploadError: The file cannot be read, is too long, or has neither a face nor sound.
        """
        try:
            media = probe(path)
            if media.duration > self.longest:
                raise UploadError(
                    f"this recording lasts {media.duration:.0f} s; at most {self.longest:.0f} s "
                    "can be shown here (emorec predict takes any length)"
                )
            with self._one:
                timeline = self.predictor.timeline(path, self.hop, progress)
        except MediaError as error:
            raise UploadError(f"this file cannot be used: {error}") from error
        except TimeLimitError as error:
            raise UploadError("this file took too long to analyse; try a shorter one") from error
        if not timeline.seen:
            return Result(timeline, path)
        # In a separate folder: two users may upload files with the same name.
        self._sweep()
        folder = Path(tempfile.mkdtemp(dir=self._copies.name))
        copy = folder / f"{path.stem[:60]}_annotated.mp4"
        annotate(timeline, copy)
        return Result(timeline, copy)

    def close(self) -> None:
        """Delete all copies."""
        self._copies.cleanup()

    def _sweep(self) -> None:
        """Delete copies that the page has moved to its own cache by now."""
        for folder in Path(self._copies.name).iterdir():
            if time.time() - folder.stat().st_mtime > TAKEN:
                shutil.rmtree(folder, ignore_errors=True)
