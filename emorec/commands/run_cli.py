"""LightningCLI around run directories: its parser, its trainer, and where files go."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.trainer import Trainer

from emorec.callbacks import EpochSeed, MissingModality, Spectrum, StagedTraining, Throughput
from emorec.callbacks.averaging import StandIn
from emorec.commands.arguments import default_run, is_first_process
from emorec.commands.parser import EmorecParser, first_cause, show_info
from emorec.data import EmotionDataModule
from emorec.errors import UserError
from emorec.runs.checkpoints import AtomicCheckpointIO
from emorec.runs.dashboard import Dashboard
from emorec.runs.directory import RunDirectory
from emorec.runs.report import Report
from emorec.tasks import EmotionTask
from emorec.types import Target


class RunCLI(LightningCLI):
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
            help="start anew; what an earlier run left in the run directory is deleted when the "
            "new one has trained its first epoch",
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
            _found_from(self.directory.origin(), config)
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
        _put_averages_last(trainer)
        show_info()
        return trainer


def plain_targets(targets: Mapping[str, Target]) -> dict[str, Any]:
    """Return a data set's targets as plain values: checkpoints keep no objects."""
    return {name: target.to_dict() for name, target in targets.items()}


def _found_from(folder: Path | None, config: Any) -> None:
    """Complete relative paths of a run's config that only its own folder leads to, in place.

    Args:
        folder: Where the run was started; None where that is not known.
        config: The namespace of the command's options.
    """
    if folder is None:
        return
    for key, value in vars(config).items():
        if hasattr(value, "__dict__") and not isinstance(value, Path):
            _found_from(folder, value)
        elif isinstance(value, Path) and (folder / value).exists() and not _is_given(value):
            setattr(config, key, folder / value)


def _is_given(path: Path) -> bool:
    """Return whether a path stands on the command line: then it is of the current folder."""
    return any(word.partition("=")[2] == str(path) or word == str(path) for word in sys.argv)


def _put_averages_last(trainer: Trainer) -> None:
    """Move what puts other weights into the model behind the stages, which keep them."""
    every: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    late = [callback for callback in every if isinstance(callback, StandIn)]
    if not late:
        return
    rest = [callback for callback in every if callback not in late]
    at = next((i for i, c in enumerate(rest) if isinstance(c, StagedTraining)), -1) + 1
    every[:] = [*rest[:at], *late, *rest[at:]]
