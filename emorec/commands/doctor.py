"""``emorec doctor``: what this installation and machine can do, as text for an issue."""

import argparse
import os
import platform
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from emorec.commands.options import CommandParser
from emorec.errors import UserError
from emorec.system.version import code_version

PACKAGES = (
    *("torch", "torchvision", "torchaudio", "lightning", "jsonargparse", "torchmetrics"),
    *("numpy", "av", "opencv-python-headless", "soundfile", "facenet-pytorch"),
)
DECODERS = ("h264", "hevc", "vp9", "av1", "mpeg4", "aac", "mp3", "opus", "vorbis", "flac")
CLIP_RATE, CLIP_FRAMES = 48000, 25

Line = tuple[bool, str]  # whether it is as it should be, text


def main(argv: Sequence[str]) -> None:
    """Print what is found; exit status 1 if something that every command needs does not work."""
    options = build_parser().parse_args(argv[1:])
    parts: dict[str, Callable[[], Iterator[Line]]] = {
        "emorec": _versions,
        "devices": _devices,
        "optional packages": _extras,
        "packages of weights": _weights,
        "folders": lambda: _folders(options.cache.expanduser()),
        "decoding": _decoding,
    }
    sound = True
    for name, part in parts.items():
        sys.stdout.write(f"{name}\n")
        for good, text in part():
            sound = sound and good
            sys.stdout.write(f"  {'' if good else 'PROBLEM: '}{_private(text)}\n")
    if not sound:
        raise SystemExit(1)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec doctor",
        description="Say what is installed, which devices, optional packages, weights, codecs and "
        "caches there are, whether folders can be written, and whether a clip of one second that "
        "is made for it can be decoded. The text is meant to be pasted into an issue: it names no "
        "user and no clip.",
        epilog="example: emorec doctor > doctor.txt",
    )
    default = user_cache_path("emorec")
    parser.add_argument(
        "--cache", type=Path, default=default, help="folder of the caches, as --data.cache names it"
    )
    return parser


def _private(text: str) -> str:
    home = re.escape(str(Path.home()).rstrip("/"))
    return re.sub(rf"(?<![\w/.-]){home}(?![\w.-])", "~", text) if home else text


def _versions() -> Iterator[Line]:
    yield True, f"emorec {code_version()}"
    yield True, f"Python {platform.python_version()}, {platform.platform()}"
    for name in PACKAGES:
        found = _version(name)
        yield bool(found), f"{name} {found or 'is not installed'}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _devices() -> Iterator[Line]:
    import torch  # late: the help should not wait for it

    gib = 2**30
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / gib:.0f} GiB"
    yield True, f"{os.cpu_count()} processors{memory}, {torch.get_num_threads()} threads a process"
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        yield True, f"cuda:{index} {card.name}, {card.total_memory / gib:.0f} GiB"
    if not torch.cuda.is_available():
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        yield True, f"no GPU ({built}): all commands work on the CPU, large networks slowly"
    if torch.backends.mps.is_available():
        yield True, "mps"


def _extras() -> Iterator[Line]:
    """Yield each extra of the installed emorec, and what of it is missing."""
    needed: dict[str, list[str]] = defaultdict(list)
    try:
        listed = requires("emorec") or []
    except PackageNotFoundError:
        yield True, "emorec runs from a folder and is not installed: extras are not known"
        return
    for line in listed:
        package = re.match(r"[\w.-]+", line)
        marked = re.search(r"extra ?== ?['\"]([\w-]+)['\"]", line)
        if package and marked and marked[1] != "dev":
            needed[marked[1]].append(package[0])
    for extra, packages in sorted(needed.items()):
        absent = [name for name in packages if not _version(name)]
        if absent:
            yield True, f"{extra}: no {', '.join(absent)}; pip install 'emorec[{extra}]'"
        else:
            yield True, f"{extra}: {', '.join(f'{name} {_version(name)}' for name in packages)}"


def _weights() -> Iterator[Line]:
    from emorec.media import mesh
    from emorec.networks import picture, sentence, voice
    from emorec.networks.packaged import WeightsError

    carried = {
        "the voice network of quick": voice.WEIGHTS,
        "the picture network of quick": picture.WEIGHTS,
        "landmarks of faces, BlazeFace": mesh.WEIGHTS,
        "a small text network": sentence.WEIGHTS,
    }
    for purpose, weights in carried.items():
        installed = _version(weights.package)
        try:
            weights.path()
            yield True, f"{weights.package} ({purpose}): {installed}"
        except WeightsError as error:  # absent, or damaged
            yield not installed, f"{weights.package} ({purpose}): {error}"


def _folders(cache: Path) -> Iterator[Line]:
    from emorec.cache import maintenance
    from emorec.system.files import check_writable

    found = maintenance.caches(cache)
    size = sum(each.size for each in found) / 2**30
    yield True, f"caches: {len(found)} with {size:.1f} GiB in {cache}"
    places = (("caches", cache, "--cache"), ("current folder", Path.cwd(), "cd"))
    for name, folder, option in places:
        try:
            check_writable(folder, option)
        except UserError as error:
            yield False, f"{name}: {error}"
            continue
        place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        yield True, f"{name}: can be written, {shutil.disk_usage(place).free / 2**30:.0f} GiB free"


def _decoding() -> Iterator[Line]:
    from emorec.media.containers import decoders

    had = decoders(DECODERS)
    absent = ", ".join(name for name in DECODERS if name not in had)
    yield not absent, f"codecs: {', '.join(had)}{f'; not {absent}' if absent else ''}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield True, _decoded(Path(folder) / "clip.mp4")
        except Exception as error:  # whatever it is, it is what the user wants to know
            yield False, f"a clip was made and could not be read: {type(error).__name__}: {error}"


def _decoded(path: Path) -> str:
    """Write a clip of a second, read it back, and return what was read."""
    from emorec.media import iter_frames, open_writer, probe, read_windows
    from emorec.types import Window

    seconds = np.arange(CLIP_RATE) / CLIP_RATE
    tone = (0.5 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    with open_writer(path, "mp4") as writer:
        tick = Fraction(1, CLIP_FRAMES)
        pictures = writer.add_pictures("libx264", (64, 48), tick, options={}, rate=CLIP_FRAMES)
        heard = writer.add_sound("aac", CLIP_RATE)
        for place in range(CLIP_FRAMES):
            pictures.add(np.full((48, 64, 3), 10 * place, np.uint8), place)
        for start in range(0, CLIP_RATE, 1024):
            heard.add(tone[start : start + 1024], start)
        pictures.end()
        heard.end()
    media = probe(path)
    frames = sum(1 for _ in iter_frames(media))
    sound, _ = read_windows(media, [Window(0.2, 0.8)], CLIP_RATE)
    level = float(sound.std()) * 2**0.5
    if frames != CLIP_FRAMES or not 0.45 < level < 0.55:
        raise UserError(f"{frames} of {CLIP_FRAMES} frames, amplitude {level:.2f} of 0.50")
    return f"a clip of {media.duration:.1f} s: {frames} frames and sound, as written"
