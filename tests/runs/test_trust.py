"""A checkpoint that names foreign code is refused; emorec, plug-ins and torch are known."""

from pathlib import Path
from typing import Any

import pytest
import torch

from emorec.plugins import foreign
from emorec.predict.checkpoint import CheckpointError, load_model
from tests.helpers.toy import ToyEncoder

MARK = "emorec_was_here"


def changed(smoke_run: Path, folder: Path, change: Any) -> Path:
    """Return a copy of the run's checkpoint with changed options."""
    saved = torch.load(smoke_run / "checkpoints/best.ckpt", weights_only=True)
    change(saved["hyper_parameters"], saved["emorec"])
    path = folder / "changed.ckpt"
    torch.save(saved, path)
    return path


def test_our_own_checkpoint_names_nothing_foreign(smoke_run: Path) -> None:
    saved = torch.load(smoke_run / "checkpoints/best.ckpt", weights_only=True)
    assert foreign(saved["hyper_parameters"]["encoders"]) == []
    assert foreign(saved["emorec"]) == []
    load_model(smoke_run / "checkpoints/best.ckpt")


def test_classes_of_this_process_and_files_are_no_foreign_code() -> None:
    known = {"class_path": f"{ToyEncoder.__module__}.ToyEncoder", "weights": "resnet50.pth"}
    assert foreign([known]) == []


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "builtins.exec",
        "torch.hub.load",
        "torch.load",
        "torch.optim.lr_scheduler.partial",
        "emorec.cli.main",
        "torch.utils.cpp_extension.load",
    ],
)
def test_what_could_run_code_is_refused_wherever_it_stands(
    name: str, smoke_run: Path, tmp_path: Path
) -> None:
    ran = tmp_path / MARK

    call = {"class_path": name, "init_args": {"command": f"touch {ran}"}}

    def encoder(model: dict[str, Any], kept: dict[str, Any]) -> None:
        model["encoders"]["audio"] = call

    def maker(model: dict[str, Any], kept: dict[str, Any]) -> None:
        model["fusion"]["init_args"]["width"] = name

    def reader(model: dict[str, Any], kept: dict[str, Any]) -> None:
        kept["extractors"]["audio"] = call

    def windows(model: dict[str, Any], kept: dict[str, Any]) -> None:
        kept["windows"] = call

    for change in (encoder, maker, reader, windows):
        path = changed(smoke_run, tmp_path, change)
        with pytest.raises(CheckpointError, match=f"would import {name}, which is neither"):
            load_model(path)
    assert not ran.exists()


def test_what_trains_is_not_looked_at(smoke_run: Path, tmp_path: Path) -> None:
    def change(model: dict[str, Any], kept: dict[str, Any]) -> None:
        model |= {
            "optimizer": "os.system",
            "_class_path": "os.system",
            "_instantiator": "os.system",
        }

    load_model(changed(smoke_run, tmp_path, change))


def test_a_file_with_pickled_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / MARK,))

    torch.save({"state_dict": Evil()}, tmp_path / "evil.ckpt")
    with pytest.raises(CheckpointError, match="not a checkpoint that torch can read"):
        load_model(tmp_path / "evil.ckpt", trust=True)
    assert not (tmp_path / MARK).exists()


def test_a_trusted_checkpoint_may_name_a_module_that_was_not_imported(
    smoke_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lately.py").write_text(
        "from emorec.encoders import ImageEncoder\nclass Mine(ImageEncoder):\n    '''Mine.'''\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def change(model: dict[str, Any], kept: dict[str, Any]) -> None:
        model["encoders"]["audio"]["class_path"] = "lately.Mine"

    path = changed(smoke_run, tmp_path, change)
    with pytest.raises(CheckpointError, match=r"would import lately\.Mine"):
        load_model(path)
    model = load_model(path, trust=True).model
    assert type(model.encoders["audio"]).__name__ == "Mine"
