"""What soft-HGR does to pre-trained features, and which remedy holds.

``make study-hgr`` pre-trains the audio and the face network once for each share of labels and each
seed, then trains the joint stage from there in every variant below, and writes ``results.csv``,
``table.md`` and two pictures. Finished runs are kept, so an interrupted study goes on.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tests.benchmarks.hgr_report import write_report

SEEDS, SHARES = range(5), (1.0, 0.1)
UNIMODAL = {
    name: {
        "epochs": epochs,
        "train": [f"encoders.{name}", f"objectives.{name}"],
        "objectives": [name],
        "modalities": [name],
        "monitor": f"val/{name}/accuracy",
    }
    for name, epochs in (("audio", 8), ("face", 6))
}
# The demo's clips and backbones with the paper's 512 features.
COMMON = [
    "--config=tests/benchmarks/hgr_in_training.yaml",
    "--model.encoders.audio.dim=512",
    "--model.encoders.face.dim=512",
    "--model.fusion.width=512",
    "--model.label_encoder.dim=512",
    "--data.workers=0",
    "--trainer.enable_progress_bar=false",
]
# The paper's joint stage: Adam at 0.001 for all, batches of 90, lambda at once, no clipping.
PAPER = [
    '--model.optimizer={"class_path": "torch.optim.Adam", "init_args": {"lr": 0.001}}',
    "--data.batch_size=90",
    "--trainer.log_every_n_steps=1",
]


@dataclass(frozen=True)
class Variant:
    """A way of training the joint stage.

    Attributes:
        weight: The paper's lambda; 0: no correlation loss.
        stage: What differs in the stage from the paper's form.
        options: Of soft-HGR, where not its defaults.
        clip: Largest norm of the gradient.
    """

    weight: float
    stage: dict[str, Any] = field(default_factory=dict, hash=False)
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    clip: float | None = None


LEARNS = ["encoders", "fusion", "head", "label_encoder"]
SLOW: dict[str, Any] = {"learning_rates": {"encoders": 0.0001}}
WARM: dict[str, Any] = {"warmup": {"hgr": 50}}
WITH_OBJECTIVES: dict[str, Any] = {"train": [*LEARNS, "objectives.hgr"]}
VARIANTS = {
    "none": Variant(0),
    "none, slow encoders": Variant(0, SLOW),
    **{f"paper, lambda {w:g}": Variant(w) for w in (0.01, 0.1, 1, 10)},
    **{f"stable, lambda {w:g}": Variant(w, SLOW | WARM, clip=1.0) for w in (0.01, 0.1, 1, 10)},
    "slow encoders": Variant(1, SLOW),
    "warm-up": Variant(1, WARM),
    "clipping": Variant(1, clip=1.0),
    "calibrated scale": Variant(1, options={"scale": "calibrated"}),
    "learned scale": Variant(1, WITH_OBJECTIVES, {"scale": "learned"}),
    "projection": Variant(1, WITH_OBJECTIVES, {"projection": 512}),
}


def arguments(name: str, share: float, seed: int, out: Path) -> list[str]:
    """Return the options of ``emorec fit`` for pre-training ("start") or a variant."""
    run = out / f"labels{share:g}" / f"seed{seed}"
    options = [
        *COMMON,
        f"--run={run / name.replace(' ', '_').replace(',', '')}",
        f"--seed_everything={seed}",
        f"--data.seed={seed}",
        f"--data.labelled_share={share}",
    ]
    if name == "start":
        return [*options, f"--training.stages={json.dumps(UNIMODAL)}"]
    variant = VARIANTS[name]
    stage: dict[str, Any] = {
        "epochs": 4,
        "train": LEARNS,
        "objectives": ["category", "hgr"] if variant.weight else ["category"],
        "monitor": "val/fused/accuracy",
        **variant.stage,
    }
    return [
        *options,
        *PAPER,
        f"--training.stages={json.dumps({'joint': stage})}",
        f"--training.start={run / 'start' / 'checkpoints' / 'best.ckpt'}",
        f"--trainer.gradient_clip_val={variant.clip or 'null'}",
        f"--model.objectives.hgr.weight={variant.weight:g}",
        *(f"--model.objectives.hgr.{key}={value}" for key, value in variant.options.items()),
    ]


def train(options: Sequence[str], log: Path) -> None:
    """Run ``emorec fit`` in this process, its output in a file."""
    import torch

    from emorec.commands.train import main

    torch.set_num_threads(1)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
        contextlib.redirect_stderr(file),
    ):
        main(["fit", *options])


def main() -> None:
    """Train what is missing, then report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at once")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many (default 5)")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    failed = 0
    for names in (["start"], list(VARIANTS)):
        cells = [(n, sh, se) for se in range(chosen.seeds) for sh in SHARES for n in names]
        with ProcessPoolExecutor(chosen.jobs, multiprocessing.get_context("spawn")) as pool:
            waiting = {
                pool.submit(
                    train,
                    arguments(n, sh, se, chosen.out),
                    chosen.out / "logs" / f"{n} labels{sh:g} seed{se}.log",
                ): (n, sh, se)
                for n, sh, se in cells
            }
            for done in tqdm(as_completed(waiting), total=len(waiting), unit="run"):
                if error := done.exception():
                    failed += 1
                    sys.stderr.write(f"{waiting[done]} failed: {error!r}\n")
    write_report(
        chosen.out, {n: v.weight for n, v in VARIANTS.items()}, range(chosen.seeds), SHARES
    )
    if failed:
        raise SystemExit(f"{failed} run(s) failed; see {chosen.out / 'logs'}")


if __name__ == "__main__":
    main()
