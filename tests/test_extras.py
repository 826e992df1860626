"""Without the optional packages everything else works, and what needs them says so."""

import subprocess
import sys

PROGRAM = """
import sys
for name in ("scipy", "skimage", "timm", "wandb", "silero_vad"):
    sys.modules[name] = None  # an import of it fails
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
