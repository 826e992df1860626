"""Audio-visual emotion recognition with common information (HGR maximal correlation)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emorec.predict import Predictor, load_predictor

__all__ = ["Predictor", "__version__", "load_predictor"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what predicts at its first use: the command's help must not wait for PyTorch."""
    if name in ("Predictor", "load_predictor"):
        from emorec import predict

        return getattr(predict, name)
    raise AttributeError(f"module 'emorec' has no attribute {name!r}")
