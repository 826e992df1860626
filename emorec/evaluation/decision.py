"""From predictions for windows to those for clips, for each form of target."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from emorec.evaluation.calibration import apply_temperature, fit_temperature
from emorec.evaluation.clips import Votes
from emorec.evaluation.measures import MEASURES, TRACE_MEASURES
from emorec.evaluation.postprocess import Chain, fit_chain
from emorec.evaluation.traces import Trace, Traces, WindowValues, join_windows, of_length
from emorec.types import Array, Classes, Target, Values


class Decision(nn.Module, ABC):
    """Turns model outputs into decisions; what it fits on validation clips is in its buffers.

    Args:
        target: What is predicted.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target

    @property
    @abstractmethod
    def measures(self) -> tuple[str, ...]:
        """Names of the validation measures for which larger is better, the main one first."""

    @abstractmethod
    def pool(self, fused: Tensor) -> Tensor:
        r"""Return the head's input from fused features (B, \*T, D)."""

    @abstractmethod
    def link(self, output: Tensor) -> Tensor:
        """Return float32 scores from the model's output: probabilities, or the values."""


class ClassDecision(Decision):
    """Decides clips by the mean of windows' posteriors (Ma et al. 2020), at a temperature.

    Attributes:
        temperature: A buffer: 1 until :meth:`fit`.
    """

    temperature: Tensor

    def __init__(self, target: Classes) -> None:
        super().__init__(target)
        self.register_buffer("temperature", torch.ones(()))

    @property
    @override
    def measures(self) -> tuple[str, ...]:
        """The :data:`~emorec.evaluation.measures.MEASURES`."""
        return tuple(each.name for each in MEASURES if each.more_is_better)

    @override
    def pool(self, fused: Tensor) -> Tensor:
        """Return (B, D): the mean over a window's steps, if the fusion keeps them."""
        return fused.mean(1) if fused.ndim == 3 else fused

    @override
    def link(self, output: Tensor) -> Tensor:
        """Return probabilities (B, classes) from logits."""
        return output.float().softmax(-1)

    def decide(self, scores: Tensor) -> Tensor:
        """Return votes (..., classes), means over windows, at the temperature."""
        return apply_temperature(scores, self.temperature.to(scores.dtype))

    def fit(self, votes: Votes) -> None:
        """Fit the temperature; 1 where undetermined.

        Args:
            votes: Decisions on validation clips, at temperature 1.
        """
        temperature = fit_temperature(votes.scores, votes.target)
        self.temperature = torch.full_like(self.temperature, temperature or 1.0)


class TraceDecision(Decision):
    """Joins values of windows to the trace of a recording, and post-processes it.

    Attributes:
        chain: A buffer (dimensions, 5); the identity until :meth:`fit`. See
            :class:`~emorec.evaluation.postprocess.Chain`.
    """

    target: Values
    chain: Tensor

    def __init__(self, target: Values) -> None:
        super().__init__(target)
        blank = torch.tensor([Chain()] * len(target), dtype=torch.float32)
        self.register_buffer("chain", blank)

    @property
    @override
    def measures(self) -> tuple[str, ...]:
        """Measures averaged over dimensions, and of each dimension as MEASURE_DIMENSION."""
        better = [each.name for each in TRACE_MEASURES if each.more_is_better]
        return (*better, *(f"{name}_{each}" for name in better for each in self.target.names))

    @override
    def pool(self, fused: Tensor) -> Tensor:
        """Return all steps."""
        return fused

    @override
    def link(self, output: Tensor) -> Tensor:
        """Return the values (B, T, dimensions)."""
        return output.float()

    def join(self, windows: WindowValues, starts: Mapping[int, Sequence[float]]) -> Traces:
        """Return position of a clip -> its trace before post-processing.

        Args:
            windows: Predictions for windows.
            starts: Position of a clip -> start of each of its windows, in seconds.
        """
        first = {clip: [round(s / self.target.step) for s in at] for clip, at in starts.items()}
        return join_windows(windows, first, self.target.delay_steps)

    def decide(self, trace: Trace) -> Trace:
        """Return float64 (steps, dimensions) after the chain."""
        columns = [chain(trace[:, i]) for i, chain in enumerate(self.chains())]
        return np.stack(columns, 1)

    def chains(self) -> list[Chain]:
        """Return the chain of each dimension."""
        return [Chain(int(m), c, s, a, int(shift)) for m, c, s, a, shift in self.chain.tolist()]

    def fit(self, traces: Traces, gold: Mapping[int, Array]) -> None:
        """Fit the chain of :mod:`emorec.evaluation.postprocess`.

        Args:
            traces: Traces of validation recordings, before post-processing.
            gold: Position of a clip -> (steps, dimensions).
        """
        clips = sorted(gold.keys() & traces.keys())
        # Whole traces, as in prediction: the mean for centring depends on all steps.
        true = {clip: of_length(gold[clip], len(traces[clip])) for clip in clips}
        chains = [
            fit_chain(
                [traces[c][:, i] for c in clips], [true[c][:, i] for c in clips], self.target.step
            )
            for i in range(len(self.target))
        ]
        self.chain = torch.tensor(chains, dtype=torch.float32, device=self.chain.device)


def decision_of(target: Target) -> Decision:
    """Return the decision for a target.

    Raises:
        TypeError: The target is neither Classes nor Values.
    """
    match target:
        case Classes():
            return ClassDecision(target)
        case Values():
            return TraceDecision(target)
    raise TypeError(f"a target must be Classes or Values, got {type(target).__name__}")
