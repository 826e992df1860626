"""The page in a headless browser: upload, result, bad files, two users, no network."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from emorec.app.analyse import Analyser, UploadError
from emorec.app.timeline import timeline_html
from emorec.cli import main
from emorec.predict import Predictor
from tests.conftest import Place
from tests.helpers.media_files import Sound, tone, write_media

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
browser_needed = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt install chromium")
WAIT = 60_000  # ms, to analyse a clip on a busy machine


@pytest.fixture(scope="module")
def clip(place: Place) -> Path:
    return sorted(place.media.rglob("*.mp4"))[0]


@pytest.fixture(scope="module")
def address(smoke_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``emorec app``, started as a user starts it."""
    command = [sys.executable, "-m", "emorec", "app", str(smoke_run / "checkpoints/best.ckpt")]
    log = (tmp_path_factory.mktemp("app") / "log").open("w+")
    options = ["--device", "cpu", "--longest", "10", "--megabytes", "1"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        log.seek(0)
        assert line.startswith("http://127.0.0.1:"), log.read()
        yield line.split()[0]
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", *camera]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page()
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((address, "blob:", "data:")):
            foreign.append(request.url)

    opened.on("request", note)
    opened.goto(address)
    yield opened
    opened.close()
    assert foreign == []  # it works without a network


def bring(page: Page, path: Path) -> None:
    page.locator("#emorec-upload input[type=file]").set_input_files(path)


@browser_needed
@pytest.mark.slow
def test_an_upload_shows_player_timeline_and_the_probabilities_at_the_playhead(
    page: Page, clip: Path
) -> None:
    bring(page, clip)
    section = page.locator(".emorec-person")
    expect(section).to_have_count(1, timeout=WAIT)
    expect(section.locator("h4")).to_have_text("person 1")
    expect(section.locator(".emorec-curves polyline")).to_have_count(6)
    kinds = section.locator(".emorec-bars h5")
    expect(kinds).to_have_text(["together", "audio alone", "face alone"])
    expect(page.locator("#emorec-player video")).to_have_count(1, timeout=WAIT)

    def shown() -> list[str]:
        return section.locator(".emorec-bars").first.locator("em").all_inner_texts()

    # The playhead follows the player; the values are those of the window at that time.
    move = "time => { document.querySelector('#emorec-player video').currentTime = time; }"
    page.evaluate(move, 0.3)
    page.wait_for_function("document.querySelector('#emorec-player video').currentTime > 0.2")
    page.wait_for_timeout(300)
    first = shown()
    assert sum(int(text.split()[0]) for text in first) in range(97, 104)
    head = section.locator(".emorec-head").first
    assert float(head.get_attribute("x1") or 0) > 0


@browser_needed
@pytest.mark.slow
def test_an_example_can_be_tried_with_one_click(page: Page) -> None:
    page.get_by_text("face and voice show anger").first.click()
    expect(page.locator(".emorec-person h4")).to_have_text("person 1", timeout=WAIT)


@browser_needed
@pytest.mark.slow
def test_a_clip_can_be_recorded(page: Page) -> None:
    # The browser's fake camera shows no face, and its fake microphone beeps.
    camera = page.locator("#emorec-webcam")
    camera.get_by_text("Click to Access Webcam").click()
    record = camera.locator("button[aria-label='start recording']")
    record.filter(has_text="Record").click(timeout=WAIT)
    record.filter(has_text="Stop").wait_for(timeout=WAIT)
    page.wait_for_timeout(4000)
    record.click()
    expect(page.locator(".emorec-person h4")).to_have_text("sound only", timeout=WAIT)
    expect(page.locator(".emorec-notes")).to_contain_text("no face in")
    expect(page.locator("#emorec-player video")).to_have_count(1, timeout=WAIT)


@browser_needed
@pytest.mark.slow
def test_a_bad_file_and_a_long_one_say_why_and_the_next_one_works(
    page: Page, clip: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    bring(page, bad)
    expect(page.get_by_text("this file cannot be used: not readable")).to_be_visible(timeout=WAIT)
    page.reload()
    bring(page, write_media(tmp_path / "long.m4a", None, Sound(tone(48000, 12.0)[None])))
    expect(page.get_by_text("this recording lasts 12 s; at most 10 s")).to_be_visible(timeout=WAIT)
    page.reload()
    bring(page, clip)
    expect(page.locator(".emorec-person")).to_have_count(1, timeout=WAIT)


@browser_needed
@pytest.mark.slow
def test_a_file_that_is_too_large_is_refused(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(2 << 20))
    bring(page, large)
    expect(page.get_by_text("maximum allowed size", exact=False).first).to_be_visible(timeout=WAIT)


@browser_needed
@pytest.mark.slow
def test_two_users_at_once_get_their_own_results(
    browser: Browser, address: str, clip: Path, tmp_path: Path
) -> None:
    heard = write_media(tmp_path / f"{clip.stem}.m4a", None, Sound(tone(48000, 2.0)[None]))
    one, two = browser.new_page(), browser.new_page()
    for opened, path in ((one, clip), (two, heard)):
        opened.goto(address)
        bring(opened, path)
    expect(one.locator(".emorec-person h4")).to_have_text("person 1", timeout=WAIT)
    expect(two.locator(".emorec-person h4")).to_have_text("sound only", timeout=WAIT)
    expect(two.locator("#emorec-sound audio").first).to_be_attached(timeout=WAIT)
    one.close()
    two.close()


def test_what_an_upload_is_called_is_no_markup(smoke_run: Path, clip: Path, tmp_path: Path) -> None:
    predictor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    evil = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    evil.write_bytes(clip.read_bytes())
    analyser = Analyser(predictor)
    result = analyser(evil)
    assert result.media.is_file()
    assert "<img" not in timeline_html(result.timeline)


def test_copies_that_were_shown_are_deleted(
    smoke_run: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    analyser = Analyser(predictor)
    first = analyser(clip).media
    second = analyser(clip).media
    assert first.is_file()  # another user's page may not have copied it yet
    monkeypatch.setattr("emorec.app.analyse.TAKEN", -1.0)
    third = analyser(clip).media
    assert [path.exists() for path in (first, second, third)] == [False, False, True]
    analyser.close()
    assert not third.exists()


def test_the_longest_recording_is_a_limit(smoke_run: Path, clip: Path) -> None:
    predictor = Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")
    with pytest.raises(UploadError, match=r"this recording lasts .* s; at most 0 s"):
        Analyser(predictor, longest=0.1)(clip)


def test_help_says_that_there_is_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["app", "--help"])
    assert "there is no password" in " ".join(capsys.readouterr().out.split())
