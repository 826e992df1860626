"""Exported models agree with PyTorch's, describe themselves, and run without emorec."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open

from emorec.cli import main
from emorec.export import PretrainedPredictor, graph
from emorec.export.graph import ExportError, export_onnx, export_torch, input_names
from emorec.predict import CheckpointError
from emorec.windows import GridWindows
from tests.conftest import ROOT, Place
from tests.helpers.exported import arrays_of, vote
from tests.helpers.media_files import write_sound

PAGE = (ROOT / "docs/sharing.md").read_text(encoding="utf-8")
BLOCKED = """
import sys
for name in ("torch", "torchaudio", "lightning", "emorec"):
    sys.modules[name] = None
"""


def program() -> str:
    (found,) = [b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "onnx" in b]
    return str(found).partition('if __name__ == "__main__":')[0]


@pytest.fixture(scope="module")
def predictor(smoke_run: Path) -> PretrainedPredictor:
    return PretrainedPredictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu")


@pytest.fixture(scope="module")
def folder(smoke_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of ``emorec export`` for a run."""
    out = tmp_path_factory.mktemp("export")
    formats = ["--format", "onnx", "torch", "hub"]
    main(["export", str(smoke_run), "--out", str(out), "--license", "mit", *formats])
    return out


@pytest.fixture(scope="module")
def clip(place: Place) -> Path:
    return sorted(place.media.rglob("*.mp4"))[0]


@pytest.mark.slow
def test_the_api_the_onnx_and_the_exported_program_agree(
    predictor: PretrainedPredictor, folder: Path, clip: Path
) -> None:
    prediction = predictor.vote(clip)
    wanted = list(prediction.probabilities.values())
    arrays = arrays_of(predictor, clip)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    assert [each.name for each in session.get_inputs()] == input_names(["audio", "face"])
    (found,) = session.run(None, arrays)
    assert vote(predictor, np.asarray(found)) == pytest.approx(wanted, abs=1e-4)
    program = torch.export.load(folder / "model.pt2").module()
    tensors = [torch.from_numpy(arrays[name]) for name in input_names(["audio", "face"])]
    assert vote(predictor, program(*tensors).detach().numpy()) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.slow
def test_the_metadata_has_labels_and_preprocessing(
    predictor: PretrainedPredictor, folder: Path
) -> None:
    model = onnx.load(folder / "model.onnx")
    (text,) = [each.value for each in model.metadata_props if each.key == "emorec"]
    described = json.loads(text)
    assert described["labels"] == predictor.model.target.names
    assert described["temperature"] == float(predictor.model.state_dict()["decision.temperature"])
    audio, face = described["modalities"]["audio"], described["modalities"]["face"]
    assert (audio["shape"], audio["dtype"]) == ([1, 94, 94], "float32")
    assert audio["extractor"]["sample_rate"] == 48000
    assert np.shape(audio["mean"]) == (1, 94, 1)
    assert (face["shape"], face["dtype"]) == ([3, 94, 94], "uint8")
    assert face["extractor"]["class"] == "FaceCrops"
    assert described["windows"]["class"] == "RandomWindows"


def test_a_graph_that_does_not_agree_is_not_written(
    predictor: PretrainedPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match=r"torch\.export model differs"):
        export_torch(predictor, tmp_path / "model.pt2")
    assert list(tmp_path.iterdir()) == []


def test_onnx_without_its_packages_says_what_to_install(
    predictor: PretrainedPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ExportError, match=r'pip install "emorec\[export\]"'):
        export_onnx(predictor, tmp_path / "model.onnx")


def test_a_shared_folder_predicts_as_the_checkpoint_does(
    predictor: PretrainedPredictor, folder: Path, clip: Path
) -> None:
    loaded = PretrainedPredictor.from_pretrained(folder, device="cpu")
    assert loaded.vote(clip).probabilities == predictor.vote(clip).probabilities
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(predictor.model.state_dict())


def test_nothing_of_this_machine_is_shared(folder: Path, place: Place) -> None:
    for file in folder.iterdir():
        assert str(place.media).encode() not in file.read_bytes(), file
        assert str(place.cache).encode() not in file.read_bytes(), file


def test_a_shared_folder_with_foreign_code_or_damage_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    for file in folder.glob("*"):
        if file.suffix in (".json", ".safetensors"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    options = tmp_path / "config.json"
    whole = options.read_text()
    options.write_text(whole.replace("emorec.fusion.ConcatFusion", "os.system"))
    with pytest.raises(CheckpointError, match=r"would import os\.system"):
        PretrainedPredictor.from_pretrained(tmp_path, device="cpu")
    options.write_text(whole[:-40])
    with pytest.raises(CheckpointError, match="is not what emorec export writes"):
        PretrainedPredictor.from_pretrained(tmp_path, device="cpu")
    options.write_text(whole)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be used"):
        PretrainedPredictor.from_pretrained(tmp_path, device="cpu")


def test_a_checkpoint_alone_has_no_card(
    smoke_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "best.ckpt"
    alone.write_bytes((smoke_run / "checkpoints/best.ckpt").read_bytes())
    with pytest.raises(SystemExit):
        main(["export", str(alone), "--out", str(tmp_path / "out"), "--format", "hub"])
    assert "the card is written from a run" in capsys.readouterr().err


@pytest.mark.slow
def test_the_program_on_the_page_agrees_with_emorec_without_pytorch(
    smoke_run: Path, folder: Path, tmp_path: Path
) -> None:
    predictor = PretrainedPredictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", "cpu")
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(3 * 48000) * np.linspace(0.01, 0.3, 3 * 48000)
    sound = write_sound(tmp_path / "noise.wav", samples.astype(np.float32))
    call = f"print(json.dumps(predict_sound({str(folder / 'model.onnx')!r}, {str(sound)!r})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{BLOCKED}\n{program()}\n{call}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    predictor.windows = GridWindows(0.5, 0.5)
    wanted = predictor.vote(sound).probabilities
    assert json.loads(done.stdout) == pytest.approx(wanted, abs=1e-4)
