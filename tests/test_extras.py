"""Without the optional packages everything else works, and what needs them says so."""

import subprocess
import sys

PROGRAM = """
import sys
import torchmetrics  # looks for scipy by itself
for name in [name for name in sys.modules if name.split(".")[0] == "scipy"]:
    del sys.modules[name]
class Absent:
    def find_spec(self, name, path=None, target=None):
        absent = ("scipy", "skimage", "timm", "wandb", "silero_vad", "opensmile", "transformers")
        if name.split(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Absent())
from emorec.cli import main
from emorec.errors import UserError
from emorec.synthetic import plan_clips
from emorec.synthetic.voice import speak
main(["plugins"])
try:
    speak(plan_clips()[0], 4800)
except UserError as error:
    print(error)
"""


def test_nothing_optional_is_needed_to_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ClassificationTask" in done.stdout
    assert "pip install 'emorec[demo]'" in done.stdout
