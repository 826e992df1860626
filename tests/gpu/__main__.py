"""All that is to be proved on a GPU, in one command of minutes: `make gpu`.

    python -m tests.gpu --out FOLDER [--cpu] [--minutes 8] [--only STAGE ...]

Stages run in the order of their worth, each in a process of its own with a limit of time; one that
fails or takes too long keeps the figures it has, and the next one begins. FOLDER gets
``results.json``, ``table.md`` and each stage's log. ``--cpu`` does the same with tiny sizes on the
CPU, so that on a card nothing but speed is new.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.gpu.figures import Figure, read_figures, table

ROOT = Path(__file__).parents[2]
CLIPS = Path(".gpu-pack/clips.tar")


@dataclass(frozen=True)
class Stage:
    """A part of the work, and its share of the time."""

    name: str
    share: float

    def command(self, out: Path, *, cpu: bool) -> list[str]:
        """Return the command; it writes its figures to ``out/NAME.jsonl``."""
        if self.name == "tests":
            processes = 2 if cpu else min(8, os.cpu_count() or 2)
            spread = ["-n", str(processes), "--dist", "loadfile"]
            kind = ["-q", "-m", "gpu", "-p", "no:cacheprovider"]
            return [sys.executable, "-m", "pytest", "tests/gpu", *kind, *spread]
        figures = ["--out", str(out / f"{self.name}.jsonl"), *["--tiny"] * cpu]
        return [sys.executable, "-m", f"tests.gpu.{self.name}", *figures]


STAGES = (
    Stage("tests", 0.19),
    Stage("step", 0.14),
    Stage("compiled", 0.25),
    Stage("loss", 0.06),
    Stage("preprocessing", 0.15),
    Stage("training", 0.21),
)


@dataclass
class Result:
    """What a stage gave."""

    stage: str
    ended: str
    seconds: float
    figures: list[Figure] = field(default_factory=list)

    def line(self) -> str:
        """Return one line for a reader who waits."""
        return f"{self.stage}: {self.ended} after {self.seconds:.0f} s, {len(self.figures)} figures"


def run_stage(stage: Stage, out: Path, limit: float, environment: dict[str, str]) -> Result:
    """Run a stage to its end or to its limit of seconds, with all processes that it started."""
    start = time.monotonic()
    written = out / f"{stage.name}.jsonl"
    written.unlink(missing_ok=True)
    environment = {**environment, "EMOREC_TEST_OUTCOMES": str(written)}
    command = stage.command(out, cpu=environment.get("CUDA_VISIBLE_DEVICES") == "")
    with (out / f"{stage.name}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = process.wait(limit)
            ended = "done" if code == 0 else f"failed (exit status {code}, see {stage.name}.log)"
        except subprocess.TimeoutExpired:
            ended = f"stopped at its limit of {limit:.0f} s"
        finally:
            stop(process)
    figures = read_figures(written)
    if stage.name == "tests":
        figures = outcomes(written)
    if ended != "done":
        figures.append(Figure(f"{stage.name}: the rest", None, "", f"{ended}: {last(out, stage)}"))
    return Result(stage.name, ended, time.monotonic() - start, figures)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a stage and its children, also those that outlived it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def last(out: Path, stage: Stage) -> str:
    """Return the last line that says something in a stage's log."""
    text = (out / f"{stage.name}.log").read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def outcomes(path: Path) -> list[Figure]:
    """Return how many tests passed, failed and were left out, and each that did not pass."""
    found = read_figures(path)
    bad = [figure for figure in found if figure.note]
    return [Figure("tests that passed", len(found) - len(bad), f"of {len(found)}"), *bad]


def main(out: Path, names: Sequence[str], *, cpu: bool, minutes: float) -> int:
    """Run stages; return 0 where all of them ended well."""
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    chosen = [stage for stage in STAGES if not names or stage.name in names]
    whole, end = sum(stage.share for stage in chosen), time.monotonic()
    environment = dict(os.environ)
    if cpu:
        environment["CUDA_VISIBLE_DEVICES"] = ""
    results = []
    with tempfile.TemporaryDirectory() as clips:
        if (ROOT / CLIPS).exists():
            with tarfile.open(ROOT / CLIPS) as archive:
                archive.extractall(clips, filter="data")
            environment["EMOREC_TEST_CLIPS"] = clips
        for stage in chosen:
            end += 60 * minutes * stage.share / whole  # what one stage leaves is the next one's
            results.append(run_stage(stage, out, end - time.monotonic(), environment))
            print(results[-1].line(), flush=True)
            write(out, results, cpu=cpu)
    print((out / "table.md").read_text(encoding="utf-8"), flush=True)
    return int(any(result.ended != "done" for result in results))


def write(out: Path, results: Sequence[Result], *, cpu: bool) -> None:
    """Write what there is so far."""
    text = json.dumps([asdict(result) for result in results], indent=1)
    (out / "results.json").write_text(text, encoding="utf-8")
    parts = [
        f"## {result.stage}\n\n{result.line()}\n\n{table(result.figures)}\n" for result in results
    ]
    head = "# On the CPU, tiny sizes: no figure means anything\n" if cpu else "# On a GPU\n"
    (out / "table.md").write_text("\n".join([head, *parts]), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--cpu", action="store_true", help="tiny sizes on the CPU")
    parser.add_argument("--minutes", type=float, default=8.0, help="of all stages together")
    parser.add_argument("--only", nargs="*", default=[], choices=[s.name for s in STAGES])
    options = parser.parse_args()
    sys.exit(main(options.out, options.only, cpu=options.cpu, minutes=options.minutes))
