"""One minus the concordance correlation coefficient, of the fused output or one modality."""

from torch import Tensor, nn
from typing_extensions import override

from emorec.errors import UserError
from emorec.functional import concordance, sum_over_ranks
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class Concordance(Objective):
    """Mean over dimensions of 1 - CCC (Tzirakis et al. 2017, as in their public code).

    The coefficient is computed over all steps of the batch on all ranks, and logged for each
    dimension.

    Args:
        sizes: Feature dimensions, given by the task.
        weight: Factor in the total loss.
        target: Name of the target.
    """

    score_names = ("fused",)
    feature = "fused"

    def __init__(self, sizes: Sizes, *, weight: float = 1.0, target: str = "affect") -> None:
        super().__init__(sizes, weight=weight)
        if target not in sizes.outputs:
            raise UserError(f"no target {target!r}; the targets are {', '.join(sizes.outputs)}")
        self.target = target

    def values(self, bundle: FeatureBundle) -> Tensor:
        """Return (B, T, dimensions): the model's output, unless overridden."""
        return bundle.output

    @override
    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return the loss.

        Raises:
            UserError: The target has classes, or a different number of steps from the output.
        """
        values, target = self.values(bundle), batch.targets[self.target]
        if values.shape != target.shape or not target.is_floating_point():
            raise UserError(
                f"the output {tuple(values.shape)} and the target {self.target!r} "
                f"{tuple(target.shape)} differ: use a target with values, and encoders that give "
                "as many steps as the windows have (data.step)"
            )
        rows = bundle.present[self.feature] & batch.labelled[self.target]
        masked = target.masked_fill(~rows.view(-1, *[1] * (target.ndim - 1)), float("nan"))
        coefficients = concordance(values.flatten(0, -2), masked.flatten(0, -2))
        self.parts = {f"ccc/{number}": ccc.detach() for number, ccc in enumerate(coefficients)}
        # A dimension without any known value on any rank is ignored.
        known = sum_over_ranks((~masked.isnan()).flatten(0, -2).sum(0)) > 0
        return ((1 - coefficients) * known).sum() / known.sum().clamp(min=1)

    @override
    def scores(self, bundle: FeatureBundle) -> dict[str, Tensor]:
        """Return the values (B, T, dimensions) under the feature's name."""
        return {self.feature: self.values(bundle)}


class AuxiliaryConcordance(Concordance):
    """An LSTM and a linear layer on one modality, and their loss.

    The unimodal networks of Tzirakis et al. 2017, whose LSTM the joint network does not reuse.
    The values are evaluated under the modality's name ("audio alone").

    Args:
        sizes: Feature dimensions, given by the task.
        feature: Name of the modality.
        weight: Factor in the total loss.
        target: Name of the target.
        layers: LSTM layers.
        units: Units per layer.
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
                f"no feature {feature!r}; the features are {', '.join(sorted(sizes.features))}"
            )
        self.feature, self.score_names = feature, (feature,)
        self.lstm = nn.LSTM(sizes.features[feature], units, layers, batch_first=True)
        self.head = nn.Linear(units, sizes.outputs[target])

    @override
    def values(self, bundle: FeatureBundle) -> Tensor:
        """Return the values (B, T, dimensions) predicted from the modality alone."""
        values: Tensor = self.head(self.lstm(bundle.features[self.feature])[0])
        return values
