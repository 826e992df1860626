"""Sidecar files: who gets them, and sound and picture in separate files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emorec.cache import Entry, make_entry
from emorec.errors import UserError
from emorec.extractors import (
    CLIP_TEXT,
    Extraction,
    Extractor,
    FaceSequence,
    LogMel,
    Waveform,
)
from emorec.media import Media
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Clip, Window
from emorec.windows import GridWindows, WholeClip
from tests.helpers.detectors import Searched, Stub
from tests.helpers.media_files import Picture, beep, times, write_media, write_sound


class Seen(Extractor):
    """Reads sidecars by some names and remembers what it was given."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = names
        self.given: list[tuple[Clip, Media]] = []

    @property
    def shape(self) -> tuple[int, ...]:
        return (1,)

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(self.names)

    def extract(self, clip: Clip, media: Media, windows: Sequence[Window]) -> Extraction:
        self.given.append((clip, media))
        return Extraction([np.ones(1, np.float16) for _ in windows])


@pytest.fixture(scope="module")
def separate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a silent video of 2 s and, in a separate file, its sound: a beep at 1.2 s."""
    folder = tmp_path_factory.mktemp("separate")
    write_media(folder / "a.mp4", Picture(times(50)))
    (folder / "sound").mkdir()
    write_sound(folder / "sound/a.wav", beep(16000, 2.0, at=1.2)[None], 16000)
    return folder


SEPARATE = Clip("a", Path("a.mp4"), sidecars={"audio": Path("sound/a.wav")})


def vision() -> FaceSequence:
    search = Searched(mode="every_frame", found_by=Stub(range(50)))
    return FaceSequence(2, 96, faces=search)


def peaks(entry: Entry, array: Array) -> list[bool]:
    return [bool(np.abs(window.astype(float)).max() > 1000) for window in array]


def test_sound_in_a_file_of_its_own_is_found_by_its_modalitys_name(separate: Path) -> None:
    extractors = {"audio": Waveform(length=0.5), "face": vision()}
    entry, arrays = make_entry(SEPARATE, separate, GridWindows(0.5, 0.5), extractors)
    assert (entry.status, entry.path, entry.duration) == ("ok", "a.mp4", 2.0)
    assert entry.present == {"audio": [True] * 4, "face": [True] * 4}
    assert peaks(entry, arrays["audio"]) == [False, False, True, False]
    # Without the sidecar the clip has only a picture.
    alone, _ = make_entry(Clip("a", Path("a.mp4")), separate, GridWindows(0.5, 0.5), extractors)
    assert alone.present == {"audio": [False] * 4, "face": [True] * 4}
    assert Finding(FindingKind.MISSING, "sound") in alone.findings


def test_a_part_of_the_clip_is_that_part_of_both_files(separate: Path) -> None:
    part = replace(SEPARATE, span=(1.0, 2.0))
    entry, arrays = make_entry(
        part, separate, GridWindows(0.25, 0.25), {"audio": Waveform(16000, 0.25)}
    )
    assert peaks(entry, arrays["audio"]) == [True, False, False, False]


def test_picture_in_a_file_of_its_own_beside_the_sound(separate: Path) -> None:
    clip = Clip("a", Path("sound/a.wav"), sidecars={"face": Path("a.mp4")})
    entry, _ = make_entry(clip, separate, WholeClip(), {"audio": LogMel(16000), "face": vision()})
    assert entry.present == {"audio": [True], "face": [True]}
    assert entry.windows == [[0.0, 2.0]]


@pytest.mark.parametrize(
    ("name", "brief"),
    [
        ("sound/b.wav", "file not found"),
        ("text.wav", "not readable as sound: Format not recognised."),
    ],
)
def test_a_file_of_its_own_that_cannot_be_read_skips_the_clip(
    separate: Path, name: str, brief: str
) -> None:
    (separate / "text.wav").write_text("no sound")
    clip = replace(SEPARATE, sidecars={"audio": Path(name)})
    entry, _ = make_entry(clip, separate, WholeClip(), {"audio": LogMel(16000)})
    assert entry.status == "skipped"
    assert entry.brief == f"the file of audio: {brief}"
    assert entry.reason.startswith(f"{entry.brief} ({Path(name).name}")


def test_extractors_get_whole_paths_and_one_that_reads_a_file_gets_the_clips_media(
    separate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(separate.parent)
    root = Path(separate.name)
    seen = Seen(["audio", CLIP_TEXT])
    make_entry(SEPARATE, root, WholeClip(), {"audio": seen})
    clip, media = seen.given[0]
    assert clip.sidecars == {"audio": separate / "sound/a.wav"}
    assert media.path == (root / "a.mp4").absolute()
    other = Seen()
    make_entry(SEPARATE, root, WholeClip(), {"audio": other})
    assert other.given[0][1].path == separate / "sound/a.wav"


def test_an_option_that_does_not_fit_ends_the_run_and_skips_no_clip(separate: Path) -> None:
    with pytest.raises(UserError, match="Waveform has length"):
        make_entry(SEPARATE, separate, WholeClip(), {"audio": Waveform(length=0.5)})
