"""The report of a test in the run directory: numbers, decisions, figures."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emorec.data.splits.file import write_split
from emorec.evaluation.decision import ClassDecision, TraceDecision
from emorec.figures.plots import save_figure
from emorec.runs.tested_classes import TestedClasses
from emorec.runs.tested_traces import TestedTraces
from emorec.system.files import write_text
from emorec.tasks import EmotionTask, task_of


def results_of(task: EmotionTask) -> list[TestedClasses | TestedTraces]:
    """Return the results of a task after a test, for each kind of scores.

    Args:
        task: The task, with its trainer.
    """
    decision, data = task.model.decision, task.data
    pairs = [(name, found, task.raw_results[name]) for name, found in task.test_results.items()]
    if isinstance(decision, TraceDecision):
        gold = data.traces[task.model.target_name]
        return [TestedTraces(*each, decision, gold, data) for each in pairs]
    assert isinstance(decision, ClassDecision)
    return [TestedClasses(*each, decision, data) for each in pairs]


class Report(Callback):
    """Writes a table and figures for each kind of scores after each test.

    ``fused`` gives ``predictions.csv`` and, for classes, ``confusion_matrix.png`` and
    ``reliability.png``, for values over time ``traces.png``; another kind, such as ``audio``, gives
    ``predictions_audio.csv``, ``confusion_matrix_audio.png`` and so on.

    Args:
        folder: The run directory.

    Attributes:
        results: Kind of scores -> its metrics, from all tests so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: dict[str, dict[str, Any]] = {}

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the part of each clip, for later commands on the run."""
        path = self.folder / "split.csv"
        if trainer.is_global_zero and not path.is_file():
            write_split(path, task_of(pl_module).data.part_of_clip)

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for each in results_of(task_of(pl_module)):
            self.results[each.name] = each.results()
            if not trainer.is_global_zero:
                continue
            suffix = "" if each.name == "fused" else f"_{each.name}"
            table = each.table().to_csv(index=False)
            write_text(self.folder / f"predictions{suffix}.csv", table)
            for name, figure in each.figures():
                save_figure(figure, self.folder / f"{name}{suffix}.png")
