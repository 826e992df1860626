"""Grad-CAM for each modality, and the contribution of each window and modality."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emorec.errors import UserError
from emorec.predict import ClassPrediction, Ensemble, Predictor
from emorec.predict.recording import open_recording
from emorec.types import Array, SegmentBatch, Window

Map = NDArray[np.float32]
CELLS = (4, 2)  # least height and width of the feature map, in order of preference


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of the prediction for a clip.

    Attributes:
        prediction: The clip's vote.
        label: The class that is explained.
        windows: Window of ``prediction`` -> encoder -> (its input: uint8 (3, H, W) or
            float (1, H, W); Grad-CAM's weights (H, W), 0 to 1). Only some windows are explained.
        contributions: For each window, the fall of the clip's probability of the class without it
            (0 to 1; negative: a rise).
        without: Modality, or member of an ensemble -> the fall of that probability if it were
            missing.
    """

    prediction: ClassPrediction
    label: str
    windows: dict[int, dict[str, tuple[Array, Map]]]
    contributions: list[float]
    without: dict[str, float]


def explain(
    predictor: Predictor, path: Any, *, label: str | None = None, count: int = 6
) -> Explanation:
    """Explain the prediction for a clip.

    Grad-CAM (Selvaraju et al. 2017, https://doi.org/10.1109/ICCV.2017.74) by captum shows where the
    last feature map of an encoder supports the class, given the other modality. It is coarse, and
    it shows what the network used, not whether that was right.

    Args:
        predictor: The model.
        path: The clip: a file, or a :class:`~emorec.types.Clip` with its sidecars.
        label: The class; None: the predicted one.
        count: Number of windows to explain: those that contribute most.

    Raises:
        MediaError: The clip cannot be used.
        UserError: The model does not predict classes or not this one, or captum is not installed.
    """
    classes = list(predictor.need_classes("emorec explain").names)
    prediction = predictor.vote(path)
    label = label or prediction.label
    if label not in classes:
        raise UserError(f"no class {label!r}; the model has {', '.join(classes)}")
    if isinstance(predictor, Ensemble):
        return Explanation(
            prediction,
            label,
            {},
            [prediction.probabilities[label]],
            _members(predictor, prediction, label),
        )
    target = classes.index(label)
    contributions = _contributions([scores[target] for scores in prediction.scores])
    order = sorted(range(len(contributions)), key=lambda i: -contributions[i])
    chosen = sorted(order[:count])
    rows = arrays_at(predictor, path, prediction.windows, chosen)
    windows: dict[int, dict[str, tuple[Array, Map]]] = {i: {} for i in chosen}
    for name in predictor.model.in_force.modalities:
        modality = predictor.model.reads[name]
        known = [(i, row) for i, row in zip(chosen, rows, strict=True) if row[modality] is not None]
        layer = last_map(predictor, name, [row for _, row in known]) if known else None
        if layer is None:
            continue  # an encoder without feature maps
        maps = grad_cam(predictor, layer, [row for _, row in known], target)
        for (i, row), weights in zip(known, maps, strict=True):
            array = row[modality]
            assert array is not None
            windows[i][name] = array, weights
    return Explanation(
        prediction, label, windows, contributions, _without(predictor, prediction, label)
    )


def _contributions(scores: list[float]) -> list[float]:
    """Return the fall of the mean without each of the values."""
    if len(scores) == 1:
        return [scores[0]]
    mean, total = float(np.mean(scores)), sum(scores)
    return [mean - (total - score) / (len(scores) - 1) for score in scores]


def _members(ensemble: Ensemble, prediction: ClassPrediction, label: str) -> dict[str, float]:
    """Return the fall of the probability without each member."""
    votes = {name: list(each.values()) for name, each in prediction.alone.items()}
    at = list(prediction.probabilities).index(label)
    found = {}
    for name in votes if len(votes) > 1 else ():
        others = {other: vote for other, vote in votes.items() if other != name}
        found[name] = prediction.probabilities[label] - ensemble.fuse(others)[at]
    return found


def _without(predictor: Predictor, prediction: ClassPrediction, label: str) -> dict[str, float]:
    """Return the fall of the probability without each modality."""
    found = {}
    for name in prediction.alone:
        others = [other for other in prediction.alone if other != name]
        if len(others) == 1:  # only the other modality's own prediction is left
            remaining = prediction.alone[others[0]][label]
            found[name] = prediction.probabilities[label] - remaining
    return found


def arrays_at(
    predictor: Predictor, path: Any, spans: list[Window], chosen: list[int]
) -> list[dict[str, Array | None]]:
    """Return the extractors' arrays for the chosen windows."""
    recording = open_recording(path, predictor.extractors)
    found: dict[str, list[Array | None]] = {
        # All windows: which face is followed depends on them.
        name: predictor.extractors[name].extract(recording.clip, recording.of(name), spans).arrays
        for name in predictor.shown
    }
    return [{name: arrays[i] for name, arrays in found.items()} for i in chosen]


def last_map(
    predictor: Predictor, name: str, rows: list[dict[str, Array | None]]
) -> nn.Module | None:
    """Return the module of an encoder that produces its last feature map, (B, C, H, W).

    This is the last map of at least 4 x 4 cells or, failing that, of 2 x 2; None if there is none.
    """
    found: dict[int, nn.Module] = {}

    def look(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            found.update({cells: module for cells in CELLS if min(output.shape[2:]) >= cells})

    encoder = predictor.model.encoders[name]
    hooks = [m.register_forward_hook(look) for m in encoder.modules() if not list(m.children())]
    try:
        with torch.no_grad():
            predictor.model(predictor.run.batch(rows).to(predictor.device))
    finally:
        for hook in hooks:
            hook.remove()
    return next((found[cells] for cells in CELLS if cells in found), None)


def grad_cam(
    predictor: Predictor, layer: nn.Module, rows: list[dict[str, Array | None]], target: int
) -> list[Map]:
    """Return Grad-CAM's weights for each window, (H, W) as the feature map, scaled to 0 to 1."""
    try:
        from captum.attr import LayerGradCam
    except ImportError as error:
        raise UserError('explain needs captum: pip install "emorec[explain]"') from error
    batch = predictor.run.batch(rows).to(predictor.device)

    def scores(index: Tensor) -> Tensor:
        return predictor.run.scores(_take(batch, index)).clamp(min=1e-12).log()

    index = torch.arange(len(rows), device=predictor.device, dtype=torch.float32)
    with torch.enable_grad():
        index.requires_grad_()
        weights = LayerGradCam(scores, layer).attribute(
            index, target=target, relu_attributions=True
        )
    maps = weights.detach().float().cpu().numpy()[:, 0]
    return [each / each.max() if each.max() > 0 else each for each in maps]


def _take(batch: SegmentBatch, index: Tensor) -> SegmentBatch:
    rows = index.detach().long()
    return SegmentBatch(
        {name: tensor[rows] for name, tensor in batch.inputs.items()},
        {name: tensor[rows] for name, tensor in batch.present.items()},
        {name: tensor[rows] for name, tensor in batch.targets.items()},
        {name: tensor[rows] for name, tensor in batch.labelled.items()},
        batch.clip[rows],
        batch.index[rows],
    )
