"""What a bare machine lacks for `make gpu`, made beforehand: `make gpu-pack`.

    python -m tests.gpu.pack FOLDER

FOLDER gets ``wheels`` for Python 3.12 on x86-64, in the versions of requirements.txt: what emorec
and the tests in this folder need, except for what ``there.txt`` lists; emorec's own wheel, for its
metadata; and ``clips.tar``, generated clips with their cache.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import deque
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LIMIT = 60  # MiB
TARGET = {
    "python_version": "3.12",
    "python_full_version": "3.12.3",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
}
# The tests' own needs are of emorec[dev], which has far more.
WANTED = ("emorec[demo,export]", "pytest", "pytest-timeout", "pytest-xdist", "hypothesis")
GLIBC = ("2_39", "2_35", "2_34", "2_31", "2_28", "2_27", "2_24", "2_17")


def needed() -> Iterator[str]:
    """Yield the names of what the target needs and, by ``there.txt``, does not have."""
    waiting = deque(Requirement(text) for text in WANTED)
    seen: set[tuple[str, frozenset[str]]] = set()
    named: set[str] = set()
    there = set(listed())
    while waiting:
        wanted = waiting.popleft()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen or name in there:
            continue
        seen.add((name, frozenset(wanted.extras)))
        if name not in named and name != "emorec":
            named.add(name)
            yield name
        for text in distribution(wanted.name).requires or []:
            other = Requirement(text)
            if other.marker is None or any(
                other.marker.evaluate({**TARGET, "extra": extra}) for extra in {*wanted.extras, ""}
            ):
                waiting.append(other)


def listed() -> Iterator[str]:
    """Yield the names in ``there.txt``."""
    for line in (Path(__file__).parent / "there.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield canonicalize_name(line.strip())


def locked() -> dict[str, str]:
    """Return name -> its lines in requirements.txt, with hashes, for the target's Python."""
    found: dict[str, str] = {}
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\S)", text):
        first = block.partition("\\")[0].strip()
        if not first or first.startswith("#"):
            continue
        requirement = Requirement(first)
        if requirement.marker is None or requirement.marker.evaluate(TARGET):
            pinned = f"{requirement.name}{requirement.specifier}"
            found[canonicalize_name(requirement.name)] = block.replace(first, pinned, 1)
    return found


def fetch(folder: Path) -> None:
    """Download the wheels; a package of the lock that has no wheel for the target is an error."""
    lock = locked()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lock[name] for name in needed()) + "\n")
        file.flush()
        target = ["--python-version=3.12", "--implementation=cp", "--only-binary=:all:"]
        target += [f"--platform=manylinux_{version}_x86_64" for version in GLIBC]
        target += ["--platform=manylinux2014_x86_64"]
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run(
            [*pip, *target, f"--dest={folder}", f"--requirement={file.name}"], check=True
        )
    shutil.rmtree(ROOT / "build/lib", ignore_errors=True)  # modules of before would go in, too
    build = [sys.executable, "-m", "build", "--wheel", "--installer=uv", f"--outdir={folder}"]
    subprocess.run([*build, str(ROOT)], check=True, stdout=subprocess.DEVNULL)


def make_clips(path: Path) -> None:
    """Write the archive of the smoke runs' clips and of their cache."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        config = ROOT / "configs/data/synthetic_tiny.yaml"
        media, cache = folder / "media", folder / "cache"
        options = [f"--data={config}", f"--data.root={media}", f"--data.cache={cache}"]
        emorec = [sys.executable, "-m", "emorec", "preprocess", *options, "--workers=2"]
        subprocess.run(emorec, cwd=ROOT, check=True)
        # An archive keeps times only roughly, and a cache entry is of a file as it was: times in
        # whole seconds, and the entries once more.
        for file in media.rglob("*"):
            os.utime(file, (1_600_000_000, 1_600_000_000))
        shutil.rmtree(cache)
        subprocess.run(emorec, cwd=ROOT, check=True)
        with tarfile.open(path, "w:xz") as archive:
            archive.add(media, "media")
            archive.add(cache, "cache")


def main(folder: Path) -> None:
    """Make the pack anew.

    Raises:
        SystemExit: It is larger than what a machine is lent with takes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    fetch(wheels)
    make_clips(folder / "clips.tar")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            print(f"{file.stat().st_size / 2**20:7.2f} MiB  {file.name}")
    print(f"{size:7.2f} MiB  in all, of {LIMIT}")
    if size > LIMIT:
        raise SystemExit(f"{folder} has {size:.1f} MiB, more than {LIMIT}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu.pack", description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
