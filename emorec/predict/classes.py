"""The class of a clip: the prediction for each window, and their vote."""

from collections.abc import Sequence

import numpy as np
import torch

from emorec.evaluation.decision import ClassDecision
from emorec.predict.faces import has_pictures, pictures_of
from emorec.predict.prediction import ClassPrediction
from emorec.predict.recording import Recording, nothing_usable
from emorec.predict.scoring import WHOLE, WindowRunner
from emorec.system.findings import Finding
from emorec.types import Array, Window


def predict_class(
    run: WindowRunner,
    decision: ClassDecision,
    recording: Recording,
    spans: Sequence[Window],
    findings: Sequence[Finding],
) -> ClassPrediction:
    """Return the vote of a recording's windows.

    Args:
        run: Runs the model.
        decision: The model's decision.
        recording: The recording.
        spans: Its windows.
        findings: What is already known to be unusual about it.

    Raises:
        MediaError: No window has a usable face or sound.
    """
    all_findings = list(findings)
    arrays: dict[str, list[Array | None]] = {}
    shown = {name: run.extractors[name] for name in run.model.modalities}
    for name, extractor in shown.items():
        found = extractor.extract(recording.clip, recording.of(name), spans)
        arrays[name] = found.arrays
        all_findings += [each for each in found.findings if each not in all_findings]
    used = [i for i in range(len(spans)) if any(a[i] is not None for a in arrays.values())]
    if not used:
        raise nothing_usable(all_findings)
    rows = [{name: values[i] for name, values in arrays.items()} for i in used]
    predicted = [{name: scores.tolist() for name, scores in each.items()} for each in run(rows)]
    classes = decision.target.names
    shares = np.mean(np.asarray([each[WHOLE] for each in predicted], np.float64), 0)
    vote = decision.decide(torch.from_numpy(shares)).tolist()
    alone = {
        name: np.mean(
            np.asarray([each[name] for each in predicted if name in each], np.float64), 0
        ).tolist()
        for name in shown
        if any(name in each for each in predicted)
    }
    return ClassPrediction(
        file=recording.file,
        label=classes[int(np.argmax(vote))],
        probabilities=dict(zip(classes, vote, strict=True)),
        windows=[spans[i] for i in used],
        scores=[each[WHOLE] for each in predicted],
        modalities={name: sum(a is not None for a in each) for name, each in arrays.items()},
        alone={name: dict(zip(classes, mean, strict=True)) for name, mean in alone.items()},
        findings=all_findings,
        crops=pictures_of(rows) if any(map(has_pictures, shown.values())) else [],
        title=recording.title,
    )
