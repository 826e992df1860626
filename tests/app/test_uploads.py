"""Uploads are deleted when they are old and when the page ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from emorec.app import build_page, page, serve
from emorec.app.analyse import Analyser
from emorec.predict import Predictor
from tests.conftest import Place


def upload(address: str, name: str) -> Path:
    files = {"files": (name, b"some bytes")}
    answer = httpx.post(f"{address}/gradio_api/upload", files=files, timeout=60)
    (kept,) = answer.raise_for_status().json()
    return Path(kept)


def wait_until_deleted(path: Path, seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while path.exists() and time.monotonic() < end:
        time.sleep(0.2)
    return not path.exists()


def test_old_uploads_are_deleted_and_examples_stay(
    smoke_run: Path, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(page, "KEEP", 15)
    monkeypatch.setattr(page, "LOOK", 1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # Gradio requests its own page once, for up to 3 s, before it reports the address.
    monkeypatch.setattr("gradio.networking.url_ok", lambda _: True)
    predictor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    example = sorted(place.media.rglob("*.mp4"))[0]
    blocks = build_page(Analyser(predictor), name="test", megabytes=1, examples=[example])
    (copy,) = (tmp_path / "cache").rglob("*.mp4")  # opened by a click on it
    address = serve(blocks, host="127.0.0.1", port=None, megabytes=1).rstrip("/")
    try:
        kept = upload(address, "clip.mp4")
        assert kept.read_bytes() == b"some bytes"
        assert wait_until_deleted(kept)
        assert copy.read_bytes() == example.read_bytes()
    finally:
        blocks.close()
    assert example.is_file()


@pytest.mark.slow
def test_nothing_is_left_when_the_page_ends(smoke_run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "emorec", "app", str(smoke_run / "checkpoints/best.ckpt")]
    process = subprocess.Popen(
        [*command, "--examples", "--device", "cpu"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert process.stdout is not None
        kept = upload(process.stdout.readline().split()[0].rstrip("/"), "clip.mp4")
        assert kept.is_relative_to(tmp_path)
        assert kept.is_file()
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
