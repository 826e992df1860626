"""What testing leaves in the run directory: numbers, decisions, pictures."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from emorec.data.splits.file import write_split
from emorec.runs.report_classes import report_classes
from emorec.runs.report_traces import report_traces
from emorec.tasks import ClassificationTask, RegressionTask


class Report(Callback):
    """Writes, after each test, a table and pictures for each kind of scores.

    See :func:`~emorec.runs.report_classes.report_classes` and
    :func:`~emorec.runs.report_traces.report_traces`.

    Args:
        folder: The run directory.

    Attributes:
        results: Kind of scores -> its metrics, of all tests so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: dict[str, dict[str, Any]] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write which clip is in which part, for the run's later commands."""
        data: Any = getattr(trainer, "datamodule", None)
        path = self.folder / "split.csv"
        if trainer.is_global_zero and not path.is_file():
            write_split(path, data.assigned)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the files; see the class."""
        data: Any = getattr(trainer, "datamodule", None)
        folder = self.folder if trainer.is_global_zero else None
        if isinstance(pl_module, ClassificationTask):
            self.results |= report_classes(pl_module, data, folder)
        elif isinstance(pl_module, RegressionTask):
            self.results |= report_traces(pl_module, data, folder)
