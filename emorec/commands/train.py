"""``emorec fit``, ``validate`` and ``test``: LightningCLI around run directories."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.trainer import Trainer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from emorec.callbacks import (
    Dashboard,
    EpochSeed,
    MissingModality,
    Report,
    Spectrum,
    StagedTraining,
    Throughput,
)
from emorec.checkpoints import AtomicCheckpointIO, save_tensor
from emorec.commands.arguments import default_run, is_first_process, with_config_of_run
from emorec.commands.finish import write_results
from emorec.commands.parser import EmorecParser, show_info
from emorec.data import EmotionDataModule
from emorec.data.split_file import read_split
from emorec.plugins import load_plugins
from emorec.run import RunDirectory, RunError
from emorec.tasks import ClassificationTask, EmotionTask


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
        """Make a parser with our error messages."""
        self.parser_class = EmorecParser
        return super().init_parser(**kwargs)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run directory and the stages, and link the targets."""
        parser.add_argument(
            "--run",
            type=Path | None,
            default=None,
            help="run directory; runs/<name of the experiment file> by default. The same command "
            "again resumes an unfinished run.",
        )
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="delete what an earlier run left in the run directory",
        )
        parser.add_argument(
            "--select-on-test",
            action="store_true",
            help="choose each stage's best epoch on test clips, as much published code does; for "
            "comparison with it alone: all results of the run are marked",
        )
        parser.add_argument(
            "--test",
            type=bool,
            default=True,
            help="false: fit stops after training, and the test clips are not looked at; the same "
            "command without it goes on with them",
        )
        parser.add_lightning_class_args(StagedTraining, "training", required=True)
        parser.add_lightning_class_args(Dashboard, "dashboard", required=False)
        parser.add_lightning_class_args(MissingModality, "missing", required=False)
        parser.link_arguments("data.targets", "model.init_args.targets", apply_on="instantiate")

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
        config.trainer.default_root_dir = str(self.directory.path)
        self._place_wandb(config.trainer)

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
        watching: list[Callback] = [Throughput(), Spectrum(), LearningRateMonitor("epoch")]
        watching = watching if self.subcommand == "fit" else []
        self.trainer_defaults["callbacks"] = [
            EpochSeed(seed),
            self.report,
            *watching,
            *self.more_callbacks,
            last,
        ]
        trainer = super().instantiate_trainer(**kwargs)
        show_info()
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
                    f"{self.directory.path} is a finished run, nothing is changed; --overwrite "
                    f"starts anew\n{self.directory.summary_file.read_text(encoding='utf-8')}"
                )
            return
        # What is wrong with the model is better known before an hour of preprocessing.
        assert isinstance(model, EmotionTask)
        model.check()
        self._prepare(datamodule)
        resume = self.directory.last if self.directory.last.is_file() else None
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

    def _calibrate(self, model: LightningModule, datamodule: LightningDataModule) -> None:
        """Fit the temperature of the last stage's weights on validation clips, and save it."""
        if not isinstance(model, ClassificationTask):
            return
        path = self._trained()[-1]
        self.trainer.validate(
            model, datamodule=datamodule, ckpt_path=path, weights_only=True, verbose=False
        )
        model.calibrate()
        if self.trainer.is_global_zero:
            save_tensor(path, "temperature", model.temperature)
        self.trainer.strategy.barrier("temperature")

    def validate(self, model: LightningModule, datamodule: LightningDataModule, **_: Any) -> None:
        """Measure the weights of the last stage on validation clips."""
        path = self._trained()[-1]
        self._prepare(datamodule)
        self.trainer.validate(model, datamodule=datamodule, ckpt_path=path, weights_only=True)

    def test(self, model: LightningModule, datamodule: LightningDataModule, **_: Any) -> None:
        """Test each stage's best weights and write the results."""
        self._prepare(datamodule)
        self._test(model, datamodule, finished=self.directory.finished)

    def _prepare(self, data: Any) -> None:
        data.select_on_test = bool(self._get(self.config_init, "select_on_test"))
        data.pinned = read_split(self.directory.split_file)

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
                datamodule,
                seed,
                missing=missing.results,
                finished=finished,
            )
            sys.stdout.write(f"\n{text}")

    def _trained(self) -> list[Path]:
        stages: StagedTraining = self._get(self.config_init, "training")
        paths = [self.directory.checkpoints / f"{name}.ckpt" for name in stages.stages]
        found = [path for path in paths if path.is_file()]
        if not found:
            raise RunError(
                f"no trained weights in {self.directory.checkpoints}; train first with emorec fit "
                "and the same --run"
            )
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
