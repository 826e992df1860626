"""Ten random kills of preprocessing, in CI; see kills.py for more."""

from pathlib import Path

import pytest

from tests.helpers.preprocess_kills import kill_often


@pytest.mark.slow
def test_ten_kills_leave_nothing_that_is_read_back_wrong(tmp_path: Path) -> None:
    done, amid, _ = kill_often(tmp_path, 10)
    assert done == 10
    assert amid > 0
