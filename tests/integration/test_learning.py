"""The real media of the synthetic set can be learned: far above chance on unseen clips."""

import json
from pathlib import Path

import pytest

from emorec.cli import main
from tests.conftest import ROOT


@pytest.mark.slow
def test_faces_that_always_show_the_emotion_are_learned(tmp_path: Path) -> None:
    model = tmp_path / "face.yaml"
    model.write_text(
        "class_path: ClassificationTask\n"
        "init_args:\n"
        "  encoders:\n"
        "    face: {class_path: ImageEncoder, init_args: "
        "{backbone: shufflenet_v2_x0_5, dim: 64, resize: 64}}\n"
        "  fusion: {class_path: ConcatFusion, init_args: {width: 64}}\n"
        "  objectives: {category: {class_path: CrossEntropy}}\n"
        "  optimizer:\n"
        "    {class_path: torch.optim.AdamW, init_args: {lr: 0.002, weight_decay: 0.1}}\n"
    )
    main(
        [
            "fit",
            f"--run={tmp_path / 'run'}",
            f"--trainer={ROOT / 'configs/trainer/cpu.yaml'}",
            "--trainer.enable_progress_bar=false",
            f"--model={model}",
            f"--data={ROOT / 'configs/data/synthetic_tiny.yaml'}",
            f"--data.root={tmp_path / 'media'}",
            f"--data.cache={tmp_path / 'cache'}",
            "--data.extractors={face: {class_path: FaceCrops, init_args: {size: 64}}}",
            "--data.windows.count=3",
            "--data.takes=6",
            "--data.face_reliability=1",
            "--data.batch_size=16",
            "--training.stages={face: {epochs: 15}}",
        ]
    )
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    result = metrics["test"]["fused"]
    assert result["clips"] == 17
    # Chance is 1/6; eight of seventeen or more has a probability of 0.003 by chance.
    assert result["accuracy"] >= 8 / 17
