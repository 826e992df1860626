"""The pages that show how a part is added: their code runs, block after block."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs/extending").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 1
    module = tmp_path / f"page_{page.stem}.py"
    module.write_text("\n".join(blocks), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    __import__(module.stem)


def test_each_kind_of_part_that_users_ask_for_has_a_page() -> None:
    assert {page.stem for page in PAGES} == {
        "corpus",
        "encoder",
        "extractor",
        "fusion",
        "objective",
    }
