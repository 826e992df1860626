"""Values over time: windows are predicted step by step, recordings are judged as a whole."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emorec.encoders import Encoder
from emorec.evaluation.postprocess import Chain, fit_chain
from emorec.evaluation.traces import (
    Values,
    WindowCollection,
    agreement,
    join_windows,
    joined,
    mean_ccc,
    of_length,
)
from emorec.fusion import Fusion
from emorec.objectives import Objective
from emorec.tasks.base import EmotionTask
from emorec.tasks.model import TaskError
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class RegressionTask(EmotionTask):
    """The values of a continuous target, step by step (Tzirakis et al. 2017).

    Logged after validation, for the fused output and each auxiliary head that is active:
    ``val/NAME/ccc``, the mean over dimensions of the CCC of all recordings one after the other, and
    ``val/NAME/ccc_DIMENSION``. For the other arguments see :class:`EmotionTask`.

    Args:
        target: The target that the output predicts.
        options: Those of the base class.

    Attributes:
        chain: Post-processing of the fused output, a buffer (dimensions, 5); it does nothing until
            :meth:`calibrate`. See :class:`~emorec.evaluation.postprocess.Chain`.
        delay: Steps by which the annotators lag behind, a buffer; from the data.
        validation_traces: After validation: name of the scores -> position of a clip -> values.
        raw_traces: After testing: the same on test clips.
        test_traces: ``raw_traces``, the fused ones after the chain.
    """

    def __init__(
        self,
        encoders: dict[str, Encoder],
        fusion: Callable[[Sizes], Fusion],
        objectives: dict[str, Callable[[Sizes], Objective]],
        targets: dict[str, list[str]],
        target: str = "affect",
        **options: Any,
    ) -> None:
        super().__init__(encoders, fusion, objectives, targets, target, **options)

    def configure_model(self) -> None:
        """Assemble the model and one collection of windows for each kind of values."""
        if self.fusion is not None:
            return
        super().configure_model()
        names = {n for name in self.objectives for n in self.objective(name).score_names}
        self.collections = nn.ModuleDict({name: WindowCollection() for name in sorted(names)})
        self.chain: Tensor
        self.delay: Tensor
        blank = torch.tensor([Chain()] * len(self.classes), dtype=torch.float32)
        self.register_buffer("chain", blank)
        self.register_buffer("delay", torch.zeros((), dtype=torch.long))
        self.validation_traces: dict[str, dict[int, Values]] = {}
        self.raw_traces: dict[str, dict[int, Values]] = {}
        self.test_traces: dict[str, dict[int, Values]] = {}

    def setup(self, stage: str) -> None:
        """Take note of the annotators' delay; see the base class."""
        super().setup(stage)
        if stage == "fit":
            data = self._data()
            self.delay = torch.full_like(self.delay, round(data.delay / data.step))

    @property
    def measures(self) -> tuple[str, ...]:
        """The agreement; see the class."""
        return ("ccc", *(f"ccc_{dimension}" for dimension in self.classes))

    def on_fit_start(self) -> None:
        """Look whether all modalities have as many steps as the target; see the base class.

        Raises:
            TaskError: One has others.
        """
        super().on_fit_start()
        batch: SegmentBatch = self._data().parts["train"].__getitems__([0]).to(self.device)
        wanted, training = batch.targets[self.target].shape[1], self.training
        self.eval()
        with torch.no_grad():
            found = {
                name: encoder(self.read(name, batch)).shape[1:-1]
                for name, encoder in self.encoders.items()
            }
        self.train(training)
        for name, steps in found.items():
            if steps != (wanted,):
                raise TaskError(
                    f"windows have {wanted} steps of {self._data().step:g} s, but the encoder of "
                    f"{name} gives {steps[0] if steps else 'no'} steps: what is cut of a window "
                    f"(data.extractors.{name}) and data.windows.length have to agree"
                )

    def values(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return name -> values (B, T, dimensions) of the active heads."""
        return {
            name: values
            for objective in self.objectives
            if self.active.get(objective, 0.0) != 0
            for name, values in self.objective(objective).scores(bundle).items()
        }

    def validation_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Collect values, log the losses, and return the features for callbacks that look."""
        bundle = self.with_label(self(batch), batch)
        self.validate_losses(bundle, batch)
        self._collect(bundle, batch)
        return bundle

    def on_validation_epoch_end(self) -> None:
        """Log the agreement; what cannot be computed is not logged."""
        self.log_epoch_losses()
        self.validation_traces = self._join()
        gold = self._data().traces[self.target]
        for name, traces in self.validation_traces.items():
            if not gold.keys() & traces.keys():
                continue
            found = agreement(*joined(traces, gold))
            for dimension, each in zip(self.classes, found, strict=True):
                if each.ccc is not None:
                    self.log(f"val/{name}/ccc_{dimension}", each.ccc)
            if (mean := mean_ccc(found)) is not None:
                self.log(f"val/{name}/ccc", mean, prog_bar=True)

    def test_step(self, batch: SegmentBatch, batch_idx: int) -> Any:
        """Collect values, and return the features for callbacks that look."""
        bundle = self(batch)
        self._collect(bundle, batch)
        return bundle

    def on_test_epoch_end(self) -> None:
        """Keep the traces for the report."""
        self.raw_traces = self._join()
        self.test_traces = dict(self.raw_traces)
        if "fused" in self.raw_traces:
            fused = self.raw_traces["fused"].items()
            self.test_traces["fused"] = {clip: self.processed(trace) for clip, trace in fused}

    def calibrate(self) -> None:
        """Fit the chain of ``evaluation.postprocess`` on the last validation's recordings."""
        data = self._data()
        gold, said = data.traces[self.target], self.validation_traces.get("fused", {})
        clips = sorted(gold.keys() & said.keys())
        # Whole traces, as the chain is applied to: what is centred on depends on all steps.
        true = {clip: of_length(gold[clip], len(said[clip])) for clip in clips}
        chains = [
            fit_chain([said[c][:, i] for c in clips], [true[c][:, i] for c in clips], data.step)
            for i in range(len(self.classes))
        ]
        self.chain = torch.tensor(chains, dtype=torch.float32, device=self.chain.device)

    def chains(self) -> list[Chain]:
        """Return the chain of each dimension."""
        return [Chain(int(m), c, s, a, int(shift)) for m, c, s, a, shift in self.chain.tolist()]

    def processed(self, trace: Values) -> Values:
        """Return values (steps, dimensions) after the chain."""
        columns = [chain(trace[:, i]) for i, chain in enumerate(self.chains())]
        return np.stack(columns, 1)

    def _collect(self, bundle: FeatureBundle, batch: SegmentBatch) -> None:
        for name, values in self.values(bundle).items():
            rows = bundle.present[name]
            collection = self.collections[name]
            assert isinstance(collection, WindowCollection)
            collection.update(values[rows], batch.clip[rows], batch.index[rows])

    def _join(self) -> dict[str, dict[int, Values]]:
        found = {}
        data, delay = self._data(), int(self.delay)
        for name, collection in self.collections.items():
            assert isinstance(collection, WindowCollection)
            if collection.update_called:
                found[name] = join_windows(collection.compute(), data.first_steps, delay)
                collection.reset()
        return found

    def _data(self) -> Any:
        return getattr(self.trainer, "datamodule", None)
