"""Prediction of a list of files, one after the other; a bad file does not stop it."""

import argparse
import io
import sys
from collections import Counter

from tqdm import tqdm

from emorec.cache.entry import LIMIT, LIMIT_PER_SECOND
from emorec.errors import UserError
from emorec.media import MediaError, probe
from emorec.predict.ensemble import load_predictor
from emorec.predict.inputs import find_inputs
from emorec.predict.output import Output
from emorec.predict.predictor import Predictor
from emorec.predict.records import (
    RecordMaker,
    in_words,
    prediction_record,
    timeline_record,
)
from emorec.predict.speakers import fingerprint, speaker_of, statistics_of
from emorec.system.files import check_writable, digest_file
from emorec.system.progress import progress
from emorec.system.workers import TimeLimitError, time_limit
from emorec.types import Values


def predict_files(options: argparse.Namespace) -> None:
    """Write a record and a picture for each file, or each clip of a manifest.

    Args:
        options: The options of ``emorec predict``.

    Raises:
        UserError: No file was found or none could be used, a manifest is not as expected, or an
            option does not suit the model.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # file names can hold any bytes
    listed = sys.stdin if "-" in options.files else ()
    left_out = Counter[str]()
    inputs = find_inputs(options.files, listed, options.root, left_out)
    if left_out:
        kinds = ", ".join(f"{count} {kind}" for kind, count in left_out.most_common())
        sys.stderr.write(f"{left_out.total()} files in folders skipped: {kinds}\n")
    if not inputs:
        raise UserError("no media file found; name files, folders, patterns or a manifest")
    if options.hop <= 0:
        raise UserError(f"--hop is {options.hop:g}; expected seconds, above 0")
    check_writable(options.out, "--out")
    predictor = load_predictor(
        options.checkpoint, options.device, options.batch_size, trust=options.trust
    )
    make, picture = _maker(predictor, options)
    made_by = {
        "model": digest_file(options.checkpoint),
        "timeline": options.hop if options.timeline or options.video else None,
        "video": options.video,
        **({"landmarks": True} if options.landmarks else {}),
        "pictures": options.pictures,
    }
    output = Output(options.out, made_by, overwrite=options.overwrite)
    speakers = statistics_of(
        predictor, inputs, options.out, named=options.speaker, file=options.speakers
    )
    digests = {name: fingerprint(each) for name, each in speakers.items()}
    output.depends = lambda one: [digests.get(speaker_of(one, options.speaker), "")]
    failed = already_done = 0
    for one in progress(inputs, unit="file", desc="predict"):
        if output.done(one) is not None:
            already_done += 1
            continue
        predictor.for_speaker(speakers.get(speaker_of(one, options.speaker)))
        try:
            with time_limit(LIMIT):
                duration = probe(one.file).duration
            with time_limit(LIMIT + LIMIT_PER_SECOND * duration):
                record = make(one, output, options)
            line = in_words(record)
        except (Exception, TimeLimitError) as error:  # one bad file must not stop the others
            failed += 1
            reason = _reason(error)
            output.add(one, {"error": reason})
            tqdm.write(f"{one}: skipped, {reason}", file=sys.stderr)
            continue
        output.add(one, record)
        notes = f"  [{'; '.join(record['warnings'])}]" if record["warnings"] else ""
        tqdm.write(f"{one}: {line}{notes}", file=sys.stdout)
    tables = output.tables(options.format)
    earlier = f", {already_done} of them before" if already_done else ""
    sys.stdout.write(
        f"{len(inputs) - failed} of {len(inputs)} files predicted{earlier}, {failed} skipped; "
        f"{', '.join(map(str, [output.file, *tables]))}"
        f"{f' and a {picture} picture each' if options.pictures and failed < len(inputs) else ''}\n"
    )
    if failed == len(inputs):
        raise UserError("no file could be used")


def _maker(predictor: Predictor, options: argparse.Namespace) -> tuple[RecordMaker, str]:
    """Return the function that makes the record of a file, and what its picture shows."""
    asked = [name for name in ("timeline", "video") if getattr(options, name)]
    target = predictor.target
    if not isinstance(target, Values):
        return (timeline_record if asked else prediction_record)(predictor), "timeline"
    if asked:
        raise UserError(
            f"{options.checkpoint} predicts values over time: its trace, a value every "
            f"{target.step:g} s, is the timeline already; leave out "
            f"{' and '.join(f'--{name}' for name in asked)}"
        )
    return prediction_record(predictor), "trace"


def _reason(error: BaseException) -> str:
    if isinstance(error, MediaError):
        return str(error)
    if isinstance(error, TimeLimitError):
        return "took too long (the file is damaged, or the machine is too slow for it)"
    return f"unexpected {type(error).__name__}: {error}"
