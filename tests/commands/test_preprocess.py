"""emorec preprocess: shards, the two reports, and the page that goes when a clip is deleted."""

import csv
from pathlib import Path

import pytest

from emorec.cli import main
from tests.helpers.media_files import tone, write_sound

WORDS = ("fear", "anger", "fear", "surprise", "anger")


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Return the options of an audio-only set of five clips by two speakers."""
    with (tmp_path / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "group"])
        for number, word in enumerate(WORDS):
            write_sound(tmp_path / f"{number}.wav", tone(8000, 1.0, 200 + 50 * number)[None], 8000)
            rows.writerow([f"{number}.wav", word, f"speaker{number % 2}"])
    extractor = '{"audio": {"class_path": "LogMel", "init_args": {"sample_rate": 16000}}}'
    return [
        "--data=Manifest",
        f"--data.manifest={tmp_path / 'clips.csv'}",
        f"--data.cache={tmp_path / 'cache'}",
        f"--data.extractors={extractor}",
        "--workers=0",
    ]


def test_shards_together_make_the_whole_cache(options: list[str], tmp_path: Path) -> None:
    for shard in ("1/2", "2/2"):
        main(["preprocess", *options, "--shard", shard])
    (folder,) = (tmp_path / "cache").iterdir()
    assert not (folder / "report.html").exists()
    records = {p.parent.name: p.stat().st_mtime_ns for p in folder.glob("*/entry.json")}
    assert len(records) == 5
    main(["preprocess", *options])
    assert {p.parent.name: p.stat().st_mtime_ns for p in folder.glob("*/entry.json")} == records
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "5 clips: 5 ok (0 with warnings), 0 skipped" in page
    assert len((folder / "report.csv").read_text(encoding="utf-8").splitlines()) == 6


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "1/0"])
def test_an_impossible_shard_is_refused(
    options: list[str], shard: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["preprocess", *options, "--shard", shard])
    assert f"--shard is I/N with 1 <= I <= N, such as 3/8; got '{shard}'" in capsys.readouterr().err


def test_the_page_is_kept_while_nothing_changes_and_goes_with_a_deleted_clip(
    options: list[str], tmp_path: Path
) -> None:
    main(["preprocess", *options])
    (page,) = (tmp_path / "cache").glob("*/report.html")
    made = page.stat().st_mtime_ns
    main(["preprocess", *options])
    assert page.stat().st_mtime_ns == made
    main(["cache", "--cache", str(tmp_path / "cache"), "rm", "--group", "speaker1", "--yes"])
    assert not page.exists()
    main(["preprocess", *options])
    assert page.exists()


def test_a_set_without_a_usable_clip_is_an_error(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        (tmp_path / f"{number}.wav").unlink()
    with pytest.raises(SystemExit) as stop:
        main(["preprocess", *options])
    assert stop.value.code == 2
    assert "no clip could be used; report.csv" in capsys.readouterr().err


def test_traces_are_read_before_media(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{number}.wav,none.csv\n" for number in range(5))
    (tmp_path / "clips.csv").write_text(f"path,trace\n{rows}")
    with pytest.raises(SystemExit):
        main(["preprocess", *options, "--data.dimensions=[arousal]"])
    assert "none of 5 recordings has a trace that can be used: 0.wav: " in capsys.readouterr().err
    assert list((tmp_path / "cache").rglob("entry.json")) == []


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--data.workers=-1", "workers -1; expected at least"),
        ("--data.labelled_share=2", "labelled_share is 2.0; it must be from 0 to 1"),
        ("--data.batch_size=0", "batch_size is 0"),
    ],
)
def test_a_value_that_a_class_refuses_is_told_in_a_line(
    options: list[str], option: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["preprocess", *options, option])
    assert stop.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert len(said.splitlines()) == 1
