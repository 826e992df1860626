"""Which packages are installed, without importing them."""

from importlib.metadata import PackageNotFoundError, distribution


def installed(package: str) -> bool:
    """Return whether a package is installed."""
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
