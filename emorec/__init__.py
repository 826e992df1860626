"""Audio-visual emotion recognition with common information (HGR maximal correlation)."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emorec.predict import Predictor, load_predictor

__all__ = ["Predictor", "__version__", "load_predictor"]
try:
    __version__ = version("emorec")
except PackageNotFoundError:  # run from a folder that nothing installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Import what predicts at its first use: the command's help must not wait for PyTorch."""
    if name in ("Predictor", "load_predictor"):
        from emorec import predict

        return getattr(predict, name)
    raise AttributeError(f"module 'emorec' has no attribute {name!r}")
