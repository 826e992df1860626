"""Manifests: what is read, and what each mistake is called."""

import json
from pathlib import Path
from typing import Any

import pytest

from emorec.commands.parser import EmorecParser
from emorec.data import EmotionDataModule, Manifest
from emorec.data.manifest_rows import read_clips
from emorec.errors import DataError
from emorec.media import MediaError, probe
from emorec.types import Classes
from tests.helpers.toy import ToyExtractor

CSV = """path,label,group,split,id
a/1.mp4,anger,anna,train,first
a/2.mp4,,anna,val,
/data/3.wav, joy ,bob,test,third
"""
CLASSES: list[str | int | bool] = ["joy", "anger"]


def manifest(folder: Path, text: str | bytes, name: str = "set.csv", **options: Any) -> Manifest:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    options = {"classes": CLASSES, "cache": folder, **options}
    return Manifest(path, {"audio": ToyExtractor()}, **options)


def refused(folder: Path, text: str | bytes, name: str = "set.csv") -> str:
    with pytest.raises(DataError) as caught:
        manifest(folder, text, name).checked_clips()
    return str(caught.value)


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_csv_file_becomes_clips(tmp_path: Path) -> None:
    clips = manifest(tmp_path, CSV).clips()
    assert [clip.id for clip in clips] == ["first", "a/2.mp4", "third"]
    assert [clip.media for clip in clips] == [
        Path("a/1.mp4"),
        Path("a/2.mp4"),
        Path("/data/3.wav"),
    ]
    assert [dict(clip.labels) for clip in clips] == [{"emotion": 1}, {}, {"emotion": 0}]
    assert [clip.group for clip in clips] == ["anna", "anna", "bob"]
    assert [clip.split for clip in clips] == ["train", "val", "test"]


@pytest.mark.parametrize("name", ["set.jsonl", "set.json"])
def test_json_lines_become_clips(tmp_path: Path, name: str) -> None:
    text = lines(
        {"path": "1.mp4", "label": "joy", "id": "one"},
        {"path": "2.mp4", "label": None, "group": "bob"},
        {"path": "3.mp4", "label": ""},
    )
    clips = manifest(tmp_path, text + "\n", name).clips()
    assert [clip.id for clip in clips] == ["one", "2.mp4", "3.mp4"]
    assert [dict(clip.labels) for clip in clips] == [{"emotion": 0}, {}, {}]
    assert [(clip.group, clip.split) for clip in clips] == [("", None), ("bob", None), ("", None)]


def test_numbers_in_json_lines_are_names_also_zero(tmp_path: Path) -> None:
    text = lines({"path": "1.mp4", "label": 0, "group": 0, "id": 0}, {"path": "2", "label": 1})
    first, second = manifest(tmp_path, text, "set.jsonl", classes=["0", "1"]).clips()
    assert (first.id, first.group, dict(first.labels)) == ("0", "0", {"emotion": 0})
    assert dict(second.labels) == {"emotion": 1}


@pytest.mark.parametrize("name", ["set.csv", "set.jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path, name: str) -> None:
    text = CSV if name == "set.csv" else lines({"path": "1.mp4", "label": "joy"})
    clips = manifest(tmp_path, "\ufeff" + text, name).clips()
    assert clips[0].labels


@pytest.mark.parametrize("mark", [";", "\t"])
def test_columns_may_be_separated_by_other_marks(tmp_path: Path, mark: str) -> None:
    clips = manifest(tmp_path, f"path{mark}label\na, b.mp4{mark}joy\n").clips()
    assert [(clip.id, dict(clip.labels)) for clip in clips] == [("a, b.mp4", {"emotion": 0})]


def test_line_ends_and_quotes_of_other_programs_are_read(tmp_path: Path) -> None:
    text = 'path,label\r\n"a, b.mp4",joy\r\n\r\n"c.mp4","anger"\r\n'
    clips = manifest(tmp_path, text).clips()
    assert [clip.id for clip in clips] == ["a, b.mp4", "c.mp4"]


def test_empty_cells_beyond_the_header_do_not_count(tmp_path: Path) -> None:
    assert [c.id for c in manifest(tmp_path, "path,label\n1.mp4,joy,, \n").clips()] == ["1.mp4"]


def test_unusual_separators_do_not_cut_json_lines(tmp_path: Path) -> None:
    row = json.dumps({"path": "1.mp4", "label": "joy", "text": "a\u2028b\x85c"}, ensure_ascii=False)
    assert manifest(tmp_path, row + "\n", "set.jsonl").clips()[0].text == "a\u2028b\x85c"


@pytest.mark.parametrize("name", ["set.csv", "set.jsonl"])
def test_columns_of_sidecars_name_further_files(tmp_path: Path, name: str) -> None:
    text = "path,label,sidecar_text,sidecar_bert\n1.mp4,joy,1.txt,/b/1.npy\n2.mp4,joy,,\n"
    if name == "set.jsonl":
        text = lines(
            {"path": "1.mp4", "label": "joy", "sidecar_text": "1.txt", "sidecar_bert": "/b/1.npy"},
            {"path": "2.mp4", "label": "joy", "sidecar_text": None},
        )
    first, second = manifest(tmp_path, text, name).clips()
    assert first.sidecars == {"text": Path("1.txt"), "bert": Path("/b/1.npy")}
    assert second.sidecars == {}


def test_the_six_basic_emotions_are_the_default_classes(tmp_path: Path) -> None:
    data = manifest(tmp_path, "path,label\n1.mp4,surprise\n", classes=None)
    names = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    assert data.targets == {"emotion": Classes(names)}
    assert dict(data.clips()[0].labels) == {"emotion": 5}


def test_paths_are_relative_to_the_manifests_folder_or_to_the_root(tmp_path: Path) -> None:
    assert manifest(tmp_path, CSV).root == tmp_path
    assert manifest(tmp_path, CSV, root=tmp_path / "media").root == tmp_path / "media"


def test_sets_of_one_name_in_two_folders_do_not_share_a_cache(tmp_path: Path) -> None:
    names = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        names.add(manifest(tmp_path / folder, CSV).set_name)
    assert len(names) == 2
    assert all(name.startswith("set-") for name in names)


def test_a_missing_file_is_named_with_the_format(tmp_path: Path) -> None:
    data = Manifest(tmp_path / "none.csv", {"audio": ToyExtractor()})
    with pytest.raises(DataError, match=r"none\.csv not found; expected a CSV file"):
        data.clips()


@pytest.mark.parametrize(
    ("text", "name", "parts"),
    [
        ("path,emotion\n1.mp4,joy\n", "set.csv", ["no label (found: path, emotion)"]),
        ("file|label\n1.mp4|joy\n", "set.csv", ["no label and no path (found: file|label)"]),
        ("", "set.csv", ["no label and no path (found: nothing)"]),
        ("path,label\n1.mp4,oh, no,joy\n", "set.csv", ["line 2: more cells", "( no, joy beyond"]),
        (
            'path,label\n"1.mp4,joy\n2.mp4,joy\n',
            "set.csv",
            ["is not valid CSV", "a quote left open?"],
        ),
        (f"path,label\n{'x' * 200_000},joy\n", "set.csv", ["from line 2 on", "field limit"]),
        ("", "set.jsonl", ["no label and no path (found: nothing)"]),
        ('{"path": "1.mp4"}\n', "set.jsonl", ["has no label (found: path)"]),
        ('{"path": "1.mp4"\n', "set.jsonl", ["is not JSON lines"]),
        ('"1.mp4"\n', "set.jsonl", ["set.jsonl"]),
        ("17\n", "set.jsonl", ["set.jsonl"]),
        ("path,label\n1.mp4,joy\n,joy\n", "set.csv", ["set.csv, clip 2: no path"]),
        ("path,label\n1.mp4,happy\n", "set.csv", ["clip 1: unknown emotion 'happy'", "joy, anger"]),
        ("path,label\n1.mp4,Joy\n", "set.csv", ["unknown emotion 'Joy'", "data.classes"]),
        ("path,label,sidecar_\n1,joy,2\n", "set.csv", ["clip 1: the column sidecar_ lacks a NAME"]),
        ("path,label\n", "set.csv", ["no clip found", "expected a CSV file"]),
        ("path,label\n1,joy\n2,joy\n1,anger\n", "set.csv", ["1 clip id(s) repeat", "'1'"]),
        ("path,label\nm\xe4rz.mp4,joy\n".encode("latin-1"), "set.csv", ["set.csv"]),
    ],
)
def test_mistakes_are_called_by_name(
    tmp_path: Path, text: str | bytes, name: str, parts: list[str]
) -> None:
    message = refused(tmp_path, text, name)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "header",
    [
        "path,label,group,start,end",
        "Path,LABEL,Group,Start,End",
        " path , label,group ,start\t, end",
        "\ufeffpath,label,group,start,end",
        '"path","label","group","start","end"',
    ],
)
def test_capitals_and_blanks_in_names_of_columns_are_forgiven(tmp_path: Path, header: str) -> None:
    (clip,) = manifest(tmp_path, f"{header}\n1.mp4,joy,anna,0.2,0.9\n").clips()
    assert (clip.group, clip.span, clip.labels) == ("anna", (0.2, 0.9), {"emotion": 0})


@pytest.mark.parametrize("mark", [";", "|", ","])
def test_the_hint_that_excel_writes_is_no_header(tmp_path: Path, mark: str) -> None:
    lines = ["path,label,group", "1.mp4,joy,anna"]
    text = "\n".join(line.replace(",", mark) for line in lines)
    (clip,) = manifest(tmp_path, f"sep={mark}\r\n{text}\n").clips()
    assert clip.group == "anna"


def test_excels_unicode_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_bytes("path\tlabel\nm\xe4rz.mp4\tjoy\n".encode("utf-16"))
    data = Manifest(tmp_path / "set.csv", {"audio": ToyExtractor()}, classes=CLASSES)
    assert [clip.file.name for clip in data.clips()] == ["m\xe4rz.mp4"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("path,label,speaker", ["'speaker'", "'group'"]),
        ("path,label,ends", ["'ends'", "'end'"]),
        ("path,label,Speaker ID", ["'Speaker ID'", "'group'"]),
        ("path,label,begin", ["'begin'", "'start'"]),
        ("path,label,end_time", ["'end_time'", "'end'"]),
        ("path,label,splitt", ["'splitt'", "'split'"]),
        ("path,label,gruop", ["'gruop'", "'group'"]),
        ("path,emotion", ["no label", "is it 'emotion'?"]),
        ("path,label,Label", ["the column label twice", "'label', 'Label'"]),
        ("path,label,label", ["the column 'label' 2 times"]),
        ("path,label,speakerID", ["'speakerID'", "'group'"]),
        ("path,label,participant_id", ["'participant_id'", "'group'"]),
        ("path,label,start_sec", ["'start_sec'", "'start'"]),
        ("audio_path,label,x", ["no path", "is it 'audio_path'?"]),
    ],
)
def test_a_column_that_resembles_one_that_is_read_is_an_error(
    tmp_path: Path, header: str, names: list[str]
) -> None:
    row = "1.mp4,joy,1" if header.count(",") == 2 else "1.mp4,joy"
    message = refused(tmp_path, f"{header}\n{row}\n", "set.csv")
    for name in names:
        assert name in message


def test_other_columns_are_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = "path,label,group,speaker,race\n1.mp4,joy,anna,5,good\n"
    data = manifest(tmp_path, text)
    with caplog.at_level("INFO"):
        assert data.clips()[0].group == "anna"
        data.clips()
    assert [r.message.split(": ", 1)[1] for r in caplog.records] == ["not read: speaker, race"]


def test_what_prediction_does_not_need_is_no_error_in_prediction(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("path,emotion,speaker\n1.mp4,joy,anna\n")
    assert [clip.file.name for clip in read_clips(tmp_path / "set.csv")] == ["1.mp4"]
    (tmp_path / "set.csv").write_text("path,begin,end_time\n1.mp4,1,2\n")
    with pytest.raises(DataError, match="is 'start' meant"):
        read_clips(tmp_path / "set.csv")


def test_paths_that_windows_wrote_are_found(tmp_path: Path) -> None:
    (tmp_path / "clips/deep").mkdir(parents=True)
    for name in ("clips/deep/1.mp4", "clips/1.txt", "odd\\name.mp4"):
        (tmp_path / name).touch()
    text = "path,label,sidecar_text\nclips\\deep\\1.mp4,joy,clips\\1.txt\nodd\\name.mp4,joy,\n"
    one, odd = manifest(tmp_path, text).clips()
    assert (one.media, one.sidecars) == (Path("clips/deep/1.mp4"), {"text": Path("clips/1.txt")})
    assert (one.id, odd.media) == ("clips\\deep\\1.mp4", Path("odd\\name.mp4"))
    with pytest.raises(MediaError, match="write / in place of its backslashes"):
        probe(tmp_path / "clips\\gone.mp4")


@pytest.mark.parametrize(
    ("option", "labels", "names"),
    [
        ("[0, 1]", ["0", "1"], ["0", "1"]),
        ("[yes, no]", ["Yes", "no"], ["yes", "no"]),
        ("[true, false]", ["true", "FALSE"], ["yes", "no"]),
        ("[on, off]", ["on", "off"], ["yes", "no"]),
        ("[-1, 0, 1]", ["-1", "1"], ["-1", "0", "1"]),
        ("[yes, maybe]", ["maybe", "yes"], ["yes", "maybe"]),
    ],
)
def test_numbers_and_what_yaml_takes_for_booleans_are_classes(
    tmp_path: Path, option: str, labels: list[str], names: list[str]
) -> None:
    rows = "".join(f"{i}.mp4,{label}\n" for i, label in enumerate(labels))
    (tmp_path / "set.csv").write_text(f"path,label\n{rows}")
    parser = EmorecParser()
    parser.add_subclass_arguments(EmotionDataModule, "data")
    extractors = '{"audio": {"class_path": "tests.helpers.toy.ToyExtractor"}}'
    command = ["--data=Manifest", f"--data.manifest={tmp_path / 'set.csv'}"]
    command += [f"--data.classes={option}", f"--data.extractors={extractors}"]
    data = parser.instantiate(parser.parse_args(command)).data
    assert data.targets == {"emotion": Classes(names)}
    found = [names[clip.labels["emotion"]] for clip in data.clips()]
    meant = {"true": "yes", "on": "yes", "false": "no", "off": "no"}
    assert found == [meant.get(label.lower(), label.lower()) for label in labels]


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="classes has 'yes' twice"):
        manifest(tmp_path, CSV, classes=[True, "yes"])


@pytest.mark.parametrize(
    ("speakers", "parts", "split"),
    [
        (["a", "b", "c"], ["", "", ""], "subject_independent"),
        (["a", "b", "a"], ["", "", ""], "random_clip"),
        (["a", "b", ""], ["", "", ""], "random_clip"),
        (["a", "b", "c"], ["train", "val", "test"], "official"),
        (["a", "b", "c"], ["train", "val", ""], "subject_independent"),
        (["a", "b", "c"], ["train", "val", "val"], "subject_independent"),
    ],
)
def test_the_split_is_the_strictest_that_the_columns_allow(
    speakers: list[str], parts: list[str], split: str, tmp_path: Path
) -> None:
    rows = [
        f"{number}.mp4,joy,{speaker},{part}"
        for number, (speaker, part) in enumerate(zip(speakers, parts, strict=True))
    ]
    text = "path,label,group,split\n" + "\n".join(rows) + "\n"
    data = manifest(tmp_path, text)
    data.checked_clips()
    assert data.split == split
    assert data.protocol.startswith(split)
    chosen = manifest(tmp_path, text, split="random_clip")
    chosen.checked_clips()
    assert chosen.split == "random_clip"
