"""Registered classes, entry points of other packages, and near names."""

import re
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from emorec import plugins
from emorec.cli import main


def test_a_wrong_name_is_answered_with_near_ones() -> None:
    plugins.load_plugins()
    message = plugins.suggest("ImagEncoder")
    assert "no class named 'ImagEncoder'" in message
    assert "did you mean ImageEncoder" in message


def test_the_command_lists_classes_with_package_and_first_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["plugins"])
    shown = capsys.readouterr().out
    assert "fusion\n  CapsuleFusion" in shown
    assert re.search(r"  ConcatFusion +emorec +Concatenation and", shown)


def test_a_broken_plugin_is_reported_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("acme", "no_such_module_of_acme", plugins.GROUP)

    def found(**_: Any) -> list[EntryPoint]:
        return [broken]

    monkeypatch.setattr(plugins, "entry_points", found)
    with pytest.warns(UserWarning, match=r"plug-in acme .* is skipped: ModuleNotFoundError"):
        plugins.load_plugins()
