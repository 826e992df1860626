"""The command that measures on a GPU, on the CPU: whatever a stage does, the rest is reported."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.gpu import __main__ as command
from tests.gpu import pack
from tests.gpu.figures import Figure, Figures, read_figures, table

FIGURE = "from tests.gpu.figures import Figures; from pathlib import Path; import os, sys, time; "
FIGURE += "Figures(Path(os.environ['EMOREC_TEST_OUTCOMES'])).add('speed', 2.0, 'm/s'); "


class Fake(command.Stage):
    """A stage that runs a line of Python."""

    def command(self, out: Path, *, cpu: bool) -> list[str]:
        return [sys.executable, "-c", FIGURE + LINES[self.name]]


LINES = {
    "good": "",
    "broken": "raise RuntimeError('no memory')",
    "endless": "import subprocess; subprocess.Popen(['sleep', '600']); time.sleep(600)",
    "after": "",
}


def test_a_stage_that_fails_or_hangs_keeps_its_figures_and_the_next_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = {"good": 0.3, "broken": 0.3, "endless": 0.1, "after": 0.3}
    monkeypatch.setattr(command, "STAGES", [Fake(name, share) for name, share in shares.items()])
    start = time.monotonic()
    assert command.main(tmp_path, [], cpu=True, minutes=0.5) == 1
    assert time.monotonic() - start < 60
    results = {each["stage"]: each for each in json.loads((tmp_path / "results.json").read_text())}
    assert list(results) == list(shares)
    for result in results.values():
        first, *rest = result["figures"]
        assert (first["what"], first["value"]) == ("speed", 2.0)
        assert bool(rest) == (result["stage"] in ("broken", "endless"))
    assert results["broken"]["figures"][1]["note"].endswith("RuntimeError: no memory")
    assert "stopped at its limit" in results["endless"]["figures"][1]["note"]
    text = (tmp_path / "table.md").read_text()
    assert text.count("| speed") == 4
    assert "not measured" in text


def test_what_a_killed_stage_wrote_is_read(tmp_path: Path) -> None:
    figures = Figures(tmp_path / "figures.jsonl")
    figures.add("one", 1.0, "ms")
    figures.add("two", None, "", "a | reason\nof two lines")
    with figures.path.open("a") as file:
        file.write('{"what": "thr')
    found = read_figures(figures.path)
    assert found == [Figure("one", 1.0, "ms"), Figure("two", None, "", "a | reason\nof two lines")]
    assert "| two" in table(found)
    assert "| a / reason of two lines" in table(found)
    assert read_figures(tmp_path / "none.jsonl") == []


def test_all_stages_but_the_tests_on_the_cpu(tmp_path: Path) -> None:
    """The tests of that stage are run by pytest here."""
    names = [stage.name for stage in command.STAGES if stage.name != "tests"]
    run = [sys.executable, "-m", "tests.gpu", "--cpu", "--minutes=20", f"--out={tmp_path}"]
    done = subprocess.run([*run, "--only", *names], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert [result["stage"] for result in results] == names
    for result in results:
        assert result["ended"] == "done"
        assert all(figure["value"] is not None for figure in result["figures"])
        assert len(result["figures"]) > 1


def test_the_pack_has_what_is_needed_in_locked_versions() -> None:
    wanted, lock = list(pack.needed()), pack.locked()
    assert {"av", "facenet-pytorch", "jsonargparse", "soundfile"} <= set(wanted)
    assert not set(wanted) & set(pack.listed())
    assert len(wanted) < 30, "a list of what is there that misses much makes a large pack"
    for name in wanted:
        assert lock[name].startswith(f"{name}==")
        assert "--hash=sha256:" in lock[name]
        assert ";" not in lock[name].splitlines()[0]
