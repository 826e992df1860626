"""Files from files, folders, patterns and lists, and clips from manifests."""

from pathlib import Path

import pytest

from emorec.data.errors import DataError
from emorec.predict.inputs import Input, find_files, find_inputs


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


def test_a_manifest_gives_its_clips_with_all_that_belongs_to_them(folder: Path) -> None:
    (folder / "deep/clips.csv").write_text(
        "path,start,end,text,sidecar_words,label,id\n"
        "c.mkv,1,2.5,oh no,c.txt,joy,\nc.mkv,3,4,,,,last one\n"
    )
    file, first, last = find_inputs(["b.mp4", "deep/clips.csv"])
    assert file == Input(Path("b.mp4"))
    assert file.named == file.file
    assert file.key == {"file": "b.mp4"}
    assert first.file == folder / "deep/c.mkv"
    assert first.clip is not None
    assert first.clip.span == (1.0, 2.5)
    assert first.clip.sidecars == {"words": folder / "deep/c.txt"}
    assert (first.clip.text, first.clip.labels) == ("oh no", {})
    assert first.key == {"file": str(folder / "deep/c.mkv"), "clip": "c.mkv@1-2.5"}
    assert [each.stem for each in (file, first, last)] == ["b", "c.mkv_1-2.5", "last_one"]
    assert str(last) == "last one"


def test_what_is_written_of_a_clip_stays_in_the_folder(folder: Path) -> None:
    (folder / "a.csv").write_text("path,id\nb.mp4,../../b.mp4\nb.mp4,/b\n")
    assert all(Path(each.stem).name == each.stem for each in find_inputs(["a.csv"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file\na.mp4\n", "has no path"),
        ("path\na.mp4\na.mp4\n", "repeat, for instance 'a.mp4'"),
        ("path\n", "no clip found in"),
        ("path,start,end\na.mp4,2,1\n", "expected 0 <= start < end"),
    ],
)
def test_a_manifest_that_is_not_as_expected_is_refused(
    folder: Path, text: str, message: str
) -> None:
    (folder / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        find_inputs(["bad.csv"])


def test_a_manifest_that_is_not_there_is_a_file_to_be_reported(folder: Path) -> None:
    assert find_inputs(["none.csv"]) == [Input(Path("none.csv"))]
