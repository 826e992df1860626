"""Emotion classes: segments are scored, clips are decided by vote."""

from typing import Any

import torch
from torch import Tensor, nn

from emorec.evaluation.calibration import apply_temperature, fit_temperature
from emorec.evaluation.clips import ClipVote, Votes, clip_metrics
from emorec.evaluation.measures import MEASURES
from emorec.tasks.base import EmotionTask
from emorec.types import FeatureBundle, SegmentBatch


class ClassificationTask(EmotionTask):
    """One emotion class a clip, by the mean of its segments' posteriors (Ma et al. 2020).

    Logged after validation, for the fused output and each auxiliary head that is active:
    ``val/NAME/accuracy`` and the other :data:`~emorec.evaluation.measures.MEASURES`, over clips,
    with NAME ``fused`` or the modality. Arguments: see :class:`EmotionTask`.

    Attributes:
        temperature: Of the clip's fused vote, a buffer: 1 until :meth:`calibrate`.
        validation_votes: After validation: as ``raw_votes``.
        raw_votes: After testing: ``test_votes`` before the temperature.
        test_votes: After testing: name of the scores -> decisions on test clips, of all ranks.
    """

    @property
    def measures(self) -> tuple[str, ...]:
        """Clip metrics; see the class."""
        return tuple(each.name for each in MEASURES)

    def configure_model(self) -> None:
        """Assemble the model and one vote for each kind of scores."""
        if self.fusion is not None:
            return
        super().configure_model()
        names = {n for name in self.objectives for n in self.objective(name).score_names}
        self.votes = nn.ModuleDict({name: ClipVote() for name in sorted(names)})
        self.temperature: Tensor
        self.register_buffer("temperature", torch.ones(()))
        self.validation_votes: dict[str, Votes] = {}
        self.raw_votes: dict[str, Votes] = {}
        self.test_votes: dict[str, Votes] = {}

    def vote(self, name: str) -> ClipVote:
        """Return the vote of one kind of scores."""
        vote = self.votes[name]
        assert isinstance(vote, ClipVote)
        return vote

    def pool(self, fused: Tensor) -> Tensor:
        """Return (B, D): the mean over a window's steps, where the fusion keeps them."""
        return fused.mean(1) if fused.ndim == 3 else fused

    def segment_scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return name -> class probabilities (B, classes) of the active heads."""
        return {
            name: logits.float().softmax(-1)
            for objective in self.objectives
            if self.active.get(objective, 0.0) != 0
            for name, logits in self.objective(objective).scores(bundle).items()
        }

    def validation_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Score segments, log the losses, and return the features for callbacks that look."""
        bundle = self.with_label(self(batch), batch)
        self.validate_losses(bundle, batch)
        self._collect(bundle, batch)
        if self.calibrating:
            assert self.fusion is not None
            shown = {name: bundle.features[name] for name in self.encoders}
            self.fusion.observe_validation(shown, bundle.present, self._true(batch))
        return bundle

    def on_validation_epoch_end(self) -> None:
        """Log clip metrics; a metric that cannot be computed is not logged."""
        self.log_epoch_losses()
        self.validation_votes = self._decide()
        for name, votes in self.validation_votes.items():
            metrics = clip_metrics(votes, len(self.classes))
            # Votes are of all ranks already.
            for key, value in metrics.scores.items():
                if value is not None:
                    self.log(f"val/{name}/{key}", value, prog_bar=key == MEASURES[0].name)

    def test_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Score segments, and return the features for callbacks that look."""
        bundle = self(batch)
        self._collect(bundle, batch)
        return bundle

    def on_test_epoch_end(self) -> None:
        """Keep the decisions for the report."""
        self.raw_votes = self._decide()
        self.test_votes = dict(self.raw_votes)
        fused = self.raw_votes.get("fused")
        if fused is not None:
            scores = apply_temperature(fused.scores, self.temperature)
            self.test_votes["fused"] = fused._replace(scores=scores)

    def _collect(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        target = self._true(batch)
        for name, scores in self.segment_scores(bundle).items():
            # A modality that is absent says nothing; fused scores count wherever one is there.
            rows = bundle.present[name]
            self.vote(name).update(scores[rows], target[rows], batch.clip[rows], batch.index[rows])

    def _true(self, batch: SegmentBatch) -> Tensor:
        """Return the classes, int64 (B,); -1 where unlabelled."""
        return batch.targets[self.target].masked_fill(~batch.labelled[self.target], -1)

    def _decide(self) -> dict[str, Votes]:
        decided = {}
        for name in self.votes:
            vote = self.vote(name)
            if vote.update_called:
                decided[name] = vote.compute()
                vote.reset()
        return decided

    def calibrate(self) -> None:
        """Set the temperature that fits the last validation's clips best; see ``calibration``."""
        votes = self.validation_votes.get("fused")
        if votes is not None:
            found = fit_temperature(votes.scores, votes.target)
            self.temperature = torch.full_like(self.temperature, found or 1.0)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take over what was kept; a checkpoint of before 0.1.0 has no temperature."""
        if "state_dict" in checkpoint:
            checkpoint["state_dict"].setdefault("temperature", torch.ones(()))
        super().on_load_checkpoint(checkpoint)
