"""The notebooks of the documentation: they run in an empty folder and are committed with output."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{scripts}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    notebook = read(path)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=1200, resources=place).execute()
    pictures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert pictures
    text = "".join(output.get("text", "") for output in outputs(notebook))
    assert "emorec: " not in text, "a command failed"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_with_pictures_and_without_paths_of_a_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert '"image/png"' in text
    said = "".join(output.get("text", "") for output in outputs(read(path)))
    assert not re.search(r"(?<![\w.:~/*-])/\w+/", said), "an absolute path"
    assert len(text) < 1_500_000


def read(path: Path) -> nbformat.NotebookNode:
    text = path.read_text("utf-8")
    notebook: nbformat.NotebookNode = nbformat.reads(text, 4)  # type: ignore[no-untyped-call]
    return notebook


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_there_are_four() -> None:
    assert {path.stem for path in NOTEBOOKS} == {
        "add_a_part",
        "compare",
        "first_look",
        "own_clips",
    }
