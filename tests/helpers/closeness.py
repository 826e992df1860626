"""How far a result is from the exact one."""

from torch import Tensor


def distance(found: Tensor, exact: Tensor) -> float:
    return float((found.double().cpu() - exact).norm() / exact.norm().clamp(min=1e-12))
