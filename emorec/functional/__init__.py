"""Pure mathematics on tensors."""

from emorec.functional.distributed import sum_over_ranks, world_size
from emorec.functional.hgr import soft_hgr, soft_hgr_terms

__all__ = ["soft_hgr", "soft_hgr_terms", "sum_over_ranks", "world_size"]
