"""Statistics of speakers: measured on the inputs of a command, or read from a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emorec.errors import UserError
from emorec.extractors.statistics import LEAST, Moments, SpeakerStatistics
from emorec.predict.inputs import Input
from emorec.predict.output import state_of
from emorec.predict.predictor import Predictor
from emorec.system.files import digest, write_text
from emorec.system.progress import progress

FILE = "speakers.json"


def speaker_of(one: Input, named: str | None) -> str:
    """Return the speaker of an input: the named one, or the manifest's group; may be empty."""
    return named or (one.clip.group if one.clip else "")


def statistics_of(
    predictor: Predictor,
    inputs: Sequence[Input],
    folder: Path,
    *,
    named: str | None,
    file: Path | None,
) -> dict[str, SpeakerStatistics]:
    """Return speaker -> statistics, for a model whose inputs are normalised within the speaker.

    Those in ``file`` are used as they are. Other speakers with at least two inputs are measured on
    all of them, and the result is written to ``speakers.json`` in the folder; repeating a command
    with the same inputs reads it.

    Args:
        predictor: The model.
        inputs: All inputs of the command.
        folder: The output folder.
        named: The speaker of all inputs; None: the groups of manifests.
        file: A file that an earlier command wrote.

    Raises:
        UserError: The model does not normalise within the speaker, or the file is not as expected.
    """
    if predictor.within != "speaker":
        if named or file:
            raise UserError(
                "--speaker and --speakers are for models trained with data.within: speaker; this "
                "one normalises its inputs by the training clips: leave them out"
            )
        return {}
    found = {} if file is None else {n: each for n, (each, _) in _read(file).items()}
    by_speaker: dict[str, list[Input]] = {}
    for one in inputs:
        if (speaker := speaker_of(one, named)) and speaker not in found:
            by_speaker.setdefault(speaker, []).append(one)
    written = folder / FILE
    known = _read(written) if written.is_file() else {}
    measured: dict[str, tuple[SpeakerStatistics, str]] = {}
    for speaker, own in by_speaker.items():
        if len(own) < LEAST:
            continue
        state = digest(json.dumps([[one.key, state_of(one)] for one in own])).hex()
        if known.get(speaker, (None, ""))[1] == state:
            measured[speaker] = known[speaker]
            continue
        bar = progress(own, unit="file", desc=f"measure {speaker}")
        measured[speaker] = predictor.measure([one.named for one in bar]), state
    if measured:
        write_text(written, json.dumps({n: _plain(*each) for n, each in measured.items()}) + "\n")
    return found | {name: each for name, (each, _) in measured.items()}


def fingerprint(statistics: SpeakerStatistics) -> str:
    """Return a digest of the numbers."""
    return digest(json.dumps(_plain(statistics, ""))).hex()


def _plain(statistics: SpeakerStatistics, state: str) -> dict[str, Any]:
    return {
        "inputs": state,
        "modalities": {
            name: {
                "clips": statistics.clips[name],
                "mean": np.asarray(mean).tolist(),
                "deviation": np.asarray(deviation).tolist(),
            }
            for name, (mean, deviation) in statistics.moments.items()
        },
    }


def _read(file: Path) -> dict[str, tuple[SpeakerStatistics, str]]:
    """Return speaker -> statistics and the digest of what they were measured on."""
    try:
        tree = json.loads(file.read_text("utf-8"))
        return {name: (_statistics(each), str(each["inputs"])) for name, each in tree.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{file} is not what emorec predict --speaker writes ({FILE} in its output folder): "
            f"{type(error).__name__}: {error}"
        ) from error


def _statistics(tree: Mapping[str, Any]) -> SpeakerStatistics:
    clips: dict[str, int] = {}
    moments: dict[str, Moments] = {}
    for name, each in tree["modalities"].items():
        clips[name] = int(each["clips"])
        mean, deviation = (np.asarray(each[key], np.float32) for key in ("mean", "deviation"))
        if mean.shape != deviation.shape or not (np.isfinite(mean) & (deviation >= 0)).all():
            raise ValueError(f"{name} has no finite mean and deviation of one shape")
        moments[name] = (mean, deviation)
    return SpeakerStatistics(clips, moments)
