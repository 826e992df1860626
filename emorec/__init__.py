"""Audio-visual emotion recognition with common information (HGR maximal correlation)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emorec.predict.load import load_predictor
    from emorec.predict.predictor import Predictor

__all__ = ["Predictor", "__version__", "load_predictor"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what predicts at its first use: the command's help must not wait for PyTorch."""
    if name == "load_predictor":
        from emorec.predict.load import load_predictor

        return load_predictor
    if name == "Predictor":
        from emorec.predict.predictor import Predictor

        return Predictor
    raise AttributeError(f"module 'emorec' has no attribute {name!r}")
