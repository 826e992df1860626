"""The output for each file: written at once, whole, and only once."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from emorec.errors import UserError
from emorec.predict.inputs import Input
from emorec.predict.output import Output
from emorec.types import Clip

MADE_BY = {"model": "abc", "timeline": None}


def record(label: str, **more: Any) -> dict[str, Any]:
    return {"label": label, "probabilities": {"joy": 0.9}, "warnings": ["odd"], **more}


@pytest.fixture
def media(tmp_path: Path) -> list[Input]:
    files = [tmp_path / f"{name}.mp4" for name in "abc"]
    for file in files:
        file.write_text("media")
    return [Input(file) for file in files]


def test_a_line_is_there_as_soon_as_a_file_is_done(media: list[Input], tmp_path: Path) -> None:
    output = Output(tmp_path / "out", MADE_BY)
    for count, file in enumerate(media, 1):
        output.add(file, record("joy"))
        assert len(output.file.read_text().splitlines()) == count


def test_done_files_are_not_done_again_and_failed_or_changed_ones_are(
    media: list[Input], tmp_path: Path
) -> None:
    first = Output(tmp_path / "out", MADE_BY)
    first.add(media[0], record("joy"))
    first.add(media[1], {"error": "broken"})
    first.add(media[2], record("joy"))
    media[2].file.write_text("other media")
    again = Output(tmp_path / "out", MADE_BY)
    assert again.done(media[0])
    assert not again.done(media[1])
    assert not again.done(media[2])
    again.add(media[1], record("anger"))
    lines = [json.loads(line) for line in again.file.read_text().splitlines()]
    assert [(line["file"][-5], line.get("label")) for line in lines] == [
        ("a", "joy"),
        ("b", "anger"),
        ("c", "joy"),
    ]


def test_a_line_that_was_cut_short_does_not_count(media: list[Input], tmp_path: Path) -> None:
    first = Output(tmp_path / "out", MADE_BY)
    first.add(media[0], record("joy"))
    first.add(media[1], record("joy"))
    text = first.file.read_text()
    first.file.write_text(text[:-30])
    again = Output(tmp_path / "out", MADE_BY)
    assert again.done(media[0])
    assert not again.done(media[1])
    again.add(media[1], record("joy"))
    assert again.file.read_text() == text


def test_a_deleted_picture_is_made_again(media: list[Input], tmp_path: Path) -> None:
    output = Output(tmp_path / "out", MADE_BY)
    (tmp_path / "out/a.png").touch()
    output.add(media[0], record("joy", files=["a.png"]))
    assert output.done(media[0])
    (tmp_path / "out/a.png").unlink()
    assert not output.done(media[0])


def test_another_model_or_other_options_do_not_mix(media: list[Input], tmp_path: Path) -> None:
    Output(tmp_path / "out", MADE_BY).add(media[0], record("joy"))
    with pytest.raises(UserError, match="another model or with other options"):
        Output(tmp_path / "out", {**MADE_BY, "model": "def"})
    assert not Output(tmp_path / "out", {"model": "def"}, overwrite=True).done(media[0])


def test_files_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    output = Output(tmp_path / "out", MADE_BY)
    for folder, expected in (("x", "a_t.png"), ("y", "a_2_t.png"), ("z", "a_3_t.png")):
        file = Input(tmp_path / folder / "a.mp4")
        name = output.name_for(file, "_t.png")
        assert name == expected
        output.add(file, record("joy", files=[name]))
    assert output.name_for(Input(tmp_path / "y/a.mp4"), "_t.png") in ("a_2_t.png",)


def test_clips_of_one_file_have_lines_and_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("oh")
    (tmp_path / "a.mp4").write_text("media")
    parts = [
        Clip(f"a.mp4@{n}-{n + 1}", tmp_path / "a.mp4", span=(n, n + 1), text="oh") for n in (0, 1)
    ]
    parts[1] = replace(parts[1], sidecars={"words": tmp_path / "words.txt"})
    first, second = (Input(part.file, part) for part in parts)
    output = Output(tmp_path / "out", MADE_BY)
    for one in (first, second, Input(tmp_path / "a.mp4")):
        output.add(one, record("joy", files=[], name=output.name_for(one, ".png")))
    again = Output(tmp_path / "out", MADE_BY)
    names = ["a.mp4_0-1.png", "a.mp4_1-2.png", "a.png"]
    assert [line["name"] for line in again.records.values()] == names
    assert again.done(first)
    assert again.done(second)
    (table,) = again.tables(["csv"])
    assert pd.read_csv(table)["clip"].fillna("").tolist() == ["a.mp4@0-1", "a.mp4@1-2", ""]
    for change in ({"span": (0.0, 0.5)}, {"text": "no"}):
        assert not again.done(Input(first.file, replace(parts[0], **change)))
    shutil.copy2(tmp_path / "words.txt", tmp_path / "other.txt")  # same size and modification time
    swapped = replace(parts[1], sidecars={"words": tmp_path / "other.txt"})
    assert not again.done(Input(second.file, swapped))
    (tmp_path / "words.txt").write_text("no")
    assert again.done(first)
    assert not again.done(second)


def test_unusual_characters_do_not_cut_lines(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("media")
    one = Input(tmp_path / "a.mp4", Clip("a\u2028b", tmp_path / "a.mp4", text="oh\x85no"))
    Output(tmp_path / "out", MADE_BY).add(one, record("joy"))
    assert Output(tmp_path / "out", MADE_BY).done(one)


def test_tables_have_a_row_a_file_or_person(media: list[Input], tmp_path: Path) -> None:
    output = Output(tmp_path / "out", MADE_BY)
    output.add(media[0], record("joy", alone={"audio": {"joy": 0.4}}))
    output.add(media[1], {"error": "broken"})
    persons = [{"person": n, "label": "joy", "probabilities": {"joy": n / 10}} for n in (1, 2)]
    output.add(media[2], {"persons": persons, "warnings": []})
    written = output.tables(["csv", "parquet"])
    assert [path.suffix for path in written] == [".csv", ".parquet"]
    for table in (pd.read_csv(written[0], dtype={"person": str}), pd.read_parquet(written[1])):
        assert table["file"].str[-5].tolist() == ["a", "b", "c", "c"]
        assert table["p_joy"].dropna().tolist() == [0.9, 0.1, 0.2]
        assert table["audio_p_joy"].dropna().tolist() == [0.4]
        assert table["error"].fillna("").tolist() == ["", "broken", "", ""]
        assert table["person"].fillna("").tolist() == ["", "", "1", "2"]
