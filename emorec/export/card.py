"""The model card of a run: data, protocol, results with their spread, limits."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from huggingface_hub import EvalResult, ModelCardData

from emorec.errors import UserError
from emorec.evaluation.measures import MEASURES
from emorec.export.card_tables import (
    by_speaker,
    class_table,
    confusion_table,
    results_table,
    trait_table,
)
from emorec.extractors.statistics import NOTE
from emorec.runs.directory import RunDirectory
from emorec.runs.results import Results

PAPER = "https://doi.org/10.3390/app10207239"
TRAITS = ("sex", "age")


def model_card(
    run: Path,
    *,
    name: str,
    others: Sequence[Path] = (),
    license_name: str = "",
    data_license: str = "",
) -> str:
    """Return a card in Markdown with the hub's metadata block.

    Args:
        run: Run directory of the model; the run must be finished.
        name: Name of the model.
        others: Further run directories of the same kind (other seeds or folds): results are given
            as mean and standard deviation over all of them.
        license_name: Licence of the model, by its identifier on the hub (``cc-by-nc-4.0``).
        data_license: Licence of the training data, in words.

    Raises:
        UserError: A run is not finished, or the others have other data or another protocol.
    """
    every = [_results(path) for path in (run, *others)]
    results = every[0]
    for path, other in zip(others, every[1:], strict=True):
        for key in ("data", "labels", "split", "within", "classes", "selected_on_test"):
            theirs, own = getattr(other, key), getattr(results, key)
            if theirs != own:
                raise UserError(
                    f"{path} has {key} {theirs!r}, but {run} has {own!r}: their results cannot be "
                    "averaged; name runs that differ only in seed or fold"
                )
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    predictions = pd.read_csv(run / "predictions.csv", dtype=str, keep_default_na=False)
    predictions = predictions[predictions["target"] != ""]
    fused = results.main
    (classes,) = results.classes.values()
    environment = jinja2.Environment(trim_blocks=False, undefined=jinja2.StrictUndefined)
    template = resources.files("emorec.export").joinpath("card.md").read_text("utf-8")
    text = environment.from_string(template).render(
        name=name,
        place=name,
        paper=PAPER,
        classes=classes,
        version=results.emorec,
        data=results.data,
        labels=results.labels,
        data_license=data_license,
        protocol=_protocol(results),
        clips=results.clips,
        labelled=results.labelled_training_clips,
        selected_on_test=results.selected_on_test,
        speakers={
            True: "**Test speakers are also in training**: expect lower accuracy on new people.",
            False: "No test speaker is in training or validation.",
            None: "The speakers are not known: test speakers may be in training.",
        }[results.speakers_shared],
        runs_note=_runs_note(len(every)),
        results=results_table(every),
        by_class=class_table(fused["recall"], predictions),
        by_speaker=by_speaker(predictions),
        by_trait=[trait_table(predictions, t) for t in TRAITS if t in predictions],
        confusion=confusion_table(fused["confusion"], classes),
        pictures=[path.name for path in pictures(run)],
        windows=_named(config["data"]["init_args"].get("windows")) or "30 random ones of 0.5 s",
        modalities=sorted(config["model"]["init_args"]["encoders"]),
        encoders=", ".join(
            f"{modality} {_named(value)}"
            for modality, value in sorted(config["model"]["init_args"]["encoders"].items())
        ),
        fusion=_named(config["model"]["init_args"]["fusion"]),
        objectives=", ".join(
            _named(value) for value in config["model"]["init_args"]["objectives"].values()
        ),
    )
    data = ModelCardData(
        license=license_name or None,
        library_name="emorec",
        tags=["emotion-recognition", "audio-visual", "pytorch", "lightning"],
        model_name=name,
        eval_results=[
            EvalResult(
                task_type="video-classification",
                task_name="Emotion recognition",
                dataset_type=results.data,
                dataset_name=f"{results.data} ({_protocol(results)})",
                metric_type=each.name,
                metric_value=round(fused[each.name], 4),
            )
            for each in MEASURES
            if fused.get(each.name) is not None
        ],
    )
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


def pictures(run: Path) -> list[Path]:
    """Return the figures of a run for its card; none shows a person."""
    names = ("confusion_matrix.png", "training_curves.png")
    return [run / name for name in names if (run / name).is_file()]


def _results(run: Path) -> Results:
    results = RunDirectory(run).results()
    if results is None:
        raise UserError(
            f"{run} is not a finished run (its metrics.json is missing or says so); repeat its fit "
            "command to finish it"
        )
    if not results.test:
        raise UserError(f"{run} was not tested; emorec test --run {run} tests it")
    return results


def _protocol(results: Results) -> str:
    fold = "" if results.fold is None else f", fold {results.fold} of {results.folds}"
    within = f"; inputs {NOTE}" if results.within == "speaker" else ""
    return f"{results.split}{fold}, seed {results.split_seed}{within}"


def _runs_note(count: int) -> str:
    if count == 1:
        return "One run: the spread over seeds or folds is **not known**."
    return (
        f"Mean ± standard deviation over {count} runs, of which this model is one. Their test sets "
        "may overlap."
    )


def _named(value: Any) -> str:
    """Return a class in a config and its main options: ``ImageEncoder (backbone resnet50)``."""
    if not isinstance(value, dict):
        return ""
    name = str(value["class_path"]).rpartition(".")[2]
    options = value.get("init_args") or {}
    kept = [
        f"{key} {options[key]}"
        for key in ("backbone", "count", "length", "hop", "layers", "weight")
        if key in options
    ]
    return f"{name} ({', '.join(kept)})" if kept else name
