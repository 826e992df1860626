"""What testing a classifier leaves: metrics, a table of decisions, confusion, reliability."""

import csv
from pathlib import Path
from typing import Any

from emorec.evaluation.calibration import calibration
from emorec.evaluation.clips import Votes, clip_metrics
from emorec.evaluation.measures import MEASURES
from emorec.figures.plots import confusion_figure, save_figure
from emorec.figures.reliability import reliability_figure
from emorec.tasks import ClassificationTask
from emorec.types import Clip


def report_classes(
    task: ClassificationTask, data: Any, folder: Path | None
) -> dict[str, dict[str, Any]]:
    """Return kind of scores -> its clip-level metrics; write a table and pictures of each.

    ``fused`` gives ``predictions.csv``, ``confusion_matrix.png`` and ``reliability.png``; another
    kind, such as ``audio``, gives ``predictions_audio.csv`` and ``confusion_matrix_audio.png``.

    Args:
        task: The task, after a test.
        data: Its data module.
        folder: Where to write; None: nothing is written.
    """
    classes = task.classes
    results: dict[str, dict[str, Any]] = {}
    for name, votes in task.test_votes.items():
        metrics = clip_metrics(votes, len(classes))
        results[name] = {
            "clips": metrics.clips,
            **metrics.scores,
            "recall": dict(zip(classes, metrics.recall, strict=True)),
            "confusion": metrics.confusion,
        }
        temperature = float(task.temperature)
        if name == "fused":
            raw = task.raw_votes[name]
            results[name] |= _calibration(raw, votes, temperature)
        if folder is None:
            continue
        suffix = "" if name == "fused" else f"_{name}"
        present = data.parts["test"].present
        write_predictions(
            folder / f"predictions{suffix}.csv", votes, data.all_clips, present, classes
        )
        main = MEASURES[0]
        value = main.shown(metrics.scores[main.name]).strip()
        value = value if metrics.clips else "no labelled clip"
        title = f"{name}: {main.title} {value}, {metrics.clips} clips"
        selected = ", SELECTED ON TEST" if data.select_on_test else ""
        title += selected
        figure = confusion_figure(metrics.confusion, classes, title)
        save_figure(figure, folder / f"confusion_matrix{suffix}.png")
        if name == "fused" and metrics.clips:
            title = f"{metrics.clips} test clips{selected}"
            figure = reliability_figure(raw.scores, votes.target, temperature, title)
            save_figure(figure, folder / "reliability.png")
    return results


def _calibration(raw: Votes, votes: Votes, temperature: float) -> dict[str, Any]:
    """Return how well calibrated the vote is, and was before the temperature."""
    kinds = {"calibration": votes.scores, "calibration_before": raw.scores}
    found: dict[str, Any] = {"temperature": temperature}
    for key, scores in kinds.items():
        values = calibration(scores, votes.target)
        found[key] = None if values is None else values._asdict()
    return found


def write_predictions(
    path: Path,
    votes: Votes,
    clips: list[Clip],
    present: dict[int, dict[str, list[bool]]],
    classes: list[str],
) -> None:
    """Write one row a clip: id, group, target, predicted, probabilities, segments, modalities.

    What is known of the speakers (``sex``, ``age``) follows, where it is known of any.

    Args:
        path: CSV file to write.
        votes: Decisions.
        clips: All clips; ``votes.clip`` is a position in it.
        present: Position of a clip -> modality -> which windows have it.
        classes: Class names.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        columns = [f"p_{name}" for name in classes]
        traits = sorted({name for p in votes.clip.tolist() for name in clips[p].traits})
        head = ["clip", "group", "target", "predicted", *columns, "segments", "modalities"]
        rows.writerow([*head, *traits])
        for position, scores, target, segments in zip(
            votes.clip.tolist(),
            votes.scores.tolist(),
            votes.target.tolist(),
            votes.segments.tolist(),
            strict=True,
        ):
            clip = clips[position]
            there = [name for name, windows in sorted(present[position].items()) if any(windows)]
            rows.writerow(
                [
                    clip.id,
                    clip.group,
                    classes[target] if target >= 0 else "",
                    classes[max(range(len(classes)), key=scores.__getitem__)],
                    *(f"{score:.6f}" for score in scores),
                    segments,
                    "+".join(there),
                    *(clip.traits.get(name, "") for name in traits),
                ]
            )
