"""Draws the pictures of docs/gallery.md, and the page: ``make gallery``.

Everything is made of generated clips. The model is that of the demo, in runs/demo; it is trained
first where it is missing. Delete runs/gallery to draw all again.
"""

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from emorec.media import iter_frames, open_writer, probe, read_windows
from emorec.types import Window

ROOT = Path(__file__).resolve().parents[2]
WORK = Path("runs/gallery")
FRAMES, RATE = 25, 48000  # a second
BEST = "runs/demo/checkpoints/best.ckpt"
CLIP = "runs/synthetic/clips-*/s02-surprise-01.*"
JOINED = f"{WORK}/four_emotions.mp4"
PAGE = """# Gallery

Pictures that emorec draws, of generated clips; `make gallery` draws them again. Not here: annotated
videos and landmarks (`predict --video --landmarks`), explanations of a prediction and reports of
preprocessing, which are pages, sheets of generated samples ([generators](systems/generate.md)) and
a search (`sweep.png`).
"""
QUIET = ("--trainer.enable_progress_bar", "false")
# Title, what it shows, commands, and the picture that they leave (a pattern: the first).
STEPS: tuple[tuple[str, str, tuple[tuple[str, ...], ...], str], ...] = (
    (
        "A clip",
        "`emorec predict`: what the model says of each window, together and of each modality.",
        (("predict", BEST, CLIP, "--out", f"{WORK}/clip"),),
        f"{WORK}/clip/*.png",
    ),
    (
        "The time of a recording",
        "`emorec predict --timeline`: a person who is happy, angry, surprised and sad, one after "
        "another (four clips that were joined).",
        (("predict", BEST, JOINED, "--timeline", "--hop", "0.1", "--out", f"{WORK}/timeline"),),
        f"{WORK}/timeline/*.png",
    ),
    (
        "What was cut from a clip",
        "`emorec inspect`: where its windows lie, the face and the log-mel of each, the sound.",
        (("inspect", "CACHE", "s02-surprise-01.*", "--out", f"{WORK}/inspect.png"),),
        f"{WORK}/inspect.png",
    ),
    ("Confusions", "`emorec fit`: of the test clips.", (), "runs/demo/confusion_matrix.png"),
    ("Training", "`emorec fit`: losses and validation.", (), "runs/demo/training_curves.png"),
    (
        "How sure it is",
        "`emorec fit`: how often it is right, by how sure it says it is.",
        (),
        "runs/demo/reliability.png",
    ),
    (
        "A missing modality",
        "`emorec test --missing.rates`: how accuracy falls where a modality is missing.",
        (("test", "--run", "runs/demo", "--missing.rates", "[0.25, 0.5, 0.75, 1.0]", *QUIET),),
        "runs/demo/missing_modality.png",
    ),
    (
        "Values over time",
        "`emorec predict` of a model of arousal and valence (a smoke run: it has learned nothing).",
        (
            ("fit", "--config", "recordings_smoke", "--run", f"{WORK}/recordings", *QUIET),
            (
                *("predict", f"{WORK}/recordings/checkpoints/best.ckpt"),
                *("runs/synthetic_recordings_tiny/*/*01.mp4", "--out", f"{WORK}/traces"),
            ),
        ),
        f"{WORK}/traces/*.png",
    ),
)


def run(*arguments: str) -> None:
    """Run a command of emorec; patterns are those of files."""
    words = [name for word in arguments for name in _files(word)]
    subprocess.run([sys.executable, "-m", "emorec", *words], check=True)


def _files(word: str) -> list[str]:
    if word == "CACHE":  # of the demo's clips
        found = subprocess.run(
            [sys.executable, "-m", "emorec", "preprocess", "--data", "synthetic"],
            check=True,
            capture_output=True,
            text=True,
        )
        said = found.stderr.split()
        report = next(each for each in said if Path(each).name in ("report.csv", "report.html"))
        return [str(Path(report).parent)]
    if word.startswith("s02-") and "*" in word:  # the id of a clip
        return [next(Path("runs/synthetic").glob(f"*/{word}")).stem]
    found_files = sorted(map(str, Path().glob(word))) if "*" in word else []
    return found_files[:1] or [word]


def join() -> None:
    """Write four clips of a person as one recording."""
    names = ("happiness", "anger", "surprise", "sadness")
    clips = [probe(min(Path("runs/synthetic").glob(f"*/s02-{name}-02.*"))) for name in names]
    with open_writer(Path(JOINED), "mp4") as writer:
        size = next(iter(iter_frames(clips[0])))[1].shape[1::-1]
        tick = Fraction(1, FRAMES)
        pictures = writer.add_pictures("libx264", size, tick, options={}, rate=FRAMES)
        heard = writer.add_sound("aac", RATE)
        shown = played = 0
        for clip in clips:
            for _, frame in iter_frames(clip):
                pictures.add(frame, shown)
                shown += 1
            length = shown / FRAMES - played / RATE
            (sound,), _ = read_windows(clip, [Window(0.0, length)], RATE)
            heard.add(sound, played)
            played += len(sound)
        pictures.end()
        heard.end()


def main() -> None:
    """Draw all, copy them to docs/gallery, and write the page."""
    if not Path(BEST).is_file():
        run("fit", "--config", "demo", "--run", "runs/demo")
    WORK.mkdir(parents=True, exist_ok=True)
    join()
    folder = ROOT / "docs/gallery"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    text = [PAGE]
    for title, shows, commands, picture in STEPS:
        if not any(Path().glob(picture)):  # what an interrupted call left is not drawn again
            for command in commands:
                run(*command)
        source = min(Path().glob(picture))
        name = f"{title.lower().replace(' ', '_')}.png"
        shutil.copyfile(source, folder / name)
        text.append(f"\n## {title}\n\n{shows}\n\n![{title}](gallery/{name})\n")
    shutil.copyfile(folder / "the_time_of_a_recording.png", ROOT / "docs/figures/timeline.png")
    (ROOT / "docs/gallery.md").write_text("".join(text), "utf-8")


if __name__ == "__main__":
    main()
