"""The tables of a model card, in Markdown."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from emorec.evaluation.measures import MEASURES
from emorec.runs.results import Results

FEW_CLIPS, FEW_SPEAKERS = 30, 5  # fewer in a group: its numbers are mostly chance


def results_table(every: Sequence[Results]) -> str:
    """Return a row a kind of scores: mean and spread over runs."""
    rows = []
    for scores in every[0].test:
        row: dict[str, str] = {"scores": "all together" if scores == "fused" else f"{scores} alone"}
        for each in MEASURES:
            # A run of before the measure was there does not have it.
            found = [run.test[scores].get(each.name) for run in every if scores in run.test]
            values = each.factor * pd.Series([v for v in found if v is not None], dtype=float)
            spread = f" ± {values.std(ddof=1):.{each.digits}f}" if len(values) > 1 else ""
            mean = f"{values.mean():.{each.digits}f}{spread}" if len(values) else "n/a"
            row[each.heading] = mean
        rows.append(row)
    return _markdown(rows)


def class_table(recall: dict[str, float | None], predictions: pd.DataFrame) -> str:
    """Return recall and number of test clips of each class."""
    counts = predictions["target"].value_counts()
    return _markdown(
        {
            "class": name,
            "recall, %": "n/a" if value is None else f"{100 * value:.1f}",
            "test clips": str(counts.get(name, 0)),
        }
        for name, value in recall.items()
    )


def by_speaker(predictions: pd.DataFrame) -> str:
    """Return a sentence on how much the accuracy differs between test speakers."""
    if (predictions["group"] == "").any():
        return "not known who speaks."
    hits = (predictions["target"] == predictions["predicted"]).astype(float) * 100
    right = hits.groupby(predictions["group"]).mean().sort_values()
    if len(right) == 1:
        return f"one test speaker, accuracy {right.iloc[0]:.1f} %."
    return (
        f"{len(right)} test speakers, accuracy {right.mean():.1f} ± {right.std(ddof=1):.1f} % "
        f"(worst: {right.iloc[0]:.1f} %, best: {right.iloc[-1]:.1f} %)."
    )


def trait_table(predictions: pd.DataFrame, trait: str) -> str:
    """Return the accuracy by a trait such as ``sex``, with a warning where groups are small."""
    rows, small = [], False
    for value, part in predictions.groupby(predictions[trait].astype(str)):
        speakers = part["group"].nunique()
        few = len(part) < FEW_CLIPS or speakers < FEW_SPEAKERS
        small |= few
        rows.append(
            {
                trait: f"{value or 'not stated'}{' (!)' if few else ''}",
                "accuracy, %": f"{100 * (part['target'] == part['predicted']).mean():.1f}",
                "test clips": str(len(part)),
                "speakers": str(speakers),
            }
        )
    warning = (
        f"\n\n(!) fewer than {FEW_CLIPS} clips or {FEW_SPEAKERS} speakers: mostly chance, and no "
        "statement about the group."
    )
    return f"By {trait} (this model):\n\n{_markdown(rows)}{warning if small else ''}\n"


def confusion_table(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Return the confusion matrix, rows true, columns predicted."""
    return _markdown(
        {"": name, **dict(zip(classes, map(str, row), strict=True))}
        for name, row in zip(classes, confusion, strict=True)
    )


def _markdown(rows: Any) -> str:
    return pd.DataFrame(list(rows)).to_markdown(index=False, disable_numparse=True)
