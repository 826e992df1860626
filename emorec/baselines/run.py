"""A baseline from cached clips to the results of test clips."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info

from emorec.baselines.methods import BaselineError, Fitted, Labels, Matrix, candidates
from emorec.baselines.vectors import vectors_of
from emorec.data import EmotionDataModule
from emorec.data.splits.parts import Part
from emorec.evaluation.clips import Votes, clip_metrics
from emorec.evaluation.decision import ClassDecision
from emorec.runs.tested_classes import TestedClasses
from emorec.types import Classes

MONITOR = "uar"  # settings are chosen by it


class Chosen(NamedTuple):
    """What validation clips chose.

    Attributes:
        monitor: The measure they were chosen by.
        score: Its value on validation clips.
        settings: The settings of the method.
        dimensions: Numbers per clip.
    """

    monitor: str
    score: float
    settings: dict[str, Any]
    dimensions: int


def run_baseline(
    data: EmotionDataModule,
    method: str,
    seed: int,
    settings: Mapping[str, Any] | None = None,
    *,
    refit: bool = False,
) -> tuple[list[TestedClasses], dict[str, Chosen]]:
    """Fit on training clips, choose the settings by UAR on validation clips, decide test clips.

    Done for all modalities together (``fused``: their vectors side by side) and, if there are
    several, for each alone.

    Args:
        data: The data module, after ``setup``.
        method: See :data:`~emorec.baselines.methods.METHODS`.
        seed: Of methods with chance.
        settings: Settings that are fixed instead of chosen, see
            :data:`~emorec.baselines.methods.SETTINGS`.
        refit: Whether to fit once more, with the chosen settings, on training and validation clips.

    Returns:
        The decisions, and for each kind of scores what was chosen.

    Raises:
        BaselineError: The target has no classes, there are only pictures or no validation clips, or
            the method cannot be fitted.
    """
    if data.generated is not None:
        raise BaselineError(
            "baselines learn from the clips of the data set alone: leave data.generated out"
        )
    forms = list(data.targets.items())
    target, form = forms[0]
    if len(forms) > 1 or not isinstance(form, Classes):
        raise BaselineError(
            f"baselines are for one target with classes; the data has {', '.join(data.targets)}"
            f"{'' if len(forms) > 1 else ', with values over time'}: train a model with emorec fit"
        )
    axes = {n: e.pooled_axes for n, e in data.extractors.items() if e.constants() is None}
    if not axes:
        raise BaselineError(
            f"baselines read vectors, sequences and spectrograms, not pictures, and there is only "
            f"{', '.join(data.extractors)}; add an extractor such as FaceEmbedding or Functionals"
        )
    parts: tuple[Part, ...] = ("train", "val", "test")
    features = {
        part: {name: vectors_of(data.parts[part], name, axes[name]) for name in sorted(axes)}
        for part in parts
        if data.parts[part].ids
    }
    labels = {part: _labels(data, part, target) for part in features}
    if "test" not in features or not (labels.get("val", np.empty(0)) >= 0).any():
        raise BaselineError(
            "a baseline needs labelled validation clips, which choose its settings, and test "
            f"clips; the split ({data.protocol}) has none"
        )
    kinds = {"fused": sorted(axes), **({n: [n] for n in sorted(axes)} if len(axes) > 1 else {})}
    tested, chosen = [], {}
    for kind, names in kinds.items():
        x = {part: np.hstack([features[part][name] for name in names]) for part in features}
        found, chosen[kind] = _chosen(method, x, labels, len(form), seed, settings)
        decision = ClassDecision(form)
        if kind == "fused":
            decision.fit(_votes(data, "val", found, x["val"], labels["val"], len(form)))
        if refit:
            found = _again(method, x, labels, seed, found.settings)
        raw = _votes(data, "test", found, x["test"], labels["test"], len(form))
        votes = raw._replace(scores=decision.decide(raw.scores)) if kind == "fused" else raw
        tested.append(TestedClasses(kind, votes, raw, decision, data))
        rank_zero_info(f"{method}, {kind}: {chosen[kind]}")
    return tested, chosen


def _chosen(
    method: str,
    x: dict[Part, Matrix],
    labels: dict[Part, Labels],
    classes: int,
    seed: int,
    settings: Mapping[str, Any] | None,
) -> tuple[Fitted, Chosen]:
    rows, validated = labels["train"] >= 0, labels["val"] >= 0
    best: tuple[Fitted, float] | None = None
    for each in candidates(method, x["train"][rows], labels["train"][rows], seed, settings):
        scores = torch.from_numpy(each.scores(x["val"][validated], classes)).float()
        target = torch.from_numpy(labels["val"][validated])
        votes = Votes(torch.arange(len(target)), scores, target, torch.ones_like(target))
        value = clip_metrics(votes, classes).scores[MONITOR] or 0.0
        if best is None or value > best[1]:
            best = (each, value)
    assert best is not None
    return best[0], Chosen(f"val/{MONITOR}", best[1], best[0].settings, x["train"].shape[1])


def _again(
    method: str,
    x: dict[Part, Matrix],
    labels: dict[Part, Labels],
    seed: int,
    settings: Mapping[str, Any],
) -> Fitted:
    every = np.vstack([x["train"], x["val"]])
    classes = np.concatenate([labels["train"], labels["val"]])
    (found,) = candidates(method, every[classes >= 0], classes[classes >= 0], seed, settings)
    return found


def _labels(data: EmotionDataModule, part: Part, target: str) -> Labels:
    dataset = data.parts[part]
    found = [dataset.labels[position].get(target, -1) for position in dataset.ids]
    return np.asarray(found, np.int64)


def _votes(
    data: EmotionDataModule, part: Part, fitted: Fitted, x: Matrix, labels: Labels, classes: int
) -> Votes:
    dataset = data.parts[part]
    windows = [
        sum(map(any, zip(*dataset.present[position].values(), strict=True)))
        for position in dataset.ids
    ]
    return Votes(
        torch.tensor(list(dataset.ids)),
        torch.from_numpy(fitted.scores(x, classes)).float(),
        torch.from_numpy(labels),
        torch.tensor(windows),
    )
