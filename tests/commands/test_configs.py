"""``emorec configs``: a list, one config, copies that work."""

from pathlib import Path

import pytest

from emorec.cli import main
from emorec.system.shipped import shipped


def test_all_are_listed_by_kind(capsys: pytest.CaptureFixture[str]) -> None:
    main(["configs"])
    said = capsys.readouterr().out
    for each in shipped():
        assert f"\n  {each.name} " in said
    main(["configs", "list", "fusion"])
    said = capsys.readouterr().out
    assert "late" in said
    assert "ravdess" not in said


def test_one_is_shown_and_others_of_its_name_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    main(["configs", "show", "ravdess"])
    shown = capsys.readouterr()
    assert "stages:" in shown.out
    assert "there is also data/ravdess, model/ravdess, study/ravdess" in shown.err


def test_a_copy_has_what_it_includes_and_is_read_in_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["configs", "copy", "smoke", "--to", str(tmp_path)])
    listed = capsys.readouterr().out.splitlines()
    assert listed[0] == str(tmp_path / "configs/experiment/smoke.yaml")
    assert all(Path(line).is_file() for line in listed)
    monkeypatch.chdir(tmp_path)
    model = Path("configs/model/small.yaml")
    text = model.read_text("utf-8")
    model.write_text(text.replace("init_args:\n", "init_args:\n  learned: 3\n", 1), "utf-8")
    with pytest.raises(SystemExit):  # the copy, not the config of the package
        main(["fit", "--config", "configs/experiment/smoke.yaml"])
    assert "there is no option learned" in capsys.readouterr().err


def test_a_copy_never_replaces_what_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = ["configs", "copy", "smoke", "--to", str(tmp_path)]
    main(copy)
    changed = tmp_path / "configs/model/small.yaml"
    changed.write_text("mine", "utf-8")
    with pytest.raises(SystemExit):
        main(copy)
    assert "exists and differs" in capsys.readouterr().err
    assert changed.read_text("utf-8") == "mine"
    main([*copy, "--overwrite"])
    assert changed.read_text("utf-8") != "mine"
