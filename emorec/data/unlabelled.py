"""An unlabelled corpus beside a labelled one: clips that take part in training alone."""

from dataclasses import replace
from pathlib import Path

from emorec.extractors import Extractor
from emorec.types import Clip


def unlabelled_clips(manifest: Path, extractors: dict[str, Extractor]) -> list[Clip]:
    """Return the clips of a manifest, without labels, with paths that are good anywhere.

    Their ids and groups start with the manifest's name: no clip or person of the other set is
    taken for one of theirs.

    Args:
        manifest: As ``Manifest`` reads it; the column ``label`` is not needed and not looked at.
        extractors: Of the labelled set.

    Raises:
        DataError: The manifest is missing or not as expected.
    """
    from emorec.data.manifest import Manifest  # late: it builds on what builds on this

    source = Manifest(manifest, extractors)
    source.targets, source.continuous = {}, ()
    return [
        replace(
            clip,
            id=f"{source.manifest.stem}/{clip.id}",
            media=(source.root / clip.media).absolute(),
            labels={},
            group=f"{source.manifest.stem} {clip.group}" if clip.group else "",
            split="train",
            sidecars={name: (source.root / p).absolute() for name, p in clip.sidecars.items()},
        )
        for clip in source.clips()
    ]
