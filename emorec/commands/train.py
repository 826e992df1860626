"""``emorec fit``, ``validate`` and ``test``: LightningCLI around a run directory."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.trainer import Trainer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from emorec.callbacks import (
    CommonInformation,
    EpochSeed,
    MissingModality,
    Spectrum,
    StagedTraining,
    Throughput,
)
from emorec.callbacks.averaging import StandIn
from emorec.commands.arguments import default_run, found_from, is_first_process, with_config_of_run
from emorec.commands.finish import write_results
from emorec.commands.parser import (
    EXAMPLES,
    EmorecParser,
    add_run_options,
    first_cause,
    plain_targets,
    show_info,
)
from emorec.data import EmotionDataModule
from emorec.data.splits.file import read_split
from emorec.errors import UserError
from emorec.plugins import load_plugins
from emorec.runs.checkpoints import AtomicCheckpointIO, is_whole, save_weights
from emorec.runs.dashboard import Dashboard
from emorec.runs.directory import RunDirectory, RunError
from emorec.runs.report import Report
from emorec.runs.samples import Samples
from emorec.tasks import EmotionTask, task_of


class EmorecCLI(LightningCLI):
    """fit, validate and test, in a run directory, with the data's targets linked to the model."""

    directory: RunDirectory
    settings: dict[str, Any]
    report: Report

    def __init__(self, callbacks: Sequence[Callback] = ()) -> None:
        self.more_callbacks = list(callbacks)
        super().__init__(
            EmotionTask,
            EmotionDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            save_config_callback=None,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            parser_kwargs={"parser_mode": "yaml"},
            trainer_defaults={"max_epochs": -1, "num_sanity_val_steps": 0},
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Return Lightning's subcommands without predict, which is ours."""
        commands = LightningCLI.subcommands()
        return {name: skip for name, skip in commands.items() if name != "predict"}

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Make a parser with our error messages, and examples in its help."""
        self.parser_class = EmorecParser
        parser = super().init_parser(**kwargs)
        parser.epilog = EXAMPLES
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run directory and the stages, and link the targets."""
        add_run_options(parser)
        parser.add_lightning_class_args(StagedTraining, "training", required=True)
        parser.add_lightning_class_args(Dashboard, "dashboard", required=False)
        parser.add_lightning_class_args(MissingModality, "missing", required=False)
        parser.link_arguments(
            "data.targets",
            "model.init_args.targets",
            compute_fn=plain_targets,
            apply_on="instantiate",
        )

    def before_instantiate_classes(self) -> None:
        """Open the run directory and point Lightning's files to it."""
        config = self.config[self.subcommand]
        self.directory = RunDirectory(config.run or default_run(config.config))
        plain = yaml.safe_load(self.parser.dump(self.config, skip_validation=True))
        plain = {k: v for k, v in plain[self.subcommand].items() if k not in ("config", "run")}
        self.settings = plain
        if is_first_process():
            if self.subcommand == "fit":
                self.directory.open(plain, overwrite=config.overwrite)
            else:
                self.directory.open_again(plain)
        if self.subcommand != "fit":
            found_from(self.directory.origin(), config)
        config.trainer.default_root_dir = str(self.directory.path)
        self._place_wandb(config.trainer)

    def instantiate_classes(self) -> None:
        """Make the objects; a value that a class refuses is an error of the user's.

        Raises:
            UserError: A class refuses a value.
        """
        try:
            super().instantiate_classes()
        except BaseException as error:
            self.directory.release()  # an earlier run comes back
            if not isinstance(error, (ValueError, MisconfigurationException)):
                raise
            raise UserError(f"{first_cause(error)}; emorec fit --help explains options") from error

    def _place_wandb(self, trainer: Any) -> None:
        loggers = trainer.logger if isinstance(trainer.logger, list) else [trainer.logger]
        for logger in loggers:
            if getattr(logger, "class_path", "").endswith("WandbLogger"):
                logger.init_args.save_dir = str(self.directory.path)
                logger.init_args.name = logger.init_args.name or self.directory.path.name

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add what each run needs: CSV logs, whole checkpoints, seeds, the report."""
        own = self._get(self.config_init, "trainer")
        logger = own.get("logger")
        others = logger if isinstance(logger, list) else [logger] * (not isinstance(logger, bool))
        if self.subcommand == "fit":
            table = CSVLogger(self.directory.path, name="logs")
            kwargs["logger"] = [*(each for each in others if each is not None), table]
        else:
            kwargs["logger"] = False
        plugins = own.get("plugins") or []
        plugins = plugins if isinstance(plugins, list) else [plugins]
        kwargs["plugins"] = [*plugins, AtomicCheckpointIO()]
        self.report = Report(self.directory.path)
        last = ModelCheckpoint(
            self.directory.checkpoints,
            filename="last",
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        seed = int(self._get(self.config_init, "seed_everything"))
        watching: list[Callback] = [self.report, Samples(self.directory.path)]
        if self.subcommand == "fit":
            watching += [Throughput(), Spectrum(), CommonInformation()]
            watching += [LearningRateMonitor("epoch")]
        every = [EpochSeed(seed), *watching, *self.more_callbacks, last]
        self.trainer_defaults["callbacks"] = every
        trainer = super().instantiate_trainer(**kwargs)
        _put_averages_last(trainer)
        return trainer

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
                    "Clips and labels are not compared with those of the run; --overwrite "
                    f"starts over\n{self.directory.summary_file.read_text(encoding='utf-8')}"
                )
            return
        # An hour of preprocessing should not come before an error of the model.
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
                f"{stages.epochs} epochs: the run is not finished, the same command continues"
            )
        if not self._get(self.config_init, "test"):
            return
        if finished:
            self._calibrate(model, datamodule)
        self._test(model, datamodule, finished=finished)
        if self.trainer.is_global_zero:
            self.directory.write_timing(seconds)

    def _resumed(self) -> Path | None:
        """Return the checkpoint to resume from: the last, or the one before if that is damaged.

        Raises:
            RunError: Both are damaged.
        """
        last = self.directory.last
        if not last.is_file() or is_whole(last):
            return last if last.is_file() else None
        before = self.directory.before
        if not is_whole(before):
            raise RunError(
                f"{last} is damaged, and {before.name} is no better; start over with --overwrite"
            )
        rank_zero_warn(f"{last} is damaged: the run resumes from {before.name}, an epoch earlier")
        if is_first_process():  # else the damaged one would be kept as the one before
            before.replace(last)
        self.trainer.strategy.barrier("checkpoint before the last")
        return last

    def _calibrate(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Fit calibration and post-processing on validation clips; save them with the weights.

        See :meth:`~emorec.tasks.EmotionTask.fit_on_validation`. Also where the best epoch was
        chosen on test clips (``--select-on-test``), nothing is fitted on them.
        """
        data, task = data_module(datamodule), task_of(model)
        if not data.parts["val"].ids:
            rank_zero_warn("no validation clip: nothing is calibrated or post-processed")
            return
        path = self._trained()[-1]
        paths = iter([path])  # afterwards, the model as it is

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
                f"{damaged[0]} is damaged: bring it back from a copy, or start over with emorec "
                "fit --overwrite"
            )
        if not found:
            raise RunError(
                f"no trained weights in {self.directory.checkpoints}; train first with emorec fit "
                "and the same --run"
            )
        return found


def _put_averages_last(trainer: Trainer) -> None:
    """Move callbacks that swap weights behind the stages, which save the weights."""
    every: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    late = [callback for callback in every if isinstance(callback, StandIn)]
    if not late:
        return
    rest = [callback for callback in every if callback not in late]
    at = next((i for i, c in enumerate(rest) if isinstance(c, StagedTraining)), -1) + 1
    every[:] = [*rest[:at], *late, *rest[at:]]


def data_module(found: LightningDataModule) -> EmotionDataModule:
    """Return the data module as ours: the parser accepts no other."""
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
    show_info()  # before the trainer says what does not concern users
    sys.argv[1:] = arguments
    EmorecCLI(callbacks)
