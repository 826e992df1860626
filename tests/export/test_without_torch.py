"""The page's program runs the exported model without PyTorch, and agrees with emorec."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emorec.cache import GridWindows
from emorec.export import PretrainedPredictor, export_onnx
from tests.conftest import ROOT
from tests.media_files import write_sound

PAGE = (ROOT / "emorec/export/README.md").read_text(encoding="utf-8")
BLOCKED = """
import sys
for name in ("torch", "torchaudio", "lightning", "emorec"):
    sys.modules[name] = None
"""


def program() -> str:
    (found,) = [b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "onnx" in b]
    return str(found).partition('if __name__ == "__main__":')[0]


@pytest.mark.slow
def test_the_program_on_the_page_agrees_with_emorec(smoke_run: Path, tmp_path: Path) -> None:
    predictor = PretrainedPredictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu")
    export_onnx(predictor, tmp_path / "model.onnx")
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(3 * 48000) * np.linspace(0.01, 0.3, 3 * 48000)
    sound = write_sound(tmp_path / "noise.wav", samples.astype(np.float32))
    call = f"print(json.dumps(predict_sound({str(tmp_path / 'model.onnx')!r}, {str(sound)!r})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{BLOCKED}\n{program()}\n{call}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    predictor.windows = GridWindows(0.5, 0.5)
    wanted = predictor.predict(sound).probabilities
    assert json.loads(done.stdout) == pytest.approx(wanted, abs=1e-4)
