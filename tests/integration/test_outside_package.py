"""A package of somebody else brings an encoder, a fusion, an objective and a data set."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import ROOT, Place

# All that the package's author writes.
PARTS = '''
"""Parts for emorec."""

from pathlib import Path

import torch
from torch import nn

from emorec.windows import Windows
from emorec.data import EmotionDataModule
from emorec.encoders import Encoder
from emorec.extractors import Extractor
from emorec.fusion import Fusion
from emorec.objectives import Objective
from emorec.objectives.base import mean_over_rows
from emorec.types import Classes, Clip


class BandMeans(Encoder):
    """Mean and deviation of each row of an image.

    Args:
        dim: Width of the features.
    """

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.dim = dim
        self.linear = nn.LazyLinear(dim) if dim < 1 else nn.Linear(2 * 94, dim)

    def forward(self, x):
        x = x.mean(1)
        return self.linear(torch.cat([x.mean(-1), x.std(-1)], 1))


class SumFusion(Fusion):
    """The sum of the features, which all have one width."""

    def __init__(self, sizes) -> None:
        super().__init__(sizes)
        self.dim = next(iter(sizes.features.values()))

    def forward(self, features, present):
        return sum(features[name] for name in sorted(features))


class SmallFeatures(Objective):
    """The mean square of the fused feature."""

    def forward(self, bundle, batch):
        return mean_over_rows(bundle.features["fused"].square().mean(-1), bundle.present["fused"])


class Folders(EmotionDataModule):
    """Clips in a folder each class: FOLDER/speaker-class-take.mp4.

    Args:
        root: Folder of the clips.
        extractors: Modality -> extractor.
        options: Those of all data sets.
    """

    targets = {
        "emotion": Classes(["anger", "disgust", "fear", "happiness", "sadness", "surprise"])
    }
    layout = "expected ROOT/speaker-class-take.mp4, in any depth of folders"

    def __init__(self, root: Path, extractors: dict[str, Extractor], batch_size: int = 6,
                 workers: int = 0, cache: Path | None = None, windows: Windows | None = None,
                 seed: int = 0) -> None:
        super().__init__(root, extractors, windows, cache, seed=seed, batch_size=batch_size,
                         workers=workers)
        self.save_hyperparameters(logger=False)

    def clips(self):
        found = []
        for path in sorted(self.root.rglob("*-*-*.*")):
            speaker, emotion, _ = path.stem.split("-")
            label = {"emotion": self.targets["emotion"].names.index(emotion)}
            found.append(Clip(path.stem, path.relative_to(self.root), label, speaker))
        return found
'''
CHECKS = '''
"""The package's tests: emorec's own checks."""

import torch

from emorec.testing import check_encoder, check_fusion, check_objective
from emorec.types import Sizes
from sunny import BandMeans, SmallFeatures, SumFusion

sizes = Sizes({"audio": 8, "face": 8}, {"emotion": 3})
check_encoder(BandMeans(), torch.randn(3, 1, 94, 94))
check_fusion(SumFusion(sizes), sizes)
more = Sizes({**sizes.features, "fused": 8, "label": 8}, sizes.outputs)
check_objective(SmallFeatures(more), more)
'''
CONFIG = """
trainer: {root}/configs/trainer/cpu.yaml
model:
  class_path: ClassificationTask
  init_args:
    encoders:
      audio: {{class_path: BandMeans, init_args: {{dim: 8}}}}
      face: {{class_path: BandMeans, init_args: {{dim: 8}}}}
    fusion: {{class_path: SumFusion}}
    objectives:
      category: {{class_path: CrossEntropy}}
      small: {{class_path: SmallFeatures, init_args: {{weight: 0.01}}}}
data:
  class_path: Folders
  init_args:
    root: {media}
    cache: {cache}
    windows: {{class_path: RandomWindows, init_args: {{count: 6}}}}
    extractors:
      audio: {{class_path: LogMel}}
      face: {{class_path: FaceCrops, init_args: {{size: 94, faces: {{min_face: 80}}}}}}
training:
  stages:
    joint: {{epochs: 1, monitor: val/fused/accuracy}}
"""


@pytest.mark.slow
def test_a_package_trains_tests_and_predicts_with_its_own_parts(
    place: Place, smoke_run: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "sunny").mkdir(parents=True)
    (site / "sunny/__init__.py").write_text(PARTS)
    # What an installed package has beside its code.
    info = site / "sunny-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sunny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[emorec.plugins]\nsunny = sunny\n")
    config = tmp_path / "sunny.yaml"
    config.write_text(CONFIG.format(root=ROOT, media=place.media, cache=tmp_path / "cache"))

    def run(*arguments: str) -> str:
        setup = f"import sys; sys.path[:0] = [{str(site)!r}, {str(ROOT)!r}]"
        code = textwrap.dedent(f"{setup}\nfrom emorec.cli import main\nmain(sys.argv[1:])")
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    checks = f"import sys; sys.path[:0] = [{str(site)!r}, {str(ROOT)!r}]\n{CHECKS}"
    subprocess.run([sys.executable, "-c", checks], check=True)
    assert "SumFusion" in run("plugins")
    out = tmp_path / "run"
    run("fit", f"--config={config}", f"--run={out}", "--trainer.enable_progress_bar=false")
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["data"] == "Folders"
    assert metrics["clips"] == {"train": 12, "val": 3, "test": 3}
    clip = sorted(place.media.rglob("*.mp4"))[0]
    # Installed parts are known: no --trust.
    shown = run(
        "predict", str(out / "checkpoints/best.ckpt"), str(clip), f"--out={tmp_path / 'predicted'}"
    )
    assert "1 of 1 files predicted" in shown
