"""Random numbers of an epoch as a function of the epoch, so that a resumed run repeats them."""

from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything


class EpochSeed(Callback):
    """Seeds all generators at the start of each training epoch from (seed, epoch, rank).

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed Python, numpy and torch."""
        value = self.seed + 1_000_003 * (trainer.current_epoch + 1) + 7919 * trainer.global_rank
        seed_everything(value % 2**32, verbose=False)
