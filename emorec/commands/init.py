"""``emorec init``: a project folder for one's own clips."""

import argparse
import csv
import io
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from emorec.commands.configs import copied
from emorec.commands.options import CommandParser
from emorec.data.guess import WORDS, Guess, classes_of, counted, guess
from emorec.data.manifest import BASIC
from emorec.errors import UserError
from emorec.media.containers import SOUND_SUFFIXES, VIDEO_SUFFIXES
from emorec.media.still import STILL_SUFFIXES
from emorec.system.files import check_writable, readable, seen_from, walk_files, write_text
from emorec.system.shipped import find

FEW_LABELS, MANY_UNLABELLED = 50, 200  # a class; in all
README = """# A project with emorec

`clips.csv` lists {count} files{where}. Labels and speakers in it are guesses from names: **look at
them before you trust a number**. An empty label marks an unlabelled clip; `group` is the speaker.

```sh
emorec verify --data configs/data/{name}.yaml          # damaged, silent, duplicated files
emorec fit --config configs/experiment/{name}.yaml --run runs/first
emorec baseline --data configs/data/{name}.yaml --run runs/floor     # what it has to beat
emorec predict runs/first/checkpoints/best.ckpt NEW_FILE --out predictions
```

The configs are copies of emorec's, to be changed. `emorec configs` lists all, `emorec doctor` says
what is installed.
"""


def main(argv: Sequence[str]) -> None:
    """Write the manifest, the configs and the README, and show what was guessed."""
    options = build_parser().parse_args(argv[1:])
    project: Path = options.project.expanduser()
    clips: Path = (options.clips or project).expanduser()
    check_writable(project, "PROJECT")
    manifest, notes = project / "clips.csv", project / "README.md"
    for path in (manifest, notes):
        if path.is_dir() or ((path.exists() or path.is_symlink()) and not options.overwrite):
            raise UserError(
                f"{path} exists; name another folder, or replace it with --overwrite, which keeps "
                f"it as {path.name}.bak"
            )
    if not clips.is_dir():
        raise UserError(f"{clips} is no folder; name the one with your clips with --clips")
    files, left_out = _takes(clips, project)
    if not files:
        why = "".join(f"; {reason}: {count}" for reason, count in left_out.items())
        raise UserError(
            f"no video, sound or picture in {clips}{why}; name the folder with your clips with "
            "--clips"
        )
    found = guess([PurePath(path.relative_to(clips)) for path in files])
    config = find(f"experiment/{_recipe(files, found)}")
    project.mkdir(parents=True, exist_ok=True)
    copies = copied(config, project, overwrite=options.overwrite)
    data = next(path for path in copies if path.parent.name == "data")
    classes = classes_of(found.labels, BASIC)
    if classes:
        text = data.read_text("utf-8")
        line = f"  classes: [{', '.join(map(_quoted, classes))}]\n"
        write_text(data, text.replace("init_args:\n", f"init_args:\n{line}", 1))
    for path in (manifest, notes):
        if path.is_file():  # it may have been corrected by hand
            path.replace(path.with_name(f"{path.name}.bak"))
    write_text(manifest, _table(files, found, project))
    where = "" if clips == project else f" of `{clips}`"
    write_text(notes, README.format(count=len(files), where=where, name=config.name))
    sys.stdout.write(_shown(manifest, files, found, left_out, clips))
    if found.corpus:
        sys.stdout.write(
            f"\nThe files are named as those of a corpus that emorec reads by itself, with its "
            f"labels and speakers:\n  emorec verify --data {found.corpus} --data.root "
            f"{shlex.quote(str(clips))}\n"
        )
    step = f"cd {shlex.quote(str(project))} && " if project.resolve() != Path.cwd() else ""
    when = "when clips.csv is right" if any(found.labels) else "when clips.csv has labels"
    sys.stdout.write(
        f"\nnext, {when}:\n  {step}emorec fit --config "
        f"configs/experiment/{config.name}.yaml --run runs/first\n"
    )


def _takes(clips: Path, project: Path) -> tuple[list[Path], dict[str, int]]:
    """Return the files to list; and reason -> how many are left out for it."""
    every = [path for path in walk_files(clips) if path.suffix.lower() in _suffixes()]
    videos = {path.with_suffix("") for path in every if _is(path, VIDEO_SUFFIXES.split())}
    kept, left_out = [], Counter[str]()
    for path in every:
        reason = _reason(path, videos, clips, project)
        if reason:
            left_out[reason] += 1
        else:
            kept.append(path)
    return kept, dict(left_out)


def _reason(path: Path, videos: set[Path], clips: Path, project: Path) -> str:
    """Return why a file is no clip of its own; empty: it is one."""
    written = [project / name for name in ("runs", "predictions", "configs")]
    if any(path.is_relative_to(own) and not clips.is_relative_to(own) for own in written):
        return "written by emorec"
    if path.name.startswith("."):  # such as those of macOS, ._clip.mp4
        return "hidden files"
    if not _is(path, VIDEO_SUFFIXES.split()) and path.with_suffix("") in videos:
        return "sound or picture beside a video of the same name"
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "names that are not UTF-8, to be renamed"
    return ""


def _suffixes() -> set[str]:
    return {*VIDEO_SUFFIXES.split(), *SOUND_SUFFIXES.split(), *STILL_SUFFIXES}


def _is(path: Path, suffixes: Sequence[str]) -> bool:
    return path.suffix.lower() in suffixes


def _recipe(files: Sequence[Path], found: Guess) -> str:
    """Return the experiment that fits the files."""
    if all(_is(path, SOUND_SUFFIXES.split()) for path in files):
        return "quick_audio"
    if all(_is(path, list(STILL_SUFFIXES)) for path in files):
        return "quick_video"
    labels = counted(found.labels)
    bare = len(files) - sum(labels.values())
    few = labels and max(labels.values()) < FEW_LABELS
    return "quick_unlabelled" if few and bare >= MANY_UNLABELLED else "quick"


def _table(files: Sequence[Path], found: Guess, project: Path) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    with_parts = any(found.parts)
    writer.writerow(["path", "label", "group", *(["split"] if with_parts else [])])
    rows = zip(files, found.labels, found.groups, found.parts, strict=True)
    for path, label, group, part in rows:
        shown = seen_from(path, project)
        writer.writerow([shown, label, group, *([part] if with_parts else [])])
    return text.getvalue()


def _shown(
    manifest: Path, files: Sequence[Path], found: Guess, left_out: dict[str, int], clips: Path
) -> str:
    labels, groups, parts = (counted(x) for x in (found.labels, found.groups, found.parts))
    lines = [f"{manifest}: {len(files)} files"]
    lines += [f"left out, {reason}: {count}" for reason, count in left_out.items()]
    if labels:
        lines.append(f"labels, guessed from {found.labels_from}: {_listed(labels)}")
    if labels and not set(labels) & set(WORDS):
        lines.append("  none of them is a word for an emotion: are they the classes?")
    bare = len(files) - sum(labels.values())
    if bare:
        lines.append(f"without a label: {bare}")
    if groups:
        first = ", ".join(list(groups)[:5]) + (", ..." if len(groups) > 5 else "")
        lines.append(f"speakers, guessed from {found.groups_from}: {len(groups)} ({first})")
    else:
        lines.append(
            "speakers: none found. Fill the column group, or the same people are in training and "
            "test, and numbers are too high"
        )
    if parts:
        lines.append(f"parts, from names of folders: {_listed(parts)}")
        if len(parts) < 3:
            lines.append("  not all of train, val and test: fit divides the clips itself")
    lines.append("for example:")
    step = max(1, len(files) // 5)
    for place in range(0, len(files), step)[:5]:
        name = readable(str(files[place].relative_to(clips)))
        label, group = found.labels[place] or "no label", found.groups[place] or "no speaker"
        lines.append(f"  {name}: {label}, {group}")
    return "\n".join(lines) + "\n"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = CommandParser(
        "emorec init",
        description="Make a project folder for your own clips: clips.csv, which lists the files "
        "with labels and speakers guessed from their names and folders; copies of the configs that "
        "fit them; and a README with the next commands. No clip is moved or changed.",
        epilog="example: emorec init my_study --clips path/to/videos",
    )
    parser.add_argument("project", type=Path, help="the folder to make")
    parser.add_argument(
        "--clips", type=Path, help="folder with the clips, and folders in it; else the project's"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace what is there; clips.csv and README.md are kept as .bak",
    )
    return parser
