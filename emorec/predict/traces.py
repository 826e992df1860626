"""A trained model of values over time on new recordings: the trace of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from emorec.evaluation.traces import Values, WindowValues, join_windows, of_length
from emorec.extractors import Extractor, SoundExtractor
from emorec.media import MediaError
from emorec.predict.kinds import need_values
from emorec.predict.predictor import Predictor
from emorec.predict.recording import open_recording
from emorec.predict.scoring import WHOLE, WindowRunner
from emorec.predict.trace_prediction import TracePrediction
from emorec.runs.checkpoints import load_checkpoint
from emorec.tasks import RegressionTask
from emorec.types import Array, Clip
from emorec.windows import Windows

PART = 16  # windows that are in memory at once; groups of FaceSequence fit into it
LARGE = 2**26  # bytes of a recording's arrays from which on windows are extracted part by part
SOUND = 2**29  # of sound, more than two hours: whether it is silence shows in the whole


class TracePredictor:
    """Applies a trained regression task to recordings.

    Args:
        task: The trained task.
        windows: Where recordings are cut.
        extractors: Modality -> extractor.
        step: Seconds a step of the trace, as in training.
        device: Where the model runs.
        batch_size: Windows a forward pass; None: as many as fit into memory.

    Example::

        predictor = TracePredictor.from_checkpoint("runs/mine/checkpoints/best.ckpt")
        predictor.predict("recording.mp4").to_frame()
    """

    def __init__(
        self,
        task: RegressionTask,
        windows: Windows,
        extractors: dict[str, Extractor],
        step: float = 0.04,
        device: str = "cpu",
        batch_size: int | None = None,
    ) -> None:
        self.task = task.to(device).eval()
        self.windows, self.extractors, self.step = windows, extractors, step
        self.run = WindowRunner(self.task, extractors, device, batch_size)

    @classmethod
    def from_checkpoint(
        cls,
        path: str | Path,
        device: str = "auto",
        batch_size: int | None = None,
        *,
        trust: bool = False,
    ) -> Self:
        """Load a checkpoint of ``emorec fit``; see :class:`~emorec.predict.Predictor`.

        Raises:
            CheckpointError: It cannot be read, or names foreign classes and is not trusted.
            TaskError: It holds no regression task.
        """
        task, data = load_checkpoint(Path(path), trust=trust)
        known = need_values(task, path)
        place = Predictor.find_device(device)
        return cls(known, data.windows, data.extractors, data.step, place, batch_size)

    def predict(
        self, named: str | Path | Clip, progress: Callable[[int, int], None] | None = None
    ) -> TracePrediction:
        """Return the trace of a recording, made as testing makes it.

        Windows are cut and extracted as in training; where they overlap, the mean of what they say
        counts. The annotators' delay and the post-processing that were fitted are applied. Memory
        does not grow with the recording, except for arrays of at most 64 MiB a modality (512 MiB of
        sound) and the numbers that are returned.

        Args:
            named: The recording: a file; or a clip, where the model also reads other files of it,
                or where sound and picture are in files of their own.
            progress: Called with the number of windows that are done and of all.

        Raises:
            MediaError: The file cannot be read, or no window has a face or sound to go by.
        """
        shown = {name: self.extractors[name] for name in self.task.shown}
        recording = open_recording(named, shown)
        clip, media = recording.clip, recording.media
        spans, warnings = self.windows.cut(clip.id, media)
        warnings = list(dict.fromkeys([*recording.warnings, *warnings]))
        parts = [spans[start : start + PART] for start in range(0, len(spans), PART)]
        whole = {
            name: one.extract(clip, recording.of(name), spans)
            for name, one in shown.items()
            if len(spans) * np.prod(one.shape) * np.dtype(one.dtype).itemsize
            < (SOUND if isinstance(one, SoundExtractor) else LARGE)
        }
        said: dict[str, dict[int, Tensor]] = {}
        there = dict.fromkeys(shown, 0)
        done = 0
        for part in parts:
            arrays = {}
            for name, one in shown.items():
                found = whole.get(name) or one.extract(clip, recording.of(name), part)
                own = slice(done, done + len(part)) if name in whole else slice(None)
                arrays[name] = found.arrays[own]
                there[name] += sum(array is not None for array in arrays[name])
                warnings += [w for w in found.warnings if "windows" not in w and w not in warnings]
            for window, values in self._part(arrays, len(part)):
                for name, each in values.items():
                    said.setdefault(name, {})[done + window] = each
            done += len(part)
            if progress is not None:
                progress(done, len(spans))
        warnings += self._odd(there, len(said.get(WHOLE, {})), len(spans))
        if not said:
            raise MediaError(f"nothing usable in any window ({'; '.join(warnings)})")
        starts = [round(window.start / self.step) for window in spans]
        traces = {name: self._join(values, starts) for name, values in said.items()}
        fused = self.task.processed(traces.pop(WHOLE))
        # The last window of a short recording reaches past its end, and a late trace does too.
        length = max(starts) + len(next(iter(said[WHOLE].values()))) + int(self.task.delay)
        steps = min(max(1, int(np.floor(media.duration / self.step + 1e-6))), length)
        return TracePrediction(
            recording.file,
            list(self.task.classes),
            self.step,
            of_length(fused, steps),
            {name: of_length(traces[name], steps) for name in self.task.shown if name in traces},
            there,
            media.duration,
            warnings,
            recording.title,
            any(chain.described() for chain in self.task.chains()),
        )

    def _part(
        self, arrays: Mapping[str, list[Array | None]], count: int
    ) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """Yield which windows of a part have anything, and what is said of them."""
        used = [i for i in range(count) if any(each[i] is not None for each in arrays.values())]
        rows = [{name: each[i] for name, each in arrays.items()} for i in used]
        yield from zip(used, self.run.outputs(rows), strict=True)

    def _join(self, said: Mapping[int, Tensor], starts: Sequence[int]) -> Values:
        """Return the trace, (steps, dimensions), of what was said of windows."""
        where = torch.tensor(list(said))
        rows = WindowValues(torch.zeros_like(where), where, torch.stack(list(said.values())))
        return join_windows(rows, lambda _: starts, int(self.task.delay))[0]

    def _odd(self, there: Mapping[str, int], known: int, count: int) -> Iterator[str]:
        """Yield what is missing in some windows."""
        for name, windows in there.items():
            if windows < count and (len(there) > 1 or not windows):
                yield f"no {name} in {count - windows} of {count} windows"
        if 0 < known < count:
            yield f"nothing usable in {count - known} of {count} windows: no values there"
