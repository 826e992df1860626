"""Explanations: maps, windows, modalities, and the page."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emorec.cli import main
from emorec.errors import UserError
from emorec.explain import Explanation, explain
from emorec.explain.attribution import last_map
from emorec.predict import Predictor
from emorec.predict.recording import open_recording
from emorec.types import Clip
from tests.conftest import Place


@pytest.fixture(scope="module")
def predictor(smoke_run: Path) -> Predictor:
    return Predictor.from_checkpoint(smoke_run / "checkpoints/best.ckpt", device="cpu")


@pytest.fixture(scope="module")
def clip(place: Place) -> Path:
    return sorted(place.media.rglob("*.mp4"))[0]


@pytest.fixture(scope="module")
def explanation(predictor: Predictor, clip: Path) -> Explanation:
    return explain(predictor, clip, count=3)


def test_each_shown_window_has_a_map_of_each_modality(explanation: Explanation) -> None:
    assert len(explanation.windows) == 3
    for shown in explanation.windows.values():
        assert set(shown) == {"audio", "face"}
        for array, weights in shown.values():
            assert array.ndim == 3
            assert weights.min() >= 0
            assert weights.max() in (pytest.approx(1), 0)
            assert min(weights.shape) > 1


def test_contributions_are_what_leaving_a_window_out_changes(explanation: Explanation) -> None:
    prediction = explanation.prediction
    target = list(prediction.probabilities).index(explanation.label)
    scores = np.array([row[target] for row in prediction.scores])
    for i, contribution in enumerate(explanation.contributions):
        left = np.delete(scores, i).mean()
        assert contribution == pytest.approx(scores.mean() - left, abs=1e-9)
    # The windows that contribute most are shown.
    shown = min(explanation.contributions[i] for i in explanation.windows)
    rest = [c for i, c in enumerate(explanation.contributions) if i not in explanation.windows]
    assert shown >= max(rest)


def test_without_a_modality_the_other_one_decides(explanation: Explanation) -> None:
    prediction, label = explanation.prediction, explanation.label
    fall = prediction.probabilities[label] - prediction.alone["face"][label]
    assert explanation.without["audio"] == pytest.approx(fall)


def test_a_map_is_where_the_class_comes_from(predictor: Predictor, clip: Path) -> None:
    # Grad-CAM by hand: the gradient of log p, pooled over places, times the last map.
    from emorec.explain.attribution import arrays_at, grad_cam

    prediction = predictor.vote(clip)
    rows = arrays_at(predictor, clip, prediction.windows, [0, 5])
    layer = last_map(predictor, "face", rows)
    assert layer is not None
    kept: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    bundle = predictor.model(predictor.run.batch(rows))
    hook.remove()
    scores = predictor.model.scores(bundle)["fused"].log()[:, 2].sum()
    (gradient,) = torch.autograd.grad(scores, kept[0])
    wanted = (gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1).relu().detach().numpy()
    for found, plain in zip(grad_cam(predictor, layer, rows, 2), wanted, strict=True):
        scale = plain.max() or 1.0
        np.testing.assert_allclose(found, plain / scale, atol=1e-4)


def test_a_part_of_a_file_is_explained_by_what_it_shows(predictor: Predictor, clip: Path) -> None:
    part = Clip("part", clip.resolve(), span=(0.4, 1.4))
    found = explain(predictor, part, count=2)
    recording = open_recording(part, predictor.extractors)
    spans = found.prediction.windows
    for name, extractor in predictor.extractors.items():
        arrays = extractor.extract(recording.clip, recording.media, spans).arrays
        for number, shown in found.windows.items():
            if name in shown:
                wanted = arrays[number]
                assert wanted is not None
                np.testing.assert_array_equal(shown[name][0], wanted)
    assert any(found.windows.values())


def test_another_class_can_be_asked_about(predictor: Predictor, clip: Path) -> None:
    assert explain(predictor, clip, label="fear", count=1).label == "fear"
    with pytest.raises(UserError, match="no class 'calm'; the model has anger"):
        explain(predictor, clip, label="calm")


def test_the_page_is_one_file(
    smoke_run: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, page = str(smoke_run / "checkpoints/best.ckpt"), tmp_path / "why.html"
    main(["explain", model, str(clip), "--out", str(page), "--device", "cpu", "--windows", "2"])
    assert str(page) in capsys.readouterr().out
    text = page.read_text()
    assert text.count('class="pair"') == 4
    assert "audio alone" in text
    assert "not what the person felt" in text
    assert 'src="http' not in text
