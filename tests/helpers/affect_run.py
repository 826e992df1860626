"""A model of arousal and valence that the command trained on generated recordings, in seconds."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from emorec.cli import main
from emorec.extractors import FaceSearch
from emorec.media import Face, FaceDetector
from tests.helpers.media_files import Image

SECONDS = 7.0  # of each of three recordings
WINDOWS = {"length": 2.0, "hop": 1.6}  # they overlap, and the last one is moved back
FRAMES = 50  # a window


class OnePlace(FaceDetector):
    """Sees a face in the middle of each frame: streamed or not, the crops are the same.

    MTCNN's boxes depend by a pixel on the frame that a face was first found in.
    """

    def detect(self, images: Sequence[Image]) -> list[list[Face]]:
        return [[self._face(image)] for image in images]

    def refine(self, image: Image, face: Face) -> Face | None:
        return self._face(image)

    def _face(self, image: Image) -> Face:
        height, width = image.shape[:2]
        return Face(0.3 * width, 0.2 * height, 0.7 * width, 0.8 * height, 1.0)


def patch_detector(patch: pytest.MonkeyPatch) -> None:
    """Let face extractors use :class:`OnePlace`."""
    patch.setattr(FaceSearch, "detector", lambda self, device, clips_at_once: OnePlace())


def config(root: Path) -> dict[str, Any]:
    """Return the options: generated media and caches lie below ``root``."""
    hog = {"frames": FRAMES, "size": 32, "cell": 16, "orientations": 4}
    layers = {"inputs": 16, "dim": 8, "layers": 1, "dropout": 0.0}
    small = {"units": 8, "layers": 1}
    encoders = {
        "audio": {"class_path": "RawWaveformEncoder", "init_args": {"variant": "newer"}},
        "face": {
            "class_path": "FrameSequenceEncoder",
            "init_args": {
                "encoder": {"class_path": "VectorEncoder", "init_args": layers},
                "pool": "none",
            },
        },
    }
    data = {
        "root": str(root / "media"),
        "cache": str(root / "cache"),
        "subjects": 3,
        "seconds": SECONDS,
        "delay": 0.2,
        "batch_size": 4,
        "workers": 0,
        "windows": {"class_path": "SlidingWindows", "init_args": WINDOWS},
        "extractors": {
            "audio": {
                "class_path": "Waveform",
                "init_args": {"sample_rate": 16000, "length": WINDOWS["length"]},
            },
            "face": {"class_path": "FaceHog", "init_args": hog},
        },
    }
    return {
        "trainer": {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False},
        "model": {
            "class_path": "RegressionTask",
            "init_args": {
                "encoders": encoders,
                "fusion": {"class_path": "RecurrentFusion", "init_args": small},
                "objectives": {
                    "ccc": {"class_path": "Concordance"},
                    "audio": {
                        "class_path": "AuxiliaryConcordance",
                        "init_args": {"feature": "audio", **small},
                    },
                },
            },
        },
        "data": {"class_path": "SyntheticRecordings", "init_args": data},
        "training": {
            "stages": {
                "audio": {
                    "epochs": 1,
                    "train": ["encoders.audio", "objectives.audio"],
                    "objectives": ["audio"],
                    "modalities": ["audio"],
                    "monitor": "val/audio/ccc",
                },
                "joint": {"epochs": 2, "objectives": ["ccc"], "monitor": "val/fused/ccc"},
            }
        },
    }


def train(root: Path) -> Path:
    """Train below a folder and return the run directory, ``root/run``; media: ``root/media``."""
    sys.argv = ["emorec"]
    (root / "config.yaml").write_text(yaml.safe_dump(config(root)))
    main(["fit", "--config", str(root / "config.yaml"), "--run", str(root / "run")])
    return root / "run"
