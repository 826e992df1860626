"""Classification: segments are scored, clips are decided by vote."""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import nn
from typing_extensions import override

from emorec.evaluation.clips import Votes, clip_metrics
from emorec.evaluation.decision import ClassDecision
from emorec.evaluation.gather import ClipVote
from emorec.evaluation.measures import MEASURES
from emorec.tasks.base import EmotionTask
from emorec.types import Classes, FeatureBundle, SegmentBatch, Target


class ClassificationTask(EmotionTask):
    """Predicts one class per clip from the mean of its segments' posteriors (Ma et al. 2020).

    Logged after validation, for the fused output and each active auxiliary head:
    ``val/NAME/accuracy`` and the other :data:`~emorec.evaluation.measures.MEASURES`, over clips,
    with NAME ``fused`` or the modality. Arguments: see :class:`EmotionTask`.
    """

    form: ClassVar[type[Target]] = Classes

    @override
    def make_collections(self) -> None:
        """Make a vote for each name of scores."""
        self.votes = nn.ModuleDict({name: ClipVote() for name in self.model.score_names})
        self.validation_results: dict[str, Votes] = {}
        self.raw_results: dict[str, Votes] = {}
        self.test_results: dict[str, Votes] = {}

    @property
    def decision(self) -> ClassDecision:
        """The model's decision."""
        assert isinstance(self.model.decision, ClassDecision)
        return self.model.decision

    def vote(self, name: str) -> ClipVote:
        """Return the vote for a name of scores."""
        vote = self.votes[name]
        assert isinstance(vote, ClipVote)
        return vote

    def validation_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Collect scores, log the losses, and return the features for callbacks."""
        bundle = self.model.with_label(self(batch), batch)
        self.validate_losses(bundle, batch)
        self._collect(bundle, batch)
        if self._fitting:
            target = batch.classes(self.model.target_name)
            features = {name: bundle.features[name] for name in self.model.encoders}
            self.model.fusion.observe_validation(features, bundle.present, target)
        return bundle

    def on_validation_epoch_end(self) -> None:
        """Log clip metrics, except undefined ones."""
        self.log_epoch_losses()
        self.validation_results = self._decide()
        for name, votes in self.validation_results.items():
            metrics = clip_metrics(votes, len(self.decision.target))
            # Votes already cover all ranks.
            for key, value in metrics.scores.items():
                if value is not None:
                    self.log(f"val/{name}/{key}", value, prog_bar=key == MEASURES[0].name)

    def test_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Collect scores, and return the features for callbacks."""
        bundle = self(batch)
        self._collect(bundle, batch)
        return bundle

    def on_test_epoch_end(self) -> None:
        """Store the decisions for the report."""
        self.raw_results = self._decide()
        self.test_results = dict(self.raw_results)
        fused = self.raw_results.get("fused")
        if fused is not None:
            self.test_results["fused"] = fused._replace(scores=self.decision.decide(fused.scores))

    @override
    def fit_on_validation(self, validate: Callable[[], None]) -> None:
        """Fit the fusion (late fusion: class weights), then the temperature."""
        self._fitting = True
        try:
            validate()
        finally:
            self._fitting = False
        if self.model.fusion.fit_on_validation():
            validate()
        if "fused" in self.validation_results:
            self.decision.fit(self.validation_results["fused"])

    def _collect(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        target = batch.classes(self.model.target_name)
        for name, scores in self.model.scores(bundle).items():
            # Absent modalities have no scores; fused scores need any present modality.
            rows = bundle.present[name]
            self.vote(name).update(scores[rows], target[rows], batch.clip[rows], batch.index[rows])

    def _decide(self) -> dict[str, Votes]:
        decided = {}
        for name in self.votes:
            vote = self.vote(name)
            if vote.update_called:
                decided[name] = vote.compute()
                vote.reset()
        return decided
