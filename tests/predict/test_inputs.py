"""Files from files, folders, patterns and lists."""

from pathlib import Path

import pytest

from emorec.predict.inputs import find_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.mp4", "a.WAV", "notes.txt", "deep/c.mkv", "._b.mp4", "deep/[x].mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_gives_its_media_files_by_name(folder: Path) -> None:
    found = [path.relative_to(folder).as_posix() for path in find_files([str(folder)])]
    assert found == ["a.WAV", "b.mp4", "deep/[x].mp4", "deep/c.mkv"]


def test_patterns_files_and_lists_count_each_file_once(folder: Path) -> None:
    found = find_files(["b.mp4", "**/*.mkv", "-", "*.mp4"], ["b.mp4\n", "\n", " deep \n"])
    names = [path.as_posix() for path in found]
    assert names == ["b.mp4", "deep/c.mkv", "deep/[x].mp4"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(folder: Path) -> None:
    assert find_files(["deep/[x].mp4"]) == [Path("deep/[x].mp4")]


def test_what_is_not_there_is_kept_to_be_reported(folder: Path) -> None:
    assert find_files(["none.mp4", "*.flv"]) == [Path("none.mp4"), Path("*.flv")]
    assert find_files(["-"], []) == []
