"""emorec preprocess: shards, the two reports, and the page that goes when a clip is deleted."""

import csv
from pathlib import Path

import pytest

from emorec.cli import main
from tests.media_files import tone, write_sound

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
