"""Pure mathematics on tensors."""

from emorec.functional.adaptive_triplet import adaptive_triplet
from emorec.functional.adversarial import (
    common_information,
    critic_losses,
    generator_losses,
    unit_variance,
)
from emorec.functional.alignment import (
    barlow_twins,
    deep_cca,
    info_nce,
    variance_covariance,
    vicreg,
)
from emorec.functional.concordance import concordance
from emorec.functional.diff_augment import diff_augment
from emorec.functional.distributed import (
    add_over_ranks,
    rows_of_all_ranks,
    sum_over_ranks,
    world_size,
)
from emorec.functional.first_rows import first_rows
from emorec.functional.hgr import soft_hgr, soft_hgr_pairs, soft_hgr_stacked
from emorec.functional.mmd import mmd
from emorec.functional.moments import Moments, moments
from emorec.functional.spectrum import Discrete, hgr_discrete, hgr_spectrum
from emorec.functional.supervised_contrastive import supervised_contrastive

__all__ = [
    "Discrete",
    "Moments",
    "adaptive_triplet",
    "add_over_ranks",
    "barlow_twins",
    "common_information",
    "concordance",
    "critic_losses",
    "deep_cca",
    "diff_augment",
    "first_rows",
    "generator_losses",
    "hgr_discrete",
    "hgr_spectrum",
    "info_nce",
    "mmd",
    "moments",
    "rows_of_all_ranks",
    "soft_hgr",
    "soft_hgr_pairs",
    "soft_hgr_stacked",
    "sum_over_ranks",
    "supervised_contrastive",
    "unit_variance",
    "variance_covariance",
    "vicreg",
    "world_size",
]
