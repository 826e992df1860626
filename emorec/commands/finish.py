"""The end of a run: its numbers in one file, its curves in a picture, and the last lines."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from matplotlib.figure import Figure

from emorec.callbacks import StagedTraining
from emorec.data import EmotionDataModule
from emorec.data.splits.leaks import shares_speakers
from emorec.data.splits.parts import FOLDED, PARTS, Part
from emorec.evaluation.measures import MEASURES, TRACE_MEASURES
from emorec.figures.curves import training_curves
from emorec.figures.lines import lines_figure
from emorec.figures.plots import save_figure
from emorec.runs.checkpoints import is_whole
from emorec.runs.directory import RunDirectory
from emorec.runs.results import Results
from emorec.system.files import copy_file, write_text
from emorec.system.version import code_version

LACKING: tuple[tuple[Part, str], ...] = (
    ("test", "no test clip is"),
    ("train", "no training clip is"),
)
NOTHING = {
    "test": "the numbers say nothing of it, and UAR and F1 are means over the other classes",
    "train": "the model cannot know it",
}


def write_results(
    run: RunDirectory,
    results: Mapping[str, Any],
    training: StagedTraining,
    data: EmotionDataModule,
    seed: int,
    *,
    missing: Mapping[str, Any],
    finished: bool,
) -> str:
    """Write best.ckpt, training_curves.png, summary.txt and, last, metrics.json.

    Args:
        run: The run directory.
        results: Kind of scores -> metrics on test clips, see the callback Report.
        training: The stages.
        data: The data module, for its split.
        seed: Seed of the run: weights and order.
        missing: Case -> rate -> metrics where a modality is missing.
        finished: Whether training went to its end.

    Returns:
        The summary: accuracies, and where the pictures and the model are.
    """
    if not training.best and is_whole(run.last):
        saved = torch.load(run.last, map_location="cpu", weights_only=True)["callbacks"]
        training.load_state_dict(saved["StagedTraining"])
    spans, first = {}, 0
    for name in training.stages:
        spans[name] = (first, first + training.length(name))
        first += training.length(name)
    stages = {
        name: {
            "monitor": training.stages[name].monitor,
            "score": best.get("score"),
            "best_epoch": best.get("epoch"),
        }
        for name, best in _best_epochs(run, training).items()
    }
    copy_file(run.checkpoints / f"{list(stages)[-1]}.ckpt", run.best)
    if any((run.path / "logs").glob("version_*/metrics.csv")):
        figure = training_curves(run.path / "logs", spans)
        save_figure(figure, run.path / "training_curves.png")
    if missing:
        figure = _draw_missing(missing, results["fused"]["accuracy"])
        save_figure(figure, run.path / "missing_modality.png")
    text = summary(run, results, data)
    if not finished:
        text = f"TRAINING IS NOT FINISHED: weights so far, of {', '.join(stages)}\n{text}"
    write_text(run.summary_file, text)
    Results(
        finished=finished,
        seed=seed,
        **conditions(data),
        test=dict(results),
        missing={
            case: {f"{rate:g}": metrics for rate, metrics in rates.items()}
            for case, rates in missing.items()
        },
        stages=stages,
    ).write(run.metrics_file)
    return text


def conditions(data: EmotionDataModule) -> dict[str, Any]:
    """Return what :class:`Results` has of the data and the code, by name of the field."""
    folded = data.split in FOLDED
    return {
        "emorec": code_version(),
        "data": type(data).__name__,
        "labels": data.label_note,
        "split": data.split,
        "split_seed": data.seed,
        "fold": data.fold if folded else None,
        "folds": data.folds if folded else None,
        "within": data.within,
        "speakers_shared": _shares_speakers(data),
        "selected_on_test": data.select_on_test,
        "clips": {part: len(data.parts[part].ids) for part in PARTS} | _generated(data),
        "labelled_training_clips": sum(bool(clip.labels) for clip in data.clips_of("train")),
        "classes": {name: list(target.names) for name, target in data.targets.items()},
    }


def _generated(data: EmotionDataModule) -> dict[str, int]:
    """Return the number of generated segments in training, if there are any."""
    return {} if data.more is None else {"generated": len(data.more.label)}


def _draw_missing(missing: Mapping[str, Any], whole: float | None) -> Figure:
    series = {
        f"{case} missing": [
            (rate, metrics["accuracy"], 0.0)
            for rate, metrics in {0.0: {"accuracy": whole}, **rates}.items()
            if metrics["accuracy"] is not None
        ]
        for case, rates in missing.items()
    }
    panel = {"one run": {name: points for name, points in series.items() if points}}
    return lines_figure(panel, x="share of test clips without the modality", y="accuracy")


def _best_epochs(run: RunDirectory, training: StagedTraining) -> dict[str, dict[str, float]]:
    """Return stage -> its best score and epoch, of the stages that have weights."""
    return {
        name: training.best.get(name, {})
        for name in training.stages
        if (run.checkpoints / f"{name}.ckpt").is_file()
    }


def _shares_speakers(data: EmotionDataModule) -> bool | None:
    """Whether test speakers are in training; those of an unlabelled corpus have other names."""
    own = [clip for clip in data.all_clips if clip.id not in data.unlabelled_ids]
    return shares_speakers(own, data.part_of_clip)


def summary(
    run: RunDirectory,
    results: Mapping[str, Any],
    data: EmotionDataModule,
    together: str | None = None,
) -> str:
    """Return the last lines of a run: numbers, where pictures lie, and where the model is.

    Args:
        run: The run directory.
        results: Kind of scores -> metrics on test clips.
        data: The data module, for its split.
        together: What ``fused`` is; None: its modalities.
    """
    shared = _shares_speakers(data)
    note = {True: "test speakers are in training, too", False: "no test speaker is in training"}
    speakers = "speakers unknown" if shared is None else note[shared]
    lines = [f"test clips: {len(data.parts['test'].ids)} (split {data.protocol}; {speakers})"]
    if data.label_note:
        lines.append(f"labels: {data.label_note}")
    for count in _generated(data).values():
        lines.append(f"  training also used {count} generated segments")
    lines += _lacking(data)
    modalities = sorted(data.extractors)
    for name, metrics in results.items():
        label = f"{name} alone"
        if name == "fused" and together is not None:
            label = together
        elif name == "fused":
            label = "both together" if len(modalities) == 2 else "+".join(modalities)
        lines.append(f"  {label:<16} {_line(metrics)}")
    pictures = sorted(path.name for path in run.path.glob("*.png"))
    lines.append(f"pictures in {run.path}: {', '.join(pictures)}")
    if run.best.is_file():  # a baseline keeps none
        lines.append(f"model: {run.best}")
    return "\n".join(lines) + "\n"


def _lacking(data: EmotionDataModule) -> Iterator[str]:
    """Yield a line a target that names its classes of which no clip is tested, or trained on."""
    for target, form in data.targets.items():
        if target in data.values:
            continue
        for part, what in LACKING:
            present = {clip.labels.get(target) for clip in data.clips_of(part)}
            lacking = [name for number, name in enumerate(form.names) if number not in present]
            if lacking:
                yield f"  {what} {', '.join(lacking)}: {NOTHING[part]}"


def _line(metrics: Mapping[str, Any]) -> str:
    """Return the metrics of one kind of scores: of classes, or of a continuous target."""
    if "dimensions" not in metrics:
        return "   ".join(f"{each.title} {each.shown(metrics[each.name])}" for each in MEASURES)
    main = TRACE_MEASURES[0]
    parts = [f"{name} {_number(each[main.name])}" for name, each in metrics["dimensions"].items()]
    before = metrics.get("before_processing")
    note = "" if before is None else f" (before post-processing {_number(before)})"
    return f"{main.title} {_number(metrics[main.name])}   {'   '.join(parts)}{note}"


def _number(value: float | None) -> str:
    return "  n/a" if value is None else f"{value:5.3f}"
