"""kill -9 during fit, then the same command: the run ends as if nothing had happened."""

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Place
from tests.helpers.fit_kills import assert_same, command


@pytest.mark.slow
def test_a_run_killed_once_in_each_stage_ends_with_the_same_weights(
    smoke_run: Path, place: Place, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    # What is there when a stage has begun.
    for begun in ("split.csv", "checkpoints/audio.ckpt", "checkpoints/face.ckpt"):
        process = subprocess.Popen(command(killed, place), stdout=subprocess.DEVNULL)
        while not (killed / begun).is_file():
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert not (killed / "metrics.json").exists()
    done = subprocess.run(command(killed, place), capture_output=True, text=True, check=True)
    assert "resuming from" in done.stdout + done.stderr
    subprocess.run(command(whole, place), capture_output=True, check=True)
    assert_same(whole, killed)


@pytest.mark.slow
def test_an_interrupted_fit_says_how_to_go_on(
    smoke_run: Path, place: Place, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = subprocess.Popen(
        command(run, place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has told them to ignore Ctrl-C.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.default_int_handler),
    )
    while not (run / "checkpoints/audio.ckpt").is_file():
        assert process.poll() is None, "the run ended before it could be interrupted"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert "interrupted; repeat the command to resume" in said
