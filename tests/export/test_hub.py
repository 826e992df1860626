"""A model is pushed to the hub and loaded again; here the hub is a local folder."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from emorec.cli import main
from emorec.export import PretrainedPredictor


class LocalHub:
    """The hub calls of the mixin, served from a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create_repo(self, repo_id: str, **_: Any) -> SimpleNamespace:
        (self.root / repo_id).mkdir(parents=True, exist_ok=True)
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, *, repo_id: str, folder_path: Path, **_: Any) -> str:
        shutil.copytree(folder_path, self.root / repo_id, dirs_exist_ok=True)
        return f"{repo_id}@main"

    def file(self, repo_id: str, filename: str, **_: Any) -> str:
        path = self.root / repo_id / filename
        if not path.is_file():
            raise LocalEntryNotFoundError(filename)
        return str(path)

    def snapshot(self, repo_id: str, **_: Any) -> str:
        return str(self.root / repo_id)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalHub:
    local = LocalHub(tmp_path / "hub")
    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", lambda **_: local)
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", local.file)
    monkeypatch.setattr("emorec.export.pretrained.snapshot_download", local.snapshot)
    return local


def test_what_is_pushed_comes_back_with_its_card(
    smoke_run: Path, tmp_path: Path, hub: LocalHub
) -> None:
    folder = tmp_path / "shared"
    main(["export", str(smoke_run), "--out", str(folder), "--format", "hub", "--license", "mit"])
    loaded = PretrainedPredictor.from_pretrained(folder, device="cpu")
    loaded.push_to_hub("someone/model")
    pushed = {path.name for path in (hub.root / "someone/model").iterdir()}
    assert pushed == {path.name for path in folder.iterdir()}
    for name in ("README.md", "config.json", "training.yaml"):
        assert (hub.root / "someone/model" / name).read_text() == (folder / name).read_text()

    back = PretrainedPredictor.from_pretrained("someone/model", device="cpu")
    weights, wanted = back.model.state_dict(), loaded.model.state_dict()
    assert weights.keys() == wanted.keys()
    assert all(torch.equal(weights[name], wanted[name]) for name in wanted)
    assert back.card == (folder / "README.md").read_text()


def test_saving_into_its_own_folder_keeps_everything(smoke_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    main(["export", str(smoke_run), "--out", str(folder), "--format", "hub"])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    PretrainedPredictor.from_pretrained(folder, device="cpu").save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
