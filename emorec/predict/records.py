"""What ``emorec predict`` writes for one file: its record, table, figures and video."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from emorec.figures.plots import save_figure
from emorec.predict.annotate import annotate
from emorec.predict.inputs import Input
from emorec.predict.landmarks import landmark_table, search_of, write_landmarks
from emorec.predict.output import Output
from emorec.predict.prediction import TracePrediction
from emorec.predict.predictor import Predictor
from emorec.predict.recording import open_recording
from emorec.system.files import write_text
from emorec.system.progress import progress

RecordMaker = Callable[[Input, Output, argparse.Namespace], dict[str, Any]]
"""Makes the record of a file or clip and writes its other output, by the command's options."""


def prediction_record(predictor: Predictor) -> RecordMaker:
    """Return a maker of the record of a prediction, its figure and, for a trace, its table."""

    def make(one: Input, output: Output, options: argparse.Namespace) -> dict[str, Any]:
        with _windows_bar(one) as step:
            prediction = predictor.predict(one.named, step)
        kind, files = "timeline", []
        record = prediction.to_dict()
        if isinstance(prediction, TracePrediction):
            kind, table = "trace", output.name_for(one, "_trace.csv")
            write_text(output.folder / table, prediction.to_frame().to_csv(index=False))
            record |= {"trace": table}
            files.append(table)
        files += _landmarks(predictor, one, output, options, record)
        if options.pictures:
            from emorec.predict.pictures import prediction_figure

            name = output.name_for(one, f"_{kind}.png")
            save_figure(prediction_figure(prediction), output.folder / name)
            record |= {"picture": name}
            files.append(name)
        return {**record, "files": files}

    return make


def timeline_record(predictor: Predictor) -> RecordMaker:
    """Return a maker of the record of a timeline, its table, figures and video."""

    def make(one: Input, output: Output, options: argparse.Namespace) -> dict[str, Any]:
        with _windows_bar(one) as step:
            timeline = predictor.timeline(one.named, options.hop, step)
        table = output.name_for(one, "_timeline.csv")
        write_text(output.folder / table, timeline.to_frame().to_csv(index=False))
        record = {**timeline.to_dict(), "timeline": table, "files": [table]}
        record["files"] += _landmarks(predictor, one, output, options, record)
        if options.pictures:
            from emorec.predict.pictures import timeline_figures

            for person, figure in timeline_figures(timeline):
                who = "" if person is None else f"_person{person}"
                picture = output.name_for(one, f"{who}_timeline.png")
                save_figure(figure, output.folder / picture)
                record["files"].append(picture)
        if options.video and not timeline.seen:
            record["warnings"].append("no annotated video: the file has no picture")
        elif options.video and one.clip and one.clip.span:
            record["warnings"].append("no annotated video: the clip is a part of a file")
        elif options.video:
            video = output.name_for(one, "_annotated.mp4")
            annotate(timeline, output.folder / video, landmarks=options.landmarks)
            record |= {"video": video}
            record["files"].append(video)
        return record

    return make


def _landmarks(
    predictor: Predictor,
    one: Input,
    output: Output,
    options: argparse.Namespace,
    record: dict[str, Any],
) -> list[str]:
    """Write the points of faces where they are asked for; return the names of the files."""
    if not options.landmarks:
        return []
    recording = open_recording(one.named, predictor.shown)
    if recording.media.video is None:
        record["warnings"].append("no landmarks: the file has no picture")
        return []
    with _windows_bar(one) as step:
        table = landmark_table(
            recording.media, search_of(predictor.shown), predictor.device, progress=step
        )
    names = []
    for ending in (".csv", ".parquet") if "parquet" in options.format else (".csv",):
        names.append(output.name_for(one, f"_landmarks{ending}"))
        write_landmarks(table, output.folder / names[-1])
    record |= {"landmarks": names[0]}
    return names


def in_words(record: dict[str, Any]) -> str:
    """Return a record in a few words, for the terminal."""
    if "dimensions" in record:
        return ", ".join(
            f"{name} {one['mean']:.2f} ({one['minimum']:.2f} to {one['maximum']:.2f})"
            if one["mean"] is not None
            else f"{name}: no value is known"
            for name, one in record["dimensions"].items()
        )
    words = []
    for part in record.get("persons", [record]):
        share = part["probabilities"][part["label"]]
        who = f"person {part['person']} " if part.get("person") else ""
        words.append(f"{who}{part['label']} {share:.0%}")
    return ", ".join(words)


@contextmanager
def _windows_bar(one: Input) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar over the windows of a recording."""
    with progress(total=0, unit="window", desc=one.stem, leave=False) as bar:

        def step(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield step
