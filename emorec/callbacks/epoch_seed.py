"""Random numbers that depend only on the run's seed, the epoch and the rank."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything


class EpochSeed(Callback):
    """Seeds all generators before the model is built and at the start of each epoch.

    Results then depend neither on preprocessing in between nor on a kill and resume.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Seed identically on all ranks, as layers are made next."""
        seed_everything(self.seed, verbose=False)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed Python, numpy and torch from (seed, epoch, rank)."""
        self._seed(trainer, 0)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seed again before the first batch.

        The loader's iterator draws a number before the start of the epoch or after it, depending on
        whether the run was resumed. The seed differs from the epoch's: this batch was already
        augmented with that one, and a teacher's view of it is drawn next.
        """
        if batch_idx == 0:
            self._seed(trainer, 15_485_863)

    def _seed(self, trainer: Trainer, offset: int) -> None:
        value = self.seed + 1_000_003 * (trainer.current_epoch + 1) + 7919 * trainer.global_rank
        seed_everything((value + offset) % 2**32, verbose=False)
