"""A module imports only from lower layers, as docs/architecture.md lists them."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from emorec.plugins import KINDS

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "emorec"
PAGE = TESTS.parent / "docs" / "architecture.md"


def rows_of(page: str) -> list[list[str]]:
    """Return the parts of each layer, lowest first, as the page lists them."""
    lines = page.partition("## Layers")[2].partition("\n## ")[0].splitlines()
    rows = [line.split("|")[1:3] for line in lines if line.startswith("| ")][1:]
    assert [number.strip() for number, _ in rows] == [str(i + 1) for i in range(len(rows))]
    return [re.findall(r"`(\w+)`", parts) for _, parts in rows]


ROWS = rows_of(PAGE.read_text(encoding="utf-8"))
ROW = {name: number for number, names in enumerate(ROWS) for name in names}
MODELS = {"encoders", "fusion", "objectives", "model", "tasks"}
FILES = {"data", "cache", "extractors", "media", "windows"}


def modules(path: Path) -> set[str]:
    """Return the names of the modules that a file imports from."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def imports(path: Path) -> set[str]:
    """Return the top-level parts of emorec that a file imports."""
    return {name.split(".")[1] for name in modules(path) if name.startswith("emorec.")}


DOOR = PACKAGE / "__init__.py"  # names what predicts, and imports it at its first use


@pytest.mark.parametrize("path", sorted({*PACKAGE.rglob("*.py")} - {DOOR}), ids=lambda p: p.name)
def test_imports_come_from_lower_rows(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for other in imports(path) - {part}:
        assert ROW[other] < ROW[part], f"{path} imports {other}, which is not below {part}"


def test_the_page_names_what_there_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    nouns = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", text, re.MULTILINE)
    assert len(nouns) > 12
    for noun, module in nouns:
        assert hasattr(import_module(f"emorec.{module}"), noun), f"{module} has no {noun}"
    kinds = re.findall(r"^\| ([a-z ]+?) \(`(\w+)`\) \| (.*) \|$", text, re.MULTILINE)
    assert {kind for kind, _, _ in kinds} == set(KINDS)
    for kind, name, life in kinds:
        module, _, base = KINDS[kind].partition(":")
        assert base == name
        found = getattr(import_module(module), base)
        for method in set(re.findall(r"`([a-z_]+)`", life)):
            assert hasattr(found, method), f"{name} has no {method}"


def test_models_know_no_files_and_files_know_no_models() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part in MODELS:
            assert not imports(path) & FILES, path
        if part in FILES:
            assert not imports(path) & MODELS, path


def test_only_media_knows_pyav() -> None:
    known = {p for p in PACKAGE.rglob("*.py") if "av" in {n.split(".")[0] for n in modules(p)}}
    assert known
    assert {path.relative_to(PACKAGE).parts[0] for path in known} == {"media"}


def test_every_part_has_a_row() -> None:
    parts = {
        p.name.removesuffix(".py") for p in PACKAGE.iterdir() if p.suffix == ".py" or p.is_dir()
    }
    assert parts - {"__pycache__"} == set(ROW)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_a_file_has_at_most_350_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda p: p.name)
def test_no_test_imports_another_test_or_a_private_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        place = node.module.split(".")
        if place[0] in ("emorec", "tests"):
            names = [*place, *(alias.name for alias in node.names)]
            hidden = [n for n in names if n.startswith("_") and not n.endswith("__")]
            assert not [*hidden, *(n for n in names if n.startswith("test_"))], path
