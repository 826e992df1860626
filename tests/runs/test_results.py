"""metrics.json: written results are read back, damaged files are refused."""

import json
from pathlib import Path

import pytest

from emorec.errors import UserError
from emorec.runs.results import Results, is_finished
from tests.helpers.fake_study import NOTHING


def test_what_a_run_wrote_is_read_and_written_the_same(smoke_run: Path, tmp_path: Path) -> None:
    file = smoke_run / "metrics.json"
    results = Results.read(file)
    assert results.finished
    assert results.main is results.test["fused"]
    assert results.clips == {"train": 12, "val": 3, "test": 3}
    results.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == file.read_text()


def test_unknown_keys_are_left_out_and_lacking_ones_are_named(tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    NOTHING.write(file)
    tree = json.loads(file.read_text())
    file.write_text(json.dumps({**tree, "later": 1}))
    assert Results.read(file) == NOTHING
    del tree["split"], tree["seed"]
    file.write_text(json.dumps(tree))
    with pytest.raises(UserError, match=r"lacks seed, split: another version.*emorec test"):
        Results.read(file)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_file_is_no_finished_run(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "metrics.json"
    assert not is_finished(file)
    file.write_bytes(content)
    for read in (is_finished, Results.read):
        with pytest.raises(UserError, match=r"metrics.json is damaged"):
            read(file)


def test_the_scores_of_a_run_with_one_modality_are_its_own() -> None:
    audio = {"clips": 3}
    assert Results(**{**vars(NOTHING), "test": {"audio": audio}}).main == audio
