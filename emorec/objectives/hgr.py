"""Soft-HGR correlation between pairs of features, as a loss."""

from itertools import combinations

from torch import Tensor

from emorec.errors import UserError
from emorec.functional import soft_hgr_terms
from emorec.objectives.base import Objective
from emorec.types import FeatureBundle, SegmentBatch, Sizes


class SoftHGR(Objective):
    r"""Minus the sum of soft-HGR over pairs of features (Ma et al. 2020, equations (4) and (8)).

    .. math:: L_{corr} = -\sum_{(a, b)} S(F_a, F_b)

    Each pair counts the rows where both of its features are there, so a pair of modalities
    learns from unlabelled rows too and a pair with the label from labelled rows only (equation
    (8), pooled). The paper states that audio, visual and label features are made maximally
    correlated; that the pairs are added with equal weights is inferred. For weights per pair
    use several objectives. Logged: S of each pair, its inner product and its trace term.

    Args:
        sizes: Widths, given by the task.
        pairs: Such as ``audio+face``, ``audio+label``, ``fused+label``. None: all pairs of
            modalities and, where there is a label encoder, the label.
        weight: The paper's lambda (0.01, 0.1, 1 or 10).
        unbiased: Divide covariances by n - 1 (else n).
    """

    def __init__(
        self,
        sizes: Sizes,
        pairs: list[str] | None = None,
        *,
        weight: float = 1.0,
        unbiased: bool = True,
    ) -> None:
        super().__init__(sizes, weight=weight)
        known = sizes.features
        if pairs is None:
            names = sorted(name for name in known if name != "fused")
            pairs = [f"{a}+{b}" for a, b in combinations(names, 2)]
        self.pairs = [_split_pair(pair, known) for pair in pairs]
        self.unbiased = unbiased

    def forward(self, bundle: FeatureBundle, batch: SegmentBatch) -> Tensor:
        """Return minus the sum of S over the pairs; see the base class."""
        loss = bundle.output.new_zeros(())
        for a, b in self.pairs:
            rows = bundle.present[a] & bundle.present[b]
            s, inner, trace = soft_hgr_terms(
                bundle.features[a], bundle.features[b], rows, unbiased=self.unbiased
            )
            self.parts |= {
                f"{a}+{b}/S": s.detach(),
                f"{a}+{b}/inner": inner,
                f"{a}+{b}/trace": trace,
            }
            loss = loss - s
        return loss


def _split_pair(pair: str, known: dict[str, int]) -> tuple[str, str]:
    a, plus, b = pair.partition("+")
    if not plus or a not in known or b not in known or a == b:
        raise UserError(
            f"pair {pair!r} is not two different features joined by '+'; the features are "
            f"{', '.join(sorted(known))}"
        )
    if known[a] != known[b]:
        raise UserError(
            f"soft-HGR needs features of one width, but {a} has {known[a]} and {b} {known[b]}; "
            "give their encoders (or the fusion) the same dim"
        )
    return a, b
