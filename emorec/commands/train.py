"""``emorec fit``, ``validate`` and ``test``: what they do, in a run directory."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from emorec.callbacks import (
    MissingModality,
    StagedTraining,
)
from emorec.commands.arguments import is_first_process, with_config_of_run
from emorec.commands.finish import write_results
from emorec.commands.run_cli import RunCLI
from emorec.data import EmotionDataModule
from emorec.data.splits.file import read_split
from emorec.plugins import load_plugins
from emorec.runs.checkpoints import is_whole, save_weights
from emorec.runs.directory import RunError
from emorec.tasks import task_of


class EmorecCLI(RunCLI):
    """fit, validate and test."""

    def _run_subcommand(self, subcommand: str) -> None:
        try:
            super()._run_subcommand(subcommand)
        finally:
            self.directory.release()

    def fit(self, model: LightningModule, datamodule: LightningDataModule, **_: Any) -> None:
        """Train, or go on, then test each stage's best weights and write the results."""
        if self.directory.finished:
            if is_first_process():
                sys.stdout.write(
                    f"{self.directory.path} is a finished run with these options: nothing is done. "
                    "Whether clips or labels have changed since is not looked at; --overwrite "
                    f"starts anew\n{self.directory.summary_file.read_text(encoding='utf-8')}"
                )
            return
        # What is wrong with the model is better known before an hour of preprocessing.
        task_of(model).check()
        self._prepare(datamodule)
        resume = self._resumed()
        if resume:
            rank_zero_info(f"resuming from {resume}")
        for logger in self.trainer.loggers:
            logger.log_hyperparams(self.settings)
        start = time.monotonic()
        try:
            self.trainer.fit(model, datamodule=datamodule, ckpt_path=resume, weights_only=True)
        except SystemExit as stop:  # what Lightning makes of Ctrl-C
            raise (KeyboardInterrupt if self.trainer.interrupted else stop) from None
        seconds = time.monotonic() - start
        stages: StagedTraining = self._get(self.config_init, "training")
        finished = self.trainer.current_epoch >= stages.epochs
        if not finished:
            rank_zero_warn(
                f"a callback stopped training after {self.trainer.current_epoch} of "
                f"{stages.epochs} epochs: the run is not finished, the same command goes on"
            )
        if not self._get(self.config_init, "test"):
            return
        if finished:
            self._calibrate(model, datamodule)
        self._test(model, datamodule, finished=finished)
        if self.trainer.is_global_zero:
            self.directory.write_timing(seconds)

    def _resumed(self) -> Path | None:
        """Return the checkpoint to go on from: the last one, or, if that is damaged, that before.

        Raises:
            RunError: Both are damaged.
        """
        last = self.directory.last
        if not last.is_file() or is_whole(last):
            return last if last.is_file() else None
        before = self.directory.before
        if not is_whole(before):
            raise RunError(
                f"{last} is damaged, and there is no whole {before.name} to go on from; start anew "
                "with --overwrite"
            )
        rank_zero_warn(f"{last} is damaged: the run goes on from {before.name}, an epoch earlier")
        if is_first_process():  # else the damaged one would be kept as the one before
            before.replace(last)
        self.trainer.strategy.barrier("checkpoint before the last")
        return last

    def _calibrate(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Fit on validation clips what comes after training, and save it with the weights.

        See :meth:`~emorec.tasks.EmotionTask.fit_on_validation`. Also where the best epoch was
        chosen on test clips (``--select-on-test``), nothing is fitted on them.
        """
        data, task = data_module(datamodule), task_of(model)
        if not data.parts["val"].ids:
            rank_zero_warn("no validation clip: nothing is calibrated or post-processed")
            return
        path = self._trained()[-1]
        paths = iter([path])  # then what is in the model

        def validate() -> None:
            self.trainer.validate(
                task,
                datamodule=data,
                ckpt_path=next(paths, None),
                weights_only=True,
                verbose=False,
            )

        with data.validating_on("val"):
            task.fit_on_validation(validate)
        if self.trainer.is_global_zero:
            save_weights(path, task)
        self.trainer.strategy.barrier("calibrated")

    def validate(self, model: LightningModule, datamodule: LightningDataModule, **_: Any) -> None:
        """Measure the weights of the last stage on validation clips."""
        path = self._trained()[-1]
        self._prepare(datamodule)
        self.trainer.validate(model, datamodule=datamodule, ckpt_path=path, weights_only=True)

    def test(self, model: LightningModule, datamodule: LightningDataModule, **_: Any) -> None:
        """Test each stage's best weights and write the results."""
        self._prepare(datamodule)
        self._test(model, datamodule, finished=self.directory.finished)

    def _prepare(self, datamodule: LightningDataModule) -> None:
        data_module(datamodule).for_run(
            resumed_split=read_split(self.directory.split_file),
            select_on_test=bool(self._get(self.config_init, "select_on_test")),
        )

    def _test(
        self,
        model: LightningModule,
        datamodule: LightningDataModule,
        *,
        finished: bool,
    ) -> None:
        for path in self._trained():
            self.trainer.test(
                model, datamodule=datamodule, ckpt_path=path, weights_only=True, verbose=False
            )
        if self.trainer.is_global_zero:
            stages = self._get(self.config_init, "training")
            seed = int(self._get(self.config_init, "seed_everything"))
            missing: MissingModality = self._get(self.config_init, "missing")
            text = write_results(
                self.directory,
                self.report.results,
                stages,
                data_module(datamodule),
                seed,
                missing=missing.results,
                finished=finished,
            )
            sys.stdout.write(f"\n{text}")

    def _trained(self) -> list[Path]:
        stages: StagedTraining = self._get(self.config_init, "training")
        paths = [self.directory.checkpoints / f"{name}.ckpt" for name in stages.stages]
        found = [path for path in paths if path.is_file()]
        damaged = [path for path in found if not is_whole(path)]
        if damaged:
            raise RunError(
                f"{damaged[0]} is damaged: bring it back from a copy, or start anew with emorec "
                "fit --overwrite"
            )
        if not found:
            raise RunError(
                f"no trained weights in {self.directory.checkpoints}; train first with emorec fit "
                "and the same --run"
            )
        return found


def data_module(found: LightningDataModule) -> EmotionDataModule:
    """Return Lightning's data module as the one that the parser let through."""
    assert isinstance(found, EmotionDataModule)
    return found


def main(argv: Sequence[str], callbacks: Sequence[Callback] = ()) -> None:
    """Run fit, validate or test.

    Args:
        argv: The command's name and its arguments.
        callbacks: To be added to those of the config.
    """
    arguments = list(argv)
    if arguments[0] != "fit":
        arguments = with_config_of_run(arguments)
    load_plugins()
    sys.argv[1:] = arguments
    EmorecCLI(callbacks)
