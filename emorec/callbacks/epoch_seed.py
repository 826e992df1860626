"""Random numbers as a function of the run's seed and the epoch, whatever happened before."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything


class EpochSeed(Callback):
    """Seeds all generators before the model is assembled and at the start of each epoch.

    So neither preprocessing in between nor a kill and resume changes what a run computes.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Seed alike on all ranks: layers are made next."""
        seed_everything(self.seed, verbose=False)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed Python, numpy and torch from (seed, epoch, rank)."""
        self._seed(trainer, 0)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seed again before the first batch.

        The loader's iterator draws a number, before the epoch starts or after: a resumed run
        differs in that from an uninterrupted one. With another number than before: this batch was
        augmented already, and a teacher's view of it is drawn next.
        """
        if batch_idx == 0:
            self._seed(trainer, 15_485_863)

    def _seed(self, trainer: Trainer, more: int) -> None:
        value = self.seed + 1_000_003 * (trainer.current_epoch + 1) + 7919 * trainer.global_rank
        seed_everything((value + more) % 2**32, verbose=False)
