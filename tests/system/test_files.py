"""Walking folders with links, and names that are too long or not text."""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from emorec.errors import UserError
from emorec.system.files import beside, check_writable, readable, short_name, walk_files, write_text


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def walked(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in walk_files(root)]


def test_linked_folders_are_entered(tmp_path: Path) -> None:
    tree(tmp_path / "disk", "Actor_02/b.mp4", "Actor_03/deep/c.mp4")
    root = tree(tmp_path / "set", "Actor_01/a.mp4")
    for name in ("Actor_02", "Actor_03"):
        (root / name).symlink_to(tmp_path / "disk" / name)
    assert walked(root) == ["Actor_01/a.mp4", "Actor_02/b.mp4", "Actor_03/deep/c.mp4"]
    (tmp_path / "alias").symlink_to(root)
    assert len(walk_files(tmp_path / "alias")) == 3


def test_circles_of_links_end_and_lead_nowhere_else(tmp_path: Path) -> None:
    tree(tmp_path, "elsewhere/x.mp4")
    root = tree(tmp_path / "set", "one/a.mp4", "two/b.mp4")
    (root / "one/up").symlink_to(root)
    (root / "one/two").symlink_to(root / "two")
    (root / "two/one").symlink_to(root / "one")
    (root / "out").symlink_to(tmp_path)
    (root / "gone").symlink_to(tmp_path / "nothing")
    (root / "self").symlink_to(root / "self")
    assert walked(root) == ["one/a.mp4", "two/b.mp4"]


def test_a_folder_that_is_there_twice_is_entered_by_its_own_name(tmp_path: Path) -> None:
    root = tree(tmp_path / "set", "z/a.mp4")
    (root / "a").symlink_to(root / "z")
    tree(tmp_path / "disk", "b.mp4")
    (root / "first").symlink_to(tmp_path / "disk")
    (root / "second").symlink_to(tmp_path / "disk")
    assert walked(root) == ["first/b.mp4", "z/a.mp4"]


def test_hidden_folders_are_left_out(tmp_path: Path) -> None:
    tree(tmp_path / ".set", ".Trash/a.mp4", "b.mp4", ".hidden.mp4")
    assert walked(tmp_path / ".set") == [".hidden.mp4", "b.mp4"]


def test_a_folder_that_cannot_be_read_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tree(tmp_path, "open/a.mp4", "locked/b.mp4")
    inside = Path.iterdir

    def refuse(path: Path) -> Iterator[Path]:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return inside(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with caplog.at_level(logging.WARNING):
        assert walked(tmp_path) == ["open/a.mp4"]
    assert "locked cannot be read (Permission denied)" in caplog.text


LATIN = os.fsdecode(b"M\xfcller")


def test_names_that_are_no_text_can_be_shown_and_are_read_back(tmp_path: Path) -> None:
    assert readable(LATIN) == r"M\xfcller"
    assert short_name(LATIN) == "M_ller"
    assert readable("Müller 日本") == short_name("Müller 日本") == "Müller 日本"
    write_text(tmp_path / "a.json", json.dumps({"file": LATIN}, ensure_ascii=False))
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"file": LATIN}


@pytest.mark.parametrize("letter", ["x", "界", "é"])
def test_names_are_shortened_to_what_file_systems_take(tmp_path: Path, letter: str) -> None:
    name = short_name(letter * 300)
    assert 150 < len(name.encode()) <= 180
    write_text(tmp_path / f"{name}_person12_timeline.csv", "whole")
    whole = (letter * 255).encode()[:255].decode(errors="ignore")
    write_text(tmp_path / whole, "also")
    assert len(list(tmp_path.iterdir())) == 2
    assert beside(tmp_path / whole).name.startswith(".")


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    check_writable(tmp_path / "new/deep", "--out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--out is .*, which is a file"):
        check_writable(tmp_path / "file", "--out")
    with pytest.raises(UserError, match=r"cannot be written \(Not a directory.*with --data.cache"):
        check_writable(tmp_path / "file/below", "--data.cache")
    with pytest.raises(UserError, match="cannot be written"):
        check_writable(Path("/proc/emorec"), "--out")
