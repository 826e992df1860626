"""Shell blocks of the README and other pages: marked ones are run, the others parsed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from emorec.cli import COMMANDS
from tests.conftest import ROOT

PAGES = (
    "README.md",
    "docs/recipes.md",
    "emorec/data/README.md",
    "emorec/export/README.md",
    "emorec/study/README.md",
    "configs/model/end_to_end.md",
    "configs/fusion/README.md",
    "configs/model/distribution_matching.md",
    "configs/model/emotiw.md",
    "configs/model/generate.md",
    "docs/common_information.md",
)
TEXT = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
BLOCKS = re.findall(r"(<!-- ci: run -->\n)?```sh\n(.*?)```", TEXT, re.DOTALL)
RUN = [block for marked, block in BLOCKS if marked]


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN)
def test_marked_block_runs(block: str, tmp_path: Path) -> None:
    (tmp_path / "configs").symlink_to(ROOT / "configs")
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
        if words[:1] == ["make"]:
            assert f"\n{words[1]}:" in makefile
        for word in words:
            if word.startswith("configs/"):
                assert (ROOT / word).is_file(), word


def test_configs_that_the_text_names_exist() -> None:
    named = set(re.findall(r"\bconfigs/[a-z0-9_/]+\.yaml", TEXT))
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []
