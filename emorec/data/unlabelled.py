"""An unlabelled corpus beside a labelled one: clips that take part in training alone."""

from dataclasses import replace
from pathlib import Path

from emorec.data.manifest_rows import read_clips
from emorec.types import Clip


def unlabelled_clips(manifest: Path) -> list[Clip]:
    """Return the clips of a manifest, without labels, with paths that are good anywhere.

    Their ids and groups start with the manifest's name: no clip or person of the other set is
    taken for one of theirs.

    Args:
        manifest: As ``Manifest`` reads it; the columns of labels are neither needed nor looked at.

    Raises:
        DataError: The manifest is missing or not as expected.
    """
    file = Path(manifest).expanduser()
    return [
        replace(
            clip,
            id=f"{file.stem}/{clip.id}",
            group=f"{file.stem} {clip.group}" if clip.group else "",
            split="train",
        )
        for clip in read_clips(file)
    ]
