"""``emorec init``: a project for one's own clips, and what it says of its guesses."""

import csv
import os
from pathlib import Path

import pytest
import yaml

from emorec.cli import main


def rows(project: Path) -> list[dict[str, str]]:
    with (project / "clips.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_a_project_is_made_and_its_guesses_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"{p}/{e}_{i}.mp4" for p in ("anna", "ben") for e in ("angry", "sad") for i in (1, 2)]
    clips = touch(tmp_path / "videos", *names, "anna/angry_1.wav", "anna/angry_1.jpg")
    touch(clips, "anna/notes.txt", "anna/._angry_1.mp4", "x.mp4")
    project = tmp_path / "study"
    main(["init", str(project), "--clips", str(clips)])
    said = capsys.readouterr().out
    assert "9 files" in said
    assert "left out, sound or picture beside a video of the same name: 2" in said
    assert "left out, hidden files: 1" in said
    assert "anger 4, sadness 4" in said
    assert "without a label: 1" in said
    assert "speakers, guessed from names of folders: 2 (anna, ben)" in said
    found = rows(project)
    assert len(found) == 9
    assert found[0]["path"] == "../videos/anna/angry_1.mp4"
    assert (project / found[0]["path"]).is_file()
    readme = (project / "README.md").read_text("utf-8")
    for line in readme.splitlines():
        for word in line.split():
            if word.startswith("configs/"):
                assert (project / word).is_file(), word
    assert f"cd {project} && emorec fit --config configs/experiment/quick.yaml" in said


@pytest.mark.parametrize(
    ("names", "config"),
    [
        (["a.wav", "b.flac"], "quick_audio"),
        (["a.jpg", "b.png"], "quick_video"),
        (["a.mp4", "b.wav"], "quick"),
        ([*(f"{i}.mp4" for i in range(200)), "sad.mp4", "happy.mp4"], "quick_unlabelled"),
    ],
)
def test_the_config_fits_the_files(names: list[str], config: str, tmp_path: Path) -> None:
    touch(tmp_path, *names)
    main(["init", str(tmp_path)])
    experiments = tmp_path / "configs/experiment"
    assert [path.stem for path in experiments.iterdir()] == [config]


def test_classes_of_ones_own_are_in_the_config(tmp_path: Path) -> None:
    touch(tmp_path, "tense/1.wav", "tense/2.wav", "it's fine/1.wav", "it's fine/2.wav")
    main(["init", str(tmp_path)])
    tree = yaml.safe_load((tmp_path / "configs/data/quick_audio.yaml").read_text("utf-8"))
    assert tree["init_args"]["classes"] == ["it's fine", "tense"]


def test_a_known_corpus_is_named_with_its_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, *(f"Actor_0{a}/03-01-0{e}-01-01-01-0{a}.wav" for a in (1, 2) for e in (3, 4)))
    main(["init", str(tmp_path)])
    said = capsys.readouterr().out
    assert f"emorec verify --data ravdess --data.root {tmp_path}" in said
    assert "when clips.csv has labels" in said


def test_nothing_of_the_user_is_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, "sad.wav")
    (tmp_path / "clips.csv").write_text("mine", "utf-8")
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path)])
    assert "clips.csv exists" in capsys.readouterr().err
    assert (tmp_path / "clips.csv").read_text("utf-8") == "mine"
    assert not (tmp_path / "configs").exists()
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path / "new"), "--clips", str(tmp_path / "nowhere")])
    assert "is no folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path / "empty")])
    assert "no video, sound or picture" in capsys.readouterr().err


def test_overwriting_keeps_what_was_corrected_by_hand(tmp_path: Path) -> None:
    touch(tmp_path, "sad.wav", "happy.wav")
    main(["init", str(tmp_path)])
    (tmp_path / "clips.csv").write_text("corrected", "utf-8")
    main(["init", str(tmp_path), "--overwrite"])
    assert (tmp_path / "clips.csv.bak").read_text("utf-8") == "corrected"
    assert len(rows(tmp_path)) == 2


def test_parts_in_folders_become_the_column_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(
        tmp_path,
        *(f"{p}/{e}/{i}.wav" for p in ("train", "test") for e in ("sad", "joy") for i in "12"),
    )
    main(["init", str(tmp_path)])
    assert [row["split"] for row in rows(tmp_path)] == ["test"] * 4 + ["train"] * 4
    said = capsys.readouterr().out
    assert "parts, from names of folders: test 4, train 4" in said
    assert "fit divides the clips itself" in said


def test_a_name_that_no_manifest_can_hold_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, "sad.wav")
    (tmp_path / os.fsdecode(b"happy_\xff.wav")).touch()
    main(["init", str(tmp_path)])
    assert len(rows(tmp_path)) == 1
    assert "left out, names that are not UTF-8, to be renamed: 1" in capsys.readouterr().out


def test_a_project_that_cannot_be_written_is_refused_before_anything_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = touch(tmp_path / "clips", "sad.wav")
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as stop:
        main(["init", str(tmp_path / "file"), "--clips", str(clips)])
    assert stop.value.code == 2
    assert "is a file" in capsys.readouterr().err
