"""What testing a regression leaves: agreement with the gold standard, traces, a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from emorec.evaluation.traces import Agreement, Values, agreement, joined, mean_ccc
from emorec.figures.plots import save_figure
from emorec.figures.traces import trace_figure
from emorec.system.files import write_text
from emorec.tasks import RegressionTask

SHOWN = 6  # recordings in the picture


def report_traces(
    task: RegressionTask, data: Any, folder: Path | None
) -> dict[str, dict[str, Any]]:
    """Return kind of values -> agreement with the gold standard; write a table and a picture.

    ``fused`` gives ``predictions.csv`` and ``traces.png``; another kind, such as ``audio``, gives
    ``predictions_audio.csv`` and ``traces_audio.png``. The fused values are those after the
    post-processing chain; ``before_processing`` in the results is without it.

    Args:
        task: The task, after a test.
        data: Its data module.
        folder: Where to write; None: nothing is written.
    """
    names = {clip: data.all_clips[clip].id for t in task.test_traces.values() for clip in t}
    gold = data.traces[task.target]
    results: dict[str, dict[str, Any]] = {}
    for kind, traces in task.test_traces.items():
        results[kind] = _results(task, traces, gold, names)
        if kind == "fused":
            results[kind] |= {
                "before_processing": _results(task, task.raw_traces[kind], gold, names)["ccc"],
                "chain": {
                    name: chain.described()
                    for name, chain in zip(task.classes, task.chains(), strict=True)
                },
            }
        if folder is None:
            continue
        suffix = "" if kind == "fused" else f"_{kind}"
        nothing = np.zeros((0, len(task.classes)))  # has the columns, where no recording is left
        table = pd.concat(
            [
                trace_table("", nothing, None, task.classes, data.step),
                *(
                    trace_table(names[clip], said, gold.get(clip), task.classes, data.step)
                    for clip, said in traces.items()
                ),
            ]
        )
        write_text(folder / f"predictions{suffix}.csv", table.to_csv(index=False))
        save_figure(traces_picture(task, data, kind), folder / f"traces{suffix}.png")
    return results


def traces_picture(task: RegressionTask, data: Any, kind: str) -> Figure:
    """Draw the first test recordings: what was said, and the gold standard.

    Args:
        task: The task, after a test.
        data: Its data module.
        kind: Of values: ``fused``, or a modality.
    """
    traces, gold = task.test_traces[kind], data.traces[task.target]
    shown = {
        data.all_clips[clip].id: (said, gold.get(clip))
        for clip, said in list(traces.items())[:SHOWN]
    }
    selected = ", SELECTED ON TEST" if data.select_on_test else ""
    title = f"{kind}: {len(traces)} test recordings{selected}"
    return trace_figure(shown, task.classes, data.step, title)


def trace_table(
    name: str, said: Values, gold: Values | None, dimensions: list[str], step: float
) -> pd.DataFrame:
    """Return a row a step: recording, time in seconds, values, and the gold standard.

    Args:
        name: Id of the recording.
        said: (steps, dimensions).
        gold: (steps, dimensions), of another length perhaps; None: columns without values.
        dimensions: Their names.
        step: Seconds.
    """
    table = pd.DataFrame({"recording": name, "time": np.arange(len(said)) * step}).round(6)
    for number, dimension in enumerate(dimensions):
        table[dimension] = said[:, number].round(6)
    for number, dimension in enumerate(dimensions):
        true = np.full(len(said), np.nan)
        if gold is not None:
            steps = min(len(said), len(gold))
            true[:steps] = gold[:steps, number]
        table[f"gold_{dimension}"] = true.round(6)
    return table


def _results(
    task: RegressionTask, traces: dict[int, Values], gold: dict[int, Values], names: dict[int, str]
) -> dict[str, Any]:
    said, true = joined(traces, gold)
    known = sorted(gold.keys() & traces.keys())
    blank = [Agreement(0, None, None, None)] * len(task.classes)
    whole = agreement(said, true) if known else blank
    alone = {clip: agreement(*joined({clip: traces[clip]}, gold)) for clip in known}
    found = {name: each._asdict() for name, each in zip(task.classes, whole, strict=True)}
    for number, name in enumerate(task.classes):
        of_each = [each[number] for each in alone.values()]
        found[name]["ccc_mean_of_recordings"] = mean_ccc(of_each)
    return {
        "recordings": len(known),
        "ccc": mean_ccc(whole),
        "dimensions": found,
        "per_recording": {
            names[clip]: {n: a._asdict() for n, a in zip(task.classes, each, strict=True)}
            for clip, each in alone.items()
        },
    }
