"""Regression over time: windows are predicted step by step, recordings evaluated as a whole."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import nn
from typing_extensions import override

from emorec.errors import ModelError
from emorec.evaluation.decision import TraceDecision
from emorec.evaluation.gather import WindowCollection
from emorec.evaluation.measures import TRACE_MEASURES
from emorec.evaluation.traces import Traces, agreement, joined, mean_of
from emorec.tasks.base import EmotionTask
from emorec.types import Array, FeatureBundle, SegmentBatch, Target, Values


class RegressionTask(EmotionTask):
    """Predicts the values of a target, step by step (Tzirakis et al. 2017).

    Logged after validation, for the fused output and each active auxiliary head:
    ``val/NAME/ccc``, the mean over dimensions of the CCC of all recordings concatenated,
    ``val/NAME/ccc_DIMENSION``, and the other
    :data:`~emorec.evaluation.measures.TRACE_MEASURES` likewise.

    Arguments: see :class:`EmotionTask`.
    """

    form: ClassVar[type[Target]] = Values

    @override
    def make_collections(self) -> None:
        """Make a collection of windows for each name of scores."""
        self.collections = nn.ModuleDict(
            {name: WindowCollection() for name in self.model.score_names}
        )
        self.validation_results: dict[str, Traces] = {}
        self.raw_results: dict[str, Traces] = {}
        self.test_results: dict[str, Traces] = {}

    @property
    def decision(self) -> TraceDecision:
        """The model's decision."""
        assert isinstance(self.model.decision, TraceDecision)
        return self.model.decision

    def on_fit_start(self) -> None:
        """Also check that all modalities have the steps of the target.

        Raises:
            ModelError: A modality has a different number of steps, or those of another span.
        """
        super().on_fit_start()
        for name, extractor in self.data.extractors.items():
            if extractor.around is not None:
                raise ModelError(
                    f"data.extractors.{name} reads {extractor.around:g} s around each window "
                    "(Around): its steps would not be those of the trace. Give the extractor "
                    "itself, and data.windows the length"
                )
        batch: SegmentBatch = self.data.parts["train"].__getitems__([0]).to(self.device)
        expected, training = batch.targets[self.model.target_name].shape[1], self.training
        self.eval()
        with torch.no_grad():
            shapes = {
                name: encoder(self.model.read(name, batch)).shape[1:-1]
                for name, encoder in self.model.encoders.items()
            }
        self.train(training)
        for name, steps in shapes.items():
            if steps != (expected,):
                raise ModelError(
                    f"windows have {expected} steps of {self.decision.target.step:g} s, but the "
                    f"encoder of {name} gives {steps[0] if steps else 'no'} steps: make "
                    f"data.extractors.{name} and data.windows.length agree"
                )

    def validation_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Collect values, log the losses, and return the features for callbacks."""
        bundle = self.model.with_label(self(batch), batch)
        self.validate_losses(bundle, batch)
        self._collect(bundle, batch)
        return bundle

    def on_validation_epoch_end(self) -> None:
        """Log the agreement, except undefined measures."""
        self.log_epoch_losses()
        self.validation_results = self._join()
        for name, traces in self.validation_results.items():
            if not self._gold.keys() & traces.keys():
                continue
            agreements = agreement(*joined(traces, self._gold))
            scores = mean_of(agreements)
            for dimension, each in zip(self.decision.target.names, agreements, strict=True):
                scores |= {f"{key}_{dimension}": value for key, value in each.scores.items()}
            for key, value in scores.items():
                if value is not None:
                    self.log(f"val/{name}/{key}", value, prog_bar=key == TRACE_MEASURES[0].name)

    def test_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Collect values, and return the features for callbacks."""
        bundle = self(batch)
        self._collect(bundle, batch)
        return bundle

    def on_test_epoch_end(self) -> None:
        """Store the traces for the report."""
        self.raw_results = self._join()
        self.test_results = dict(self.raw_results)
        if "fused" in self.raw_results:
            fused = self.raw_results["fused"].items()
            self.test_results["fused"] = {c: self.decision.decide(trace) for c, trace in fused}

    @override
    def fit_on_validation(self, validate: Callable[[], None]) -> None:
        """Fit the fusion, then the post-processing chain, on validation recordings."""
        validate()
        if self.model.fusion.fit_on_validation():
            validate()
        self.decision.fit(self.validation_results.get("fused", {}), self._gold)

    @property
    def _gold(self) -> Mapping[int, Array]:
        return self.data.traces[self.model.target_name]

    def _collect(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        for name, values in self.model.scores(bundle).items():
            rows = bundle.present[name]
            collection = self.collections[name]
            assert isinstance(collection, WindowCollection)
            collection.update(values[rows], batch.clip[rows], batch.index[rows])

    def _join(self) -> dict[str, Traces]:
        traces = {}
        for name, collection in self.collections.items():
            assert isinstance(collection, WindowCollection)
            if collection.update_called:
                windows = collection.compute()
                clips = set(windows.clip.reshape(-1).tolist())
                starts = {clip: self.data.starts(clip) for clip in clips}
                traces[name] = self.decision.join(windows, starts)
                collection.reset()
        return traces
