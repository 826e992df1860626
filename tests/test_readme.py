"""Shell blocks of the README and other pages: marked ones are run, the others parsed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from emorec.cli import COMMANDS
from emorec.system.shipped import with_paths
from tests.conftest import ROOT

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
CODE = re.compile(r"```.*?```", re.DOTALL)
BLOCKS = re.findall(r"(<!-- ci: run -->\n)?```sh\n(.*?)```", TEXT, re.DOTALL)
RUN = [block for marked, block in BLOCKS if marked]


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN)
def test_marked_block_runs(block: str, tmp_path: Path) -> None:
    scripts = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-euc", block],
        cwd=tmp_path,
        env={"PATH": f"{scripts}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "both together" in done.stdout
    assert "1 of 1 files predicted, 0 skipped" in done.stdout
    assert (tmp_path / "runs/smoke/predictions/s01-anger-01_timeline.png").is_file()


def test_there_is_a_block_to_run() -> None:
    assert len(RUN) == 1


@pytest.mark.parametrize("block", [block for _, block in BLOCKS])
def test_block_is_valid_shell_and_names_what_exists(block: str) -> None:
    subprocess.run(["bash", "-nc", block], check=True)
    makefile = (ROOT / "Makefile").read_text()
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["emorec"]:
            assert words[1] in COMMANDS
            with_paths(words[1:])  # refuses names that no config has
        if words[:1] == ["make"]:
            assert f"\n{words[1]}:" in makefile
        for word in words:
            if word.startswith("configs/"):
                assert (ROOT / word).is_file(), word


def test_configs_that_the_text_names_exist() -> None:
    named = set(re.findall(r"\bconfigs/[a-z0-9_/]+\.yaml", TEXT))
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_the_readme_is_short_and_begins_with_something_to_see() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 160
    first = "\n".join(lines[:30])
    assert "pip install" in first
    assert "emorec fit --config demo" in first
    assert "![" in first


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", CODE.sub("", page.read_text("utf-8"))):
        assert (page.parent / link).exists(), link


def test_the_citation_names_the_papers_of_the_systems() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    years = [paper["year"] for paper in cited["references"]]
    assert sorted(years) == [2017, 2017, 2020, 2020, 2022]
    for paper in cited["references"]:
        assert paper["authors"][0]["family-names"] in TEXT
