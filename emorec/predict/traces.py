"""The trace of a recording: the predictions for its windows, joined and post-processed."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from emorec.evaluation.decision import TraceDecision
from emorec.evaluation.traces import Trace, WindowValues, of_length
from emorec.predict.prediction import TracePrediction
from emorec.predict.recording import Recording, nothing_usable
from emorec.predict.scoring import WHOLE, WindowRunner
from emorec.system.findings import Finding, FindingKind
from emorec.types import Window

PART = 16  # windows in memory at once; FaceSequence's groups divide it
LARGE = 2**26  # bytes; recordings with larger arrays are extracted part by part
SOUND = 2**29  # the same for sound, over two hours: silence is judged on the whole recording


def predict_trace(
    run: WindowRunner,
    decision: TraceDecision,
    recording: Recording,
    spans: Sequence[Window],
    findings: Sequence[Finding],
    progress: Callable[[int, int], None] | None = None,
) -> TracePrediction:
    """Return the trace of a recording, computed as in testing.

    Overlapping windows are averaged. The annotators' delay and the fitted post-processing are
    applied. Memory does not grow with the recording, except for arrays of at most 64 MiB per
    modality (512 MiB for sound) and the returned numbers.

    Args:
        run: Runs the model.
        decision: The model's decision.
        recording: The recording.
        spans: Its windows.
        findings: What is already known to be unusual about it.
        progress: Called with the number of windows done and in total.

    Raises:
        MediaError: No window has a usable face or sound.
    """
    all_findings = list(findings)
    clip, shown = recording.clip, {n: run.extractors[n] for n in run.model.modalities}
    whole = {
        name: one.extract(clip, recording.of(name), spans)
        for name, one in shown.items()
        if len(spans) * np.prod(one.shape) * np.dtype(one.dtype).itemsize
        < (SOUND if one.is_sound else LARGE)
    }
    predicted: dict[str, dict[int, Tensor]] = {}
    present = dict.fromkeys(shown, 0)
    for start in range(0, len(spans), PART):
        part = spans[start : start + PART]
        arrays = {}
        for name, one in shown.items():
            found = whole.get(name) or one.extract(clip, recording.of(name), part)
            own = slice(start, start + len(part)) if name in whole else slice(None)
            arrays[name] = found.arrays[own]
            present[name] += sum(array is not None for array in arrays[name])
            all_findings += [
                each
                for each in found.findings
                if not each.counts_windows and each not in all_findings
            ]
        used = [i for i in range(len(part)) if any(a[i] is not None for a in arrays.values())]
        rows = [{name: each[i] for name, each in arrays.items()} for i in used]
        for window, values in zip(used, run(rows), strict=True):
            for name, each in values.items():
                predicted.setdefault(name, {})[start + window] = each
        if progress is not None:
            progress(start + len(part), len(spans))
    all_findings += _absent(present, len(predicted.get(WHOLE, {})), len(spans))
    if not predicted:
        raise nothing_usable(all_findings)
    starts = [window.start for window in spans]
    traces = {name: _joined(decision, values, starts) for name, values in predicted.items()}
    fused, step = decision.decide(traces.pop(WHOLE)), decision.target.step
    # The last window of a short recording, and a delayed trace, extend past its end.
    length = round(max(starts) / step) + len(next(iter(predicted[WHOLE].values())))
    known = max(1, int(np.floor(recording.media.duration / step + 1e-6)))
    steps = min(known, length + decision.target.delay_steps)
    return TracePrediction(
        file=recording.file,
        dimensions=list(decision.target.names),
        step=step,
        values=of_length(fused, steps),
        alone={name: of_length(traces[name], steps) for name in shown if name in traces},
        modalities=present,
        duration=recording.media.duration,
        findings=all_findings,
        title=recording.title,
        processed=any(chain.described() for chain in decision.chains()),
    )


def _joined(
    decision: TraceDecision, predicted: Mapping[int, Tensor], starts: Sequence[float]
) -> Trace:
    """Return the trace, (steps, dimensions), of the values predicted for windows."""
    which = torch.tensor(list(predicted))
    rows = WindowValues(torch.zeros_like(which), which, torch.stack(list(predicted.values())))
    return decision.join(rows, {0: starts})[0]


def _absent(present: Mapping[str, int], known: int, count: int) -> Iterator[Finding]:
    """Yield findings about modalities that are absent in some windows."""
    for name, windows in present.items():
        if windows < count and (len(present) > 1 or not windows):
            yield Finding(FindingKind.ABSENT, name, count - windows, count)
    if 0 < known < count:
        yield Finding(FindingKind.NO_VALUES, "", count - known, count)
