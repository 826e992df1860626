"""The command table: help without heavy imports, unknown commands, messages, not tracebacks."""

import errno
import os
import re
import subprocess
import sys

import pytest

import emorec
from emorec import __version__, cli
from emorec.errors import UserError


def test_help_lists_every_command_and_imports_neither_torch_nor_lightning() -> None:
    code = (
        "import sys; from emorec.cli import main; main(['--help']); "
        "assert not {'torch', 'lightning', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in cli.COMMANDS:
        assert f"\n  {name}" in done.stdout


def test_what_predicts_is_imported_from_the_package_at_its_first_use() -> None:
    code = (
        "import sys, emorec; assert 'torch' not in sys.modules; "
        "from emorec import Predictor, load_predictor; print(load_predictor.__module__, Predictor)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "emorec.predict.ensemble <class 'emorec.predict.predictor.Predictor'"
    )
    with pytest.raises(AttributeError, match="no attribute 'predictor_of'"):
        emorec.predictor_of  # noqa: B018


def test_python_dash_m_is_the_same_command() -> None:
    command = [sys.executable, "-m", "emorec", "--version"]
    assert subprocess.check_output(command, text=True) == f"emorec {__version__}\n"


def test_unknown_command_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["train"])
    assert stop.value.code == 2
    assert "unknown command 'train'; the commands are init, fit, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "message", "status"),
    [
        (UserError("mend this"), "emorec: mend this\n", 2),
        (OSError(errno.EISDIR, "is a directory"), "is a directory", 2),
        (OSError(errno.EEXIST, "file exists"), "file exists", 2),
        (OSError(errno.ENOSPC, "no space left in the cache folder"), "no space left", 2),
        (KeyboardInterrupt(), "interrupted; repeat the command to resume", 130),
    ],
)
def test_errors_of_users_are_one_message(
    error: BaseException,
    message: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(argv: object) -> None:
        raise error

    from emorec.commands import plugins

    monkeypatch.setattr(plugins, "main", fail)
    with pytest.raises(SystemExit) as stop:
        cli.main(["plugins"])
    assert stop.value.code == status
    assert message in capsys.readouterr().err


def test_an_error_of_ours_keeps_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argv: object) -> None:
        raise OSError(errno.EIO, "broken disk")

    from emorec.commands import plugins

    monkeypatch.setattr(plugins, "main", fail)
    with pytest.raises(OSError, match="broken disk"):
        cli.main(["plugins"])


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_help_of_every_command_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"examples?: emorec ", said)


def test_a_reader_that_has_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "emorec", "configs"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
