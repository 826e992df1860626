"""One minus the concordance coefficient: of the fused output, and of one modality alone."""

from torch import Tensor, nn

from emorec.errors import UserError
from emorec.functional import concordance, sum_over_ranks
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class Concordance(Objective):
    """Mean over dimensions of 1 - CCC (Tzirakis et al. 2017, as in their public code).

    The coefficient is that of all steps of the batch together, on all ranks. Logged: the
    coefficient of the batch, for each dimension.

    Args:
        sizes: Widths, given by the task.
        weight: Factor in the total loss.
        target: Which target.
    """

    score_names = ("fused",)
    feature = "fused"

    def __init__(self, sizes: Sizes, *, weight: float = 1.0, target: str = "affect") -> None:
        super().__init__(sizes, weight=weight)
        if target not in sizes.outputs:
            raise UserError(f"no target {target!r}; there are {', '.join(sizes.outputs)}")
        self.target = target

    def values(self, bundle: FeatureBundle) -> Tensor:
        """Return (B, T, dimensions): the model's output, unless overridden."""
        return bundle.output

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss; see the base class.

        Raises:
            UserError: The target has classes, or other steps than the output.
        """
        values, target = self.values(bundle), batch.targets[self.target]
        if values.shape != target.shape or not target.is_floating_point():
            raise UserError(
                f"the output {tuple(values.shape)} and the target {self.target!r} "
                f"{tuple(target.shape)} differ: a target with values is needed, and as many steps "
                "from the encoders as the windows have (data.step)"
            )
        rows = bundle.present[self.feature] & batch.labelled[self.target]
        known = target.masked_fill(~rows.view(-1, *[1] * (target.ndim - 1)), float("nan"))
        found = concordance(values.flatten(0, -2), known.flatten(0, -2))
        self.parts = {f"ccc/{number}": ccc.detach() for number, ccc in enumerate(found)}
        # Where no rank knows a value of a dimension there is nothing to be wrong about.
        there = sum_over_ranks((~known.isnan()).flatten(0, -2).sum(0)) > 0
        return ((1 - found) * there).sum() / there.sum().clamp(min=1)

    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the values (B, T, dimensions) under the feature's name."""
        return {self.feature: self.values(bundle)}


class AuxiliaryConcordance(Concordance):
    """An LSTM and a linear layer on one modality, and their loss.

    The unimodal networks of Tzirakis et al. 2017, whose LSTM the joint network does not take over.
    The values are evaluated under the modality's name ("audio alone").

    Args:
        sizes: Widths, given by the task.
        feature: Which modality.
        weight: Factor in the total loss.
        target: Which target.
        layers: Of the LSTM.
        units: A layer.
    """

    def __init__(
        self,
        sizes: Sizes,
        feature: str,
        *,
        weight: float = 1.0,
        target: str = "affect",
        layers: int = 2,
        units: int = 256,
    ) -> None:
        super().__init__(sizes, weight=weight, target=target)
        if feature not in sizes.features:
            raise UserError(
                f"no feature {feature!r}; there are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.score_names = feature, (feature,)
        self.lstm = nn.LSTM(sizes.features[feature], units, layers, batch_first=True)
        self.head = nn.Linear(units, sizes.outputs[target])

    def values(self, bundle: FeatureBundle) -> Tensor:
        """Return what the modality says alone, (B, T, dimensions)."""
        found: Tensor = self.head(self.lstm(bundle.features[self.feature])[0])
        return found
