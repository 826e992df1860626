"""One cell of a study with ``engine: memory``: ``fit`` without trainer, weights and pictures."""

import sys
import time
from collections.abc import Sequence
from typing import Any

from lightning.pytorch import LightningDataModule, LightningModule

from emorec.callbacks import MissingModality, StagedTraining
from emorec.commands.finish import conditions
from emorec.commands.train import EmorecCLI, data_module
from emorec.data.splits.file import write_split
from emorec.errors import UserError
from emorec.plugins import load_plugins
from emorec.runs.results import Results
from emorec.runs.tested_classes import TestedClasses
from emorec.study.in_memory import InMemory
from emorec.system.files import write_text
from emorec.tasks import ClassificationTask


class MemoryCLI(EmorecCLI):
    """The options of fit; writes metrics.json and predictions.csv only."""

    def fit(self, model: LightningModule, datamodule: LightningDataModule, **_: Any) -> None:
        """Train in memory, test, and write the results."""
        if self.directory.finished:
            return
        if not isinstance(model, ClassificationTask):
            raise UserError("engine: memory is for classes; use engine: fit for values over time")
        model.check()
        data, run = data_module(datamodule), self.directory
        self._prepare(data)
        data.prepare_data()
        data.setup("fit")
        seed = int(self._get(self.config_init, "seed_everything"))
        stages: StagedTraining = self._get(self.config_init, "training")
        missing: MissingModality = self._get(self.config_init, "missing")
        start = time.monotonic()
        trained = InMemory(model, data, stages, self.trainer.callbacks, seed)  # type: ignore[attr-defined]
        trained.fit(self.trainer.gradient_clip_val)
        seconds = time.monotonic() - start
        found = trained.test(missing)
        raw, decision = model.raw_results, model.decision
        tested = [TestedClasses(n, votes, raw[n], decision, data) for n, votes in found.items()]
        write_split(run.split_file, data.part_of_clip)
        for each in tested:
            suffix = "" if each.name == "fused" else f"_{each.name}"
            write_text(run.path / f"predictions{suffix}.csv", each.table().to_csv(index=False))
        run.write_timing(seconds)
        Results(
            finished=True,
            seed=seed,
            **conditions(data),
            test={each.name: each.results() for each in tested},
            missing={
                case: {f"{rate:g}": metrics for rate, metrics in rates.items()}
                for case, rates in missing.results.items()
            },
            stages={
                name: {"monitor": stage.monitor, "score": None, "best_epoch": stage.epochs - 1}
                for name, stage in stages.stages.items()
            },
        ).write(run.metrics_file)


def main(argv: Sequence[str]) -> None:
    """Train one cell.

    Args:
        argv: As for fit.
    """
    load_plugins()
    sys.argv[1:] = ["fit", *argv[1:]]
    MemoryCLI()
