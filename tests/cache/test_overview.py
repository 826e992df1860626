"""report.html: whole in itself, with the counts and pictures that it should have."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from emorec.cache import Entry, SegmentCache
from emorec.cache.overview import CELLS, SIDE, write_overview
from emorec.system.findings import Finding, FindingKind
from emorec.types import Clip

CLASSES = ["calm", "joy & <fun>"]
WINDOWS = 12
GONE = Entry("gone", "gone.mp4", "skipped", reason="file not found (x)", brief="file not found")


class Page(HTMLParser):
    """Collects text, and the sources of all that a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.text += [data.strip()] if data.strip() else []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.sources += [v or "" for name, v in attributes if name in ("src", "href")]


@pytest.fixture
def written(tmp_path: Path) -> Page:
    cache = SegmentCache(tmp_path / "my-set-0123456789ab")
    random = np.random.default_rng(0)
    entries, clips = [], []
    for number in range(12):
        face = [number != 3] * 6 + [number % 4 != 3] * 6
        lost = Finding(FindingKind.ABSENT, "face", face.count(False), WINDOWS)
        entry = Entry(
            f"clip<{number}>",
            f"{number}.mp4",
            "ok",
            findings=[lost] if lost.count else [],
            duration=1 + number / 4,
            windows=[[0.1 * i, 0.1 * i + 0.5] for i in range(WINDOWS)],
            present={"audio": [True] * WINDOWS, "face": face},
            facts={"windows_with_face": sum(face), "sound_rms": 0.01, "face_side": 100 + number},
        )
        cache.write(
            entry,
            {
                "audio": random.normal(size=(WINDOWS, 1, 94, 94)).astype(np.float16),
                "face": random.integers(0, 255, (WINDOWS, 3, 96, 96)).astype(np.uint8),
            },
        )
        entries.append(entry)
        label = {} if number == 0 else {"emotion": number % 2}
        clips.append(Clip(entry.id, Path(entry.path), label, group=f"s{number % 3}"))
    entries.append(GONE)
    clips.append(Clip("gone", Path("gone.mp4"), {"emotion": 1}, group="s0"))
    write_overview(tmp_path / "report.html", entries, clips, CLASSES, cache, "emotion")
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def test_the_page_loads_nothing_from_elsewhere(written: Page) -> None:
    assert written.sources
    assert all(source.startswith("data:image/") for source in written.sources)


def test_counts_reasons_and_warnings_are_named(written: Page) -> None:
    text = " ".join(written.text)
    assert "Preprocessing of my-set" in text
    assert "13 clips: 12 ok (3 with warnings), 1 skipped" in text
    assert "1 file not found gone" in text
    # Warnings that differ in a number are one kind.
    assert "3 no face in n of n windows clip<3>, clip<7>, clip<11>" in text
    assert re.search(r"face 120 83\.3 % 1\b", text)
    assert re.search(r"audio 144 100\.0 % 0\b", text)


def test_clips_are_counted_together_that_differ_in_numbers_alone(tmp_path: Path) -> None:
    jumps = [
        Entry(name, "a.mp4", "ok", findings=[Finding(FindingKind.CLOCK_JUMP, detail=detail)] * 2)
        for name, detail in (("a", "+3.0 s at 2.0 s"), ("b", "-9.5 s at 1.0 s"))
    ]
    lost = [
        Entry(name, "a.mp4", "ok", findings=[Finding(kind, modality, count, 9)])
        for name, kind, modality, count in (
            ("c", FindingKind.ABSENT, "face", 1),
            ("d", FindingKind.ABSENT, "video", 1),
            ("e", FindingKind.ABSENT, "face", 9),
            ("f", FindingKind.BORROWED, "face", 1),
        )
    ]
    late = [
        Entry(name, "a.mp4", "skipped", reason=f"no such part (from {name})", brief="no such part")
        for name in ("3", "4.5")
    ]
    nothing = [
        Entry(
            name,
            "a.mp4",
            "skipped",
            brief="nothing",
            windows=[[0.0, 1.0]] * of,
            present={"face": [False] * of},
            findings=[Finding(FindingKind.ABSENT, modality, of, of)],
        )
        for name, modality, of in (("x", "face", 2), ("y", "face", 3), ("z", "sound", 3))
    ]
    entries = [*jumps, *lost, *late, *nothing]
    path = tmp_path / "report.html"
    write_overview(path, entries, [], CLASSES, SegmentCache(tmp_path / "set-0"), "emotion")
    text = " ".join(Page(path.read_text(encoding="utf-8")).text)
    skipped = text[text.index("Skipped clips") : text.index("Warnings")]
    assert "2 no such part 3, 4.5" in skipped
    assert "2 nothing (no face in n of n windows) x, y" in skipped
    assert "1 nothing (no sound in n of n windows) z" in skipped
    warnings = text[text.index("Warnings") : text.index("Classes and speakers")]
    assert "2 its clock jumps by n (joined or restarted recording)" in warnings
    assert "2 no face in n of n windows c, e" in warnings
    assert "1 no video in n of n windows d" in warnings
    assert "1 face borrowed from a nearby frame in n windows f" in warnings


def test_sheets_show_the_clips_that_lack_most_and_some_at_random(written: Page) -> None:
    text = written.text
    worst = text[text.index("Clips that lack the most") + 1 : text.index("Random clips")]
    assert [t for t in worst if t.startswith("clip")] == ["clip<3>", "clip<7>", "clip<11>"]
    assert sum(t.startswith("clip<") for t in text[text.index("Random clips") :]) == 8
    strips = [s for s in written.sources if s.startswith("data:image/jpeg")]
    assert len(strips) == 11
    data = np.frombuffer(base64.b64decode(strips[0].partition(",")[2]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (2 * SIDE, CELLS * SIDE, 3)
    # The faces that clip 3 lacks are grey; its sound is not.
    assert picture[SIDE + 5 : -5, 5:-5].std() < 4
    assert picture[: SIDE - 5].std() > 20


def test_a_set_without_a_usable_clip_has_a_page_too(tmp_path: Path) -> None:
    entries = [GONE]
    clips = [Clip("gone", Path("gone.mp4"))]
    path = tmp_path / "report.html"
    write_overview(path, entries, clips, CLASSES, SegmentCache(tmp_path / "set-0"), "emotion")
    assert "1 clips: 0 ok" in path.read_text(encoding="utf-8")
