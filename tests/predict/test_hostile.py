"""Files that try to crash a reader, or to make it read or write elsewhere."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image

from emorec.app.analyse import Analyser, UploadError
from emorec.app.timeline import timeline_html
from emorec.cli import main
from emorec.predict import Predictor
from tests.conftest import Place
from tests.helpers.media_files import Picture, times, tone, write_media

RATE = 48000


def text(content: str) -> Callable[[Path, Path], object]:
    return lambda path, _: path.write_text(content)


def sound(samples: np.ndarray, rate: int = RATE) -> Callable[[Path, Path], object]:
    return lambda path, _: soundfile.write(path, samples, rate, subtype="FLOAT")


def picture(path: Path, _: Path) -> None:
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))


def half(path: Path, good: Path) -> None:
    data = good.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def bytes_changed(path: Path, good: Path) -> None:
    data = bytearray(good.read_bytes())
    for at in np.random.default_rng(0).integers(2000, len(data), 300):
        data[at] ^= 0xFF
    path.write_bytes(data)


def half_picture(path: Path, _: Path) -> None:
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:800])


def playlist(path: Path, good: Path) -> None:
    path.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{good}\n#EXT-X-ENDLIST\n"
    )


def blank(width: int, height: int) -> Callable[[Path, Path], object]:
    image = np.zeros((height, width, 3), np.uint8)
    return lambda path, _: write_media(path, Picture(times(5, 5.0), draw=lambda _: image))


# Name -> how it is made, and the reason it is refused; None: predicted, or refused with a reason.
HOSTILE: dict[str, tuple[Callable[[Path, Path], object], str | None]] = {
    "empty.mp4": (text(""), "empty file"),
    "text.mp4": (text("no video"), "not readable as media"),
    "page.mp4": (text("<html><script>alert(1)</script></html>"), "not readable as media"),
    "zeros.mkv": (lambda p, _: p.write_bytes(bytes(100_000)), "not readable as media"),
    "cut.mp4": (half, "not readable as media"),
    "changed.mp4": (bytes_changed, None),
    "picture.png": (picture, "nothing usable"),
    "half.jpg": (half_picture, "not readable as a picture"),
    "bomb.png": (
        lambda p, _: Image.new("1", (20_000, 20_000)).save(p),
        "not readable as a picture",
    ),
    "text.jpg": (text("no picture"), "not readable as a picture"),
    "playlist.m3u8": (playlist, "not a container"),
    "concat.mp4": (
        lambda p, good: p.write_text(f"ffconcat version 1.0\nfile '{good}'\n"),
        "not a container",
    ),
    "session.sdp": (
        text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
        "not a container",
    ),
    "pipe.wav": (lambda p, _: os.mkfifo(p), "not a regular file"),
    "nowhere.mp4": (lambda p, _: p.symlink_to("/nonexistent"), "file not found"),
    "round.mp4": (lambda p, _: p.symlink_to(p), "file not found"),
    "one_sample.wav": (sound(np.zeros(1, np.float32)), "nothing usable"),
    "not_a_number.wav": (sound(np.full(RATE, np.nan, np.float32)), "silent"),
    "loud.wav": (sound(np.full(RATE, 1e30, np.float32)), "silent"),
    "silence.wav": (sound(np.zeros(2 * RATE, np.float32)), "silent"),
    "slow.wav": (sound(np.ones(100, np.float32), 1), None),
    "fast.wav": (sound(tone(768000, 1.0).T, 768000), None),
    "sixteen.wav": (sound(np.repeat(tone(RATE, 1.0)[:, None], 16, 1)), None),
    "-rf.wav": (sound(tone(RATE, 1.0)), None),
    "<img src=x onerror=alert(1)>.wav": (sound(tone(RATE, 1.0)), None),
    "new\nline 'and' \"quotes\".wav": (sound(tone(RATE, 1.0)), None),
    "http:.wav": (sound(tone(RATE, 1.0)), None),
    "%s{0}$(id).wav": (sound(tone(RATE, 1.0)), None),
    "é" * 100 + ".wav": (sound(tone(RATE, 1.0)), None),
    "wide.mp4": (blank(4096, 32), "nothing usable"),
    "huge.mp4": (blank(6000, 6000), "nothing usable"),
}


def shares_of(record: dict[str, Any]) -> list[float]:
    return list(record.get("probabilities", {}).values())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, place: Place) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    good = sorted(place.media.rglob("*.mp4"))[0]
    for name, (make, _) in HOSTILE.items():
        make(folder / name, good)
    return {name: folder / name for name in HOSTILE} | {"good.mp4": good}


@pytest.mark.parametrize("timeline", [False, True], ids=["vote", "timeline"])
def test_predict_reports_what_is_wrong_and_continues(
    smoke_run: Path,
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    timeline: bool,
) -> None:
    command = ["predict", str(smoke_run / "checkpoints/best.ckpt"), f"--out={tmp_path / 'out'}"]
    options = ["--timeline"] if timeline else []
    main([*command, "--device=cpu", *options, *map(str, files.values())])
    capsys.readouterr()
    lines = (tmp_path / "out/predictions.jsonl").read_text().splitlines()
    records = {record["file"]: record for record in map(json.loads, lines)}
    assert "error" not in records[str(files["good.mp4"])]
    wrong = {}
    for name, (_, reason) in HOSTILE.items():
        record = records[str(files[name])]
        error = record.get("error")
        shares = [v for one in record.get("persons", [record]) for v in shares_of(one)]
        if (reason or "") not in (error or ("" if reason is None else "predicted")):
            wrong[name] = error
        elif "unexpected" in (error or "") or not all(0 <= v <= 1 for v in shares):
            wrong[name] = error or shares
    assert wrong == {}
    inside = {path.resolve().parent for path in tmp_path.rglob("*") if path.is_file()}
    assert inside == {tmp_path / "out"}


def test_the_page_reports_what_is_wrong_and_continues(
    smoke_run: Path, files: dict[str, Path]
) -> None:
    analyser = Analyser(Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu"))
    outcome = {}
    for name, path in files.items():
        try:
            outcome[name] = timeline_html(analyser(path).timeline)
        except UploadError as error:
            outcome[name] = f"refused: {error}"
    analyser.close()
    for name, (_, reason) in HOSTILE.items():
        assert reason is None or reason in outcome[name], name
        assert reason is None or outcome[name].startswith("refused"), name
        assert "<img" not in outcome[name]
    assert "emorec-curves" in outcome["good.mp4"]
