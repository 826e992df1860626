"""The report of a sweep: a table of its trials, the best options, and a figure."""

import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from matplotlib.figure import Figure

from emorec.figures.plots import COLOURS, save_figure
from emorec.study.sweep.config import Sweep, best_command
from emorec.system.files import write_text


def write_sweep(sweep: Sweep, search: Any, out: Path) -> str:
    """Write ``trials.csv``, ``best.yaml`` and ``sweep.png``, and return a summary.

    Args:
        sweep: The sweep.
        search: Optuna's study.
        out: Folder to write to.
    """
    table = trials_table(search)
    write_text(out / "trials.csv", table.to_csv(index=False))
    complete = table[table["state"] == "complete"]
    counts = ", ".join(f"{n} {state}" for state, n in table["state"].value_counts().items())
    lines = [f"{len(table)} trials: {counts}; {out / 'trials.csv'}"]
    if complete.empty:
        return "\n".join([*lines, "no trial was completed"]) + "\n"
    best = search.best_trial
    write_text(out / "best.yaml", yaml.safe_dump(dict(best.params), sort_keys=False))
    save_figure(_figure(table, search, list(sweep.space)), out / "sweep.png")
    lines += [
        f"best: {best.value:.4f} in validation (trial {best.number}); options in "
        f"{out / 'best.yaml'}, figure in {out / 'sweep.png'}",
        "the best of many trials is optimistic: measure it on test clips with",
        f"  {shlex.join(best_command(sweep, best.params))}",
    ]
    return "\n".join(lines) + "\n"


def trials_table(search: Any) -> pd.DataFrame:
    """Return one row per trial: number, state, value, epochs, seconds, options, run, reason."""
    rows = []
    for trial in search.trials:
        seconds = None if trial.duration is None else round(trial.duration.total_seconds(), 1)
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                "value": trial.value,
                "epochs": len(trial.intermediate_values),
                "seconds": seconds,
                **trial.params,
                "run": trial.user_attrs.get("run", ""),
                "reason": trial.user_attrs.get("reason", ""),
            }
        )
    return pd.DataFrame(rows)


def _figure(table: pd.DataFrame, search: Any, names: list[str]) -> Figure:
    """Draw the values of the trials in order, and over each option."""
    figure = Figure(figsize=(4 + 2.6 * len(names), 3.4), dpi=120)
    first, *others = figure.subplots(1, 1 + len(names), sharey=True, squeeze=False)[0]
    complete = table[table["state"] == "complete"]
    first.scatter(complete["trial"], complete["value"], color=COLOURS[4], s=18)
    first.plot(complete["trial"], complete["value"].cummax(), color=COLOURS[0], label="best so far")
    first.set(xlabel="trial", ylabel="validation")
    first.legend(fontsize=7)
    weights = _importances(search)
    for axes, name in zip(others, names, strict=True):
        values = complete[name]
        numbers = pd.to_numeric(values, errors="coerce")
        x = numbers if numbers.notna().all() else values.astype(str)
        axes.scatter(x, complete["value"], color=COLOURS[1], s=18)
        if numbers.notna().all() and (numbers > 0).all() and numbers.max() > 50 * numbers.min():
            axes.set_xscale("log")
        weight = f" ({weights[name]:.0%})" if name in weights else ""
        axes.set_title(f"{name.rpartition('.')[2]}{weight}", fontsize=8)
        axes.set_xlabel(name, fontsize=6)
    for axes in (first, *others):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    return figure


def _importances(search: Any) -> dict[str, float]:
    """Return option -> its share of the variance of the values (PED-ANOVA); empty if unknown."""
    import optuna

    try:
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(search, evaluator=evaluator)
    except (ValueError, RuntimeError):  # too few trials, or all equal
        return {}
    return {name: float(value) for name, value in found.items()}
