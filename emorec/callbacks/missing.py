"""How a trained model does where a modality is missing."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from emorec.errors import UserError
from emorec.evaluation.clips import clip_metrics
from emorec.evaluation.gather import ClipVote
from emorec.model import EmotionModel
from emorec.system.files import digest
from emorec.tasks import task_of
from emorec.types import Classes, DataPart, FeatureBundle

EITHER = "either"


class MissingModality(Callback):
    """Tests again with features of a modality set to zero in a share of the test clips.

    Ma et al. 2020, figure 7: the trained model is unchanged, and the feature vector of a missing
    modality is replaced by zeros before the fusion. One case a modality, and ``either``: each is
    missing in an equal part of the share, never two at once (the paper's "both at half the rate
    each"). A modality that is a row's only one stays. The paper does not state what is drawn; here
    it is whole clips or single segments: exactly the share of those labelled ones that have another
    modality, in an order that (seed, id, window) draws, so that those of a smaller share are among
    those of a larger one. The results have the share of all labelled ones that it came to.

    Args:
        rates: Shares to try, 0 to 1, such as the paper's 0.2, 0.5, 0.8; none: nothing is done.
        unit: What loses a modality: whole clips (a camera that failed), or segments.
        seed: Another seed, other clips.

    Attributes:
        results: Case -> rate -> clip-level metrics of the fused output, of the last test, and
            ``share``: of the labelled clips (or segments) how many lost a modality, 0 to 1.
    """

    def __init__(
        self,
        rates: list[float] | None = None,
        unit: Literal["clip", "segment"] = "clip",
        seed: int = 0,
    ) -> None:
        self.rates, self.unit, self.seed = sorted(set(rates or [])), unit, seed
        if any(not 0 <= rate <= 1 for rate in self.rates):
            raise UserError(f"missing.rates are shares from 0 to 1, got {rates}")
        self.results: dict[str, dict[float, dict[str, Any]]] = {}
        self._votes: dict[tuple[str, float], ClipVote] = {}
        # Case -> clip, or (clip, window) -> its place among those that can lose a modality, and
        # which one it loses.
        self._order: dict[str, dict[tuple[int, ...], tuple[int, str]]] = {}
        self._count = 0  # of all labelled ones

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse what cannot be done, before training.

        Raises:
            UserError: Rates are given, and the task has no classes.
        """
        if self.rates and not isinstance(task_of(pl_module).model.target, Classes):
            raise UserError(
                "missing.rates tests classes without a modality; this task has none: leave it out"
            )

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting, if the weights are of a model that fuses."""
        self._votes = {}
        task = task_of(pl_module)
        model = task.model
        shown = model.modalities
        if not self.rates or len(shown) < 2:
            return
        self._order, self._count = self._drawn(task.data.parts["test"], model)
        for case in (*shown, EITHER):
            for rate in self.rates:
                self._votes[case, rate] = ClipVote().to(pl_module.device)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Fuse again without the features that are missing."""
        if not self._votes:
            return
        model = task_of(pl_module).model
        pairs = zip(batch.clip.tolist(), batch.index.tolist(), strict=True)
        keys = [self._key(clip, window) for clip, window in pairs]
        target = batch.classes(model.target_name)
        for (case, rate), vote in self._votes.items():
            bundle = _without(outputs, self._lost(case, rate, keys, batch.clip.device), model)
            rows = bundle.present["fused"]
            scores = model.decision.link(bundle.output)
            vote.update(scores[rows], target[rows], batch.clip[rows], batch.index[rows])

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Decide and keep the metrics."""
        if not self._votes:
            return
        target = task_of(pl_module).model.target
        self.results = {}
        for (case, rate), vote in self._votes.items():
            metrics = clip_metrics(vote.compute(), len(target))
            self.results.setdefault(case, {})[rate] = {
                "clips": metrics.clips,
                **metrics.scores,
                "share": self._taken(case, rate) / self._count if self._count else None,
            }

    def _taken(self, case: str, rate: float) -> int:
        """Return how many lose a modality."""
        return round(rate * len(self._order[case]))

    def _lost(
        self, case: str, rate: float, keys: Sequence[tuple[int, ...]], device: torch.device
    ) -> dict[str, Tensor]:
        """Return modality -> bool (B,), where it is missing."""
        taken, order = self._taken(case, rate), self._order[case]
        gone = [
            name if place < taken else ""
            for place, name in (order.get(k, (taken, "")) for k in keys)
        ]
        return {
            name: torch.tensor([each == name for each in gone], device=device)
            for name in sorted({name for _, name in order.values()})
        }

    def _key(self, clip: int, window: int) -> tuple[int, ...]:
        return (clip,) if self.unit == "clip" else (clip, window)

    def _drawn(
        self, data: DataPart, model: EmotionModel
    ) -> tuple[dict[str, dict[tuple[int, ...], tuple[int, str]]], int]:
        """Return the places of all that can lose a modality, and how many are labelled."""
        shown = model.modalities
        able: dict[tuple[int, ...], set[str]] = {}  # modalities that are there beside another one
        for clip, window in data.items:
            if model.target_name in data.labels[clip]:
                there = {name for name in shown if data.present[clip][name][window]}
                key = self._key(clip, window)
                able[key] = able.get(key, set()) | (there if len(there) > 1 else set())
        drawn = sorted(able, key=lambda key: self._rank(data.ids[key[0]], key[1:]))
        order: dict[str, dict[tuple[int, ...], tuple[int, str]]] = {
            name: {
                key: (place, name)
                for place, key in enumerate(key for key in drawn if name in able[key])
            }
            for name in shown
        }
        order[EITHER], counts = {}, dict.fromkeys(sorted(shown), 0)
        for key in drawn:
            if able[key]:  # in turns, so that each has its part of any share
                name = min((n for n in counts if n in able[key]), key=counts.__getitem__)
                counts[name] += 1
                order[EITHER][key] = len(order[EITHER]), name
        return order, len(able)

    def _rank(self, clip_id: str, window: tuple[int, ...]) -> bytes:
        """Return a place in the order that the seed draws, whatever else there is."""
        content = "\0".join([str(self.seed), clip_id, *map(str, window)])
        return digest(content, 16)


def _without(bundle: FeatureBundle, lost: dict[str, Tensor], model: EmotionModel) -> FeatureBundle:
    """Return the bundle as it is without some modalities, where another one is left."""
    gone = {}
    for name, rows in lost.items():
        others = [bundle.present[n] for n in model.encoders if model.reads[n] != name]
        gone[name] = rows & torch.stack(others).any(0)
    return model.without(bundle, gone)
