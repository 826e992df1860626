"""Inputs from files, folders, patterns, lists and manifests."""

from collections import Counter
from pathlib import Path

import pytest

from emorec.errors import DataError
from emorec.predict.annotate import annotate, is_annotated
from emorec.predict.inputs import COPIES, Input, find_files, find_inputs
from emorec.predict.timeline import Timeline, TimelineRow
from emorec.types import Window
from tests.helpers.media_files import Picture, times, write_media


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


def test_what_is_written_of_a_clip_is_a_file_of_the_folder_that_can_be_seen(folder: Path) -> None:
    ids = ["../../b.mp4", "/b", "...", "界" * 200, "x" * 300]
    (folder / "a.csv").write_text("path,id\n" + "".join(f"b.mp4,{name}\n" for name in ids))
    for each in find_inputs(["a.csv"]):
        (folder / f"{each.stem}_person1_timeline.png").touch()
        assert Path(each.stem).name == each.stem
        assert not each.stem.startswith(".")


def test_paths_are_relative_to_the_manifest_or_to_a_root(folder: Path) -> None:
    (folder / "deep/a.json").write_text('{"path": "c.mkv", "sidecar_words": "w.txt"}\n')
    (own,) = find_inputs(["deep/a.json"])
    (other,) = find_inputs(["deep/a.json"], root=folder / "elsewhere")
    assert own.file == folder / "deep/c.mkv"
    assert other.file == folder / "elsewhere/c.mkv"
    assert other.clip is not None
    assert other.clip.sidecars == {"words": folder / "elsewhere/w.txt"}


def test_clips_of_several_manifests_count_once_or_are_told_apart(folder: Path) -> None:
    for name, rows in {"a": "u1,0,1", "b": "u1,0,1\nb.mp4,u2,1,2", "c": "u1,3,4"}.items():
        (folder / f"{name}.csv").write_text(f"path,id,start,end\nb.mp4,{rows}\n")
    assert [str(each) for each in find_inputs(["a.csv", "b.csv"])] == ["u1", "u2"]
    with pytest.raises(DataError, match=r"a different clip 'u1' of .*b\.mp4; give each an id"):
        find_inputs(["a.csv", "c.csv"])


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


def test_linked_folders_and_circles_of_patterns_give_each_file_once(folder: Path) -> None:
    (folder / "deep/up").symlink_to(folder)
    (folder / "other").symlink_to(folder / "deep")
    found = [path.relative_to(folder).as_posix() for path in find_files([str(folder)])]
    assert found == ["a.WAV", "b.mp4", "deep/[x].mp4", "deep/c.mkv"]
    assert find_files(["**/*.mkv"]) == [Path("deep/c.mkv")]
    assert find_files(["**/deep/**/*.mkv"]) == [Path("deep/c.mkv")]
    assert find_files([f"{folder}/d*/**"]) == [folder / "deep/[x].mp4", folder / "deep/c.mkv"]
    assert find_files(["**/*.mp4"]) == [Path("b.mp4"), Path("deep/[x].mp4")]


def test_what_is_left_out_of_folders_is_counted(folder: Path) -> None:
    for name in (
        "memo.caf",
        "x.MKA",
        "dvd.vob",
        "x.asf",
        "x.ac3",
        "x.dv",
        "x.gif",
        "x.amr",
        "x.3g2",
    ):
        (folder / name).touch()
    (folder / "LICENSE").touch()
    left_out = Counter[str]()
    assert len(find_files([str(folder)], left_out=left_out)) == 13
    assert left_out == {".txt": 1, "no extension": 1}


def test_annotated_copies_are_no_recordings_whatever_they_are_called(tmp_path: Path) -> None:
    clip = write_media(tmp_path / "clip.mp4", Picture(times(25)))
    row = TimelineRow(Window(0.0, 0.5), 1, None, [1.0], {})
    annotate(Timeline(clip, 1.0, ["anger"], [row], True), tmp_path / "renamed.mp4")
    assert is_annotated(tmp_path / "renamed.mp4")
    left_out = Counter[str]()
    assert find_files([str(tmp_path)], left_out=left_out) == [clip]
    assert left_out == {COPIES: 1}
    assert find_files([str(tmp_path / "*.mp4")]) == [clip]
    named = [str(tmp_path / "renamed.mp4")]
    assert find_files(named) == [tmp_path / "renamed.mp4"]  # named explicitly
