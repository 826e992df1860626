"""emorec inspect: the picture, the words, and what cannot be drawn."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emorec.cache import Entry, SegmentCache
from emorec.cli import main
from emorec.system.findings import Finding, FindingKind
from tests.conftest import Place


def read(report: Path) -> dict[str, str]:
    """Return the first row of a report."""
    with report.open(newline="", encoding="utf-8") as file:
        return next(csv.DictReader(file))


@pytest.mark.usefixtures("smoke_run")
def test_a_clip_is_drawn_with_its_sound(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Other tests of the session leave caches there too, some of one modality.
    tables = [(path, read(path)) for path in place.cache.glob("synthetic-*/report.csv")]
    report, row = next((p, r) for p, r in tables if {"windows_with_face", "sound_rms"} <= r.keys())
    clip, cache = row["id"], str(report.parent)
    root = next(folder for folder in place.media.iterdir() if (folder / row["path"]).exists())
    main(["inspect", cache, clip, "--out", str(tmp_path / "a/x.png")])
    main(["inspect", cache, clip, "--out", str(tmp_path / "y.png"), "--root", str(root)])
    said = capsys.readouterr().out
    assert f"{clip}: ok" in said
    assert "windows_with_face" in said
    plain, with_sound = (np.asarray(Image.open(tmp_path / name)) for name in ("a/x.png", "y.png"))
    assert plain.shape == with_sound.shape
    assert (plain != with_sound).any()


@pytest.mark.parametrize(
    ("clip", "message"),
    [("gone", "file not found"), ("nobody", "'nobody' is not in")],
)
def test_what_cannot_be_drawn_is_said(
    clip: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.csv").touch()
    SegmentCache(tmp_path).write(Entry("gone", "gone.mp4", "skipped", reason="file not found"), {})
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path), clip])
    assert message in capsys.readouterr().err


def test_what_is_odd_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = Finding(FindingKind.ABSENT, "face", 1, 1)
    entry = Entry("a", "a.mp4", "ok", windows=[[0.0, 1.0]], present={"x": [True]}, findings=[lost])
    SegmentCache(tmp_path).write(entry, {"x": np.zeros((1, 3, 8, 8), np.uint8)})
    main(["inspect", str(tmp_path), "a", "--out", str(tmp_path / "a.png")])
    assert "warning: no face in 1 of 1 windows\n" in capsys.readouterr().out


def test_a_record_of_another_version_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = SegmentCache(tmp_path)
    cache.write(Entry("a", "a.mp4", "ok"), {})
    path = cache.entry_folder("a") / "entry.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "warnings": ["no face"]}))
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path), "a"])
    assert "by another version of emorec" in capsys.readouterr().err


def test_a_folder_that_is_no_cache_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path / "x"), "clip"])
    assert "is not a cache" in capsys.readouterr().err


def test_a_clip_of_vectors_alone_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = SegmentCache(tmp_path)
    found = Entry(
        "a", "a.wav", "ok", duration=1.0, windows=[[0.0, 1.0]], present={"functionals": [True]}
    )
    cache.write(found, {"functionals": np.zeros((1, 88), np.float32)})
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path), "a"])
    assert "a has only vectors (functionals): nothing to draw" in capsys.readouterr().err
