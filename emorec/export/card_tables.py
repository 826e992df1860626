"""The tables of a model card, in Markdown."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from emorec.evaluation.measures import MEASURES
from emorec.runs.results import Results

FEW_CLIPS, FEW_SPEAKERS = 30, 5  # results of smaller groups are mostly chance


def results_table(every: Sequence[Results]) -> str:
    """Return a table with one row per kind of scores: mean and spread over runs."""
    rows = []
    for scores in every[0].test:
        row: dict[str, str] = {"scores": "all together" if scores == "fused" else f"{scores} alone"}
        for each in MEASURES:
            # Runs from before a measure was added lack it.
            found = [run.test[scores].get(each.name) for run in every if scores in run.test]
            values = each.factor * pd.Series([v for v in found if v is not None], dtype=float)
            spread = f" ± {values.std(ddof=1):.{each.digits}f}" if len(values) > 1 else ""
            mean = f"{values.mean():.{each.digits}f}{spread}" if len(values) else "n/a"
            row[each.heading] = mean
        rows.append(row)
    return _markdown(rows)


def class_table(recall: dict[str, float | None], predictions: pd.DataFrame) -> str:
    """Return a table of recall and number of test clips for each class."""
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
        return "not known."
    hits = (predictions["target"] == predictions["predicted"]).astype(float) * 100
    accuracy = hits.groupby(predictions["group"]).mean().sort_values()
    if len(accuracy) == 1:
        return f"one test speaker, accuracy {accuracy.iloc[0]:.1f} %."
    return (
        f"{len(accuracy)} test speakers, accuracy {accuracy.mean():.1f} ± "
        f"{accuracy.std(ddof=1):.1f} % "
        f"(worst: {accuracy.iloc[0]:.1f} %, best: {accuracy.iloc[-1]:.1f} %)."
    )


def trait_table(predictions: pd.DataFrame, trait: str) -> str:
    """Return accuracy by a trait such as ``sex``, with a warning if groups are small."""
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
        f"\n\n(!) fewer than {FEW_CLIPS} clips or {FEW_SPEAKERS} speakers: mostly chance, not a "
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
