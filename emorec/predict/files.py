"""Files one after the other: predicted, drawn, listed; a bad one does not end it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from emorec.cache.entry import LIMIT, LIMIT_PER_SECOND, digest_file
from emorec.errors import UserError
from emorec.files import write_text
from emorec.media import MediaError, probe
from emorec.predict.annotate import annotate
from emorec.predict.inputs import find_files
from emorec.predict.output import Output
from emorec.predict.predictor import Predictor
from emorec.progress import progress
from emorec.workers import TimeLimitError, time_limit


def predict_files(options: argparse.Namespace) -> None:
    """Write a line and a picture a file; the options are those of ``emorec predict``.

    Raises:
        UserError: There is no file, or none could be used.
    """
    files = find_files(options.files, sys.stdin if "-" in options.files else ())
    if not files:
        raise UserError("no media file in what was named")
    predictor = Predictor.from_checkpoint(
        options.checkpoint, options.device, options.batch_size, trust=options.trust
    )
    timeline = options.timeline or options.video
    made_by = {
        "model": digest_file(options.checkpoint),
        "timeline": options.hop if timeline else None,
        "video": options.video,
        "pictures": options.pictures,
    }
    output = Output(options.out, made_by, overwrite=options.overwrite)
    failed = before = 0
    for file in progress(files, unit="file", desc="predict"):
        if output.done(file) is not None:
            before += 1
            continue
        try:
            with time_limit(LIMIT):
                duration = probe(file).duration
            with time_limit(LIMIT + LIMIT_PER_SECOND * duration):
                record = (_timeline if timeline else _clip)(predictor, file, output, options)
        except (Exception, TimeLimitError) as error:  # one bad file never ends a list of them
            failed += 1
            reason = _reason(error)
            output.add(file, {"error": reason})
            tqdm.write(f"{file}: skipped, {reason}", file=sys.stderr)
            continue
        output.add(file, record)
        notes = f"  [{'; '.join(record['warnings'])}]" if record["warnings"] else ""
        tqdm.write(f"{file}: {_said(record)}{notes}", file=sys.stdout)
    tables = output.tables(options.format)
    known = f", {before} of them before" if before else ""
    sys.stdout.write(
        f"{len(files) - failed} of {len(files)} files predicted{known}, {failed} skipped; "
        f"{', '.join(map(str, [output.file, *tables]))}"
        f"{' and a timeline picture each' if options.pictures else ''}\n"
    )
    if failed == len(files):
        raise UserError("no file could be used")


def _clip(
    predictor: Predictor, file: Path, output: Output, options: argparse.Namespace
) -> dict[str, Any]:
    """Return the record of a clip's vote, its picture drawn."""
    prediction = predictor.predict(file)
    record = {**prediction.to_dict(), "files": []}
    if options.pictures:
        from emorec.predict.pictures import prediction_figure

        name = output.name_for(file, "_timeline.png")
        prediction_figure(prediction).savefig(output.folder / name)
        record |= {"picture": name, "files": [name]}
    return record


def _timeline(
    predictor: Predictor, file: Path, output: Output, options: argparse.Namespace
) -> dict[str, Any]:
    """Return the record of a recording, its table, pictures and video written."""
    with progress(total=0, unit="window", desc=file.name, leave=False) as bar:

        def step(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        timeline = predictor.timeline(file, options.hop, step)
    table = output.name_for(file, "_timeline.csv")
    write_text(output.folder / table, timeline.to_frame().to_csv(index=False))
    record = {**timeline.to_dict(), "timeline": table, "files": [table]}
    if options.pictures:
        from emorec.predict.pictures import timeline_figures

        for person, figure in timeline_figures(timeline):
            who = "" if person is None else f"_person{person}"
            picture = output.name_for(file, f"{who}_timeline.png")
            figure.savefig(output.folder / picture)
            record["files"].append(picture)
    if options.video and not timeline.seen:
        record["warnings"].append("no picture: no annotated video")
    elif options.video:
        video = output.name_for(file, "_annotated.mp4")
        annotate(timeline, output.folder / video)
        record |= {"video": video}
        record["files"].append(video)
    return record


def _said(record: dict[str, Any]) -> str:
    parts = record.get("persons", [record])
    words = []
    for part in parts:
        share = part["probabilities"][part["label"]]
        who = f"person {part['person']} " if part.get("person") else ""
        words.append(f"{who}{part['label']} {share:.0%}")
    return ", ".join(words)


def _reason(error: BaseException) -> str:
    if isinstance(error, MediaError):
        return str(error)
    if isinstance(error, TimeLimitError):
        return "took too long (damaged, or the machine is too slow for it)"
    return f"unexpected {type(error).__name__}: {error}"
