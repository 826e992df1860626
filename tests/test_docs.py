"""The pages as a site: built without a warning, with every public name in the reference."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import emorec
from tests.conftest import ROOT

PACKAGES = sorted(
    path.parent.name
    for path in Path(emorec.__file__).parent.glob("*/__init__.py")
    if "__all__" in path.read_text("utf-8")
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    config = ROOT / ".github/mkdocs.yml"
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-f",
        str(config),
        "-d",
        str(place),
    ]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an advertisement
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return place


def test_each_page_is_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("").as_posix()
        if name != "index" and not name.startswith("measured/"):
            assert f'href="{name}/"' in home, name


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    home = (site / "index.html").read_text("utf-8")
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="https?://(?!squidfunk)[^"]*', home)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package: str, site: Path) -> None:
    text = (site / f"api/{package}/index.html").read_text("utf-8")
    for name in import_module(f"emorec.{package}").__all__:
        assert re.search(rf'id="emorec\.{package}\.(\w+\.)?{name}"', text), name


def test_roles_of_docstrings_are_shown_as_code(site: Path) -> None:
    text = (site / "api/fusion/index.html").read_text("utf-8")
    assert ":class:" not in text
    assert ":meth:" not in text
