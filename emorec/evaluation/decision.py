"""From what a model says of windows to what it says of a clip: one form for each of a target."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from emorec.evaluation.calibration import apply_temperature, fit_temperature
from emorec.evaluation.clips import Votes
from emorec.evaluation.measures import MEASURES, TRACE_MEASURES
from emorec.evaluation.postprocess import Chain, fit_chain
from emorec.evaluation.traces import Trace, Traces, WindowValues, join_windows, of_length
from emorec.types import Array, Classes, Target, Values


class Decision(nn.Module, ABC):
    """What becomes of a model's outputs; what is fitted on validation clips is in its buffers.

    Args:
        target: What is predicted.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target

    @property
    @abstractmethod
    def measures(self) -> tuple[str, ...]:
        """Names of what validation measures and is better the larger it is, the main one first."""

    @abstractmethod
    def pool(self, fused: Tensor) -> Tensor:
        r"""Return what the head reads of fused features (B, \*T, D)."""

    @abstractmethod
    def link(self, output: Tensor) -> Tensor:
        """Return float32 scores of the model's output: probabilities, or the values themselves."""


class ClassDecision(Decision):
    """Probabilities of windows to those of a clip: their mean (Ma et al. 2020), at a temperature.

    Attributes:
        temperature: A buffer: 1 until :meth:`fit`.
    """

    temperature: Tensor

    def __init__(self, target: Classes) -> None:
        super().__init__(target)
        self.register_buffer("temperature", torch.ones(()))

    @property
    def measures(self) -> tuple[str, ...]:
        """The :data:`~emorec.evaluation.measures.MEASURES`."""
        return tuple(each.name for each in MEASURES if each.more_is_better)

    def pool(self, fused: Tensor) -> Tensor:
        """Return (B, D): the mean over a window's steps, where the fusion keeps them."""
        return fused.mean(1) if fused.ndim == 3 else fused

    def link(self, output: Tensor) -> Tensor:
        """Return probabilities (B, classes) of logits."""
        return output.float().softmax(-1)

    def decide(self, shares: Tensor) -> Tensor:
        """Return votes (..., classes), means over windows, at the temperature."""
        return apply_temperature(shares, self.temperature.to(shares.dtype))

    def fit(self, votes: Votes) -> None:
        """Set the temperature that fits clips best.

        Args:
            votes: Of validation clips, at temperature 1.
        """
        found = fit_temperature(votes.scores, votes.target)
        self.temperature = torch.full_like(self.temperature, found or 1.0)


class TraceDecision(Decision):
    """Values of windows to the trace of a recording, post-processed.

    Attributes:
        chain: A buffer (dimensions, 5); it does nothing until :meth:`fit`. See
            :class:`~emorec.evaluation.postprocess.Chain`.
    """

    target: Values
    chain: Tensor

    def __init__(self, target: Values) -> None:
        super().__init__(target)
        blank = torch.tensor([Chain()] * len(target), dtype=torch.float32)
        self.register_buffer("chain", blank)

    @property
    def measures(self) -> tuple[str, ...]:
        """Those of the means over dimensions, and of each dimension as MEASURE_DIMENSION."""
        better = [each.name for each in TRACE_MEASURES if each.more_is_better]
        return (*better, *(f"{name}_{each}" for name in better for each in self.target.names))

    def pool(self, fused: Tensor) -> Tensor:
        """Return all steps."""
        return fused

    def link(self, output: Tensor) -> Tensor:
        """Return the values (B, T, dimensions)."""
        return output.float()

    def join(self, windows: WindowValues, starts: Mapping[int, Sequence[float]]) -> Traces:
        """Return position of a clip -> its trace before post-processing.

        Args:
            windows: What was said of windows.
            starts: Position of a clip -> when each of its windows begins, in seconds.
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
            traces: Of validation recordings, before post-processing.
            gold: Position of a clip -> (steps, dimensions).
        """
        clips = sorted(gold.keys() & traces.keys())
        # Whole traces, as the chain is applied to: what is centred on depends on all steps.
        true = {clip: of_length(gold[clip], len(traces[clip])) for clip in clips}
        chains = [
            fit_chain(
                [traces[c][:, i] for c in clips], [true[c][:, i] for c in clips], self.target.step
            )
            for i in range(len(self.target))
        ]
        self.chain = torch.tensor(chains, dtype=torch.float32, device=self.chain.device)


def decision_of(target: Target) -> Decision:
    """Return the form for a target.

    Raises:
        TypeError: It has none of the two forms.
    """
    match target:
        case Classes():
            return ClassDecision(target)
        case Values():
            return TraceDecision(target)
    raise TypeError(f"a target is Classes or Values, got {type(target).__name__}")
