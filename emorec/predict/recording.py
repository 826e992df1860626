"""A recording opened for prediction: the file that each modality is read from."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from emorec.extractors import Extractor
from emorec.extractors.sidecars import has_own_media, open_media, own_media, with_whole_paths
from emorec.media import Media, MediaError, probe
from emorec.system.findings import Finding, all_in_words
from emorec.types import Clip


class Recording(NamedTuple):
    """A recording, or the part of one that is a clip.

    Attributes:
        file: The file, as the user named it.
        clip: The clip that extractors receive, with absolute paths.
        media: The clip's part of the file.
        own: Modality -> its own file, if it has one.
        title: Its name in figures.
    """

    file: Path
    clip: Clip
    media: Media
    own: dict[str, Media]
    title: str

    @property
    def findings(self) -> list[Finding]:
        """What is unusual about its files, each finding once."""
        files = (self.media, *self.own.values())
        return list(dict.fromkeys(found for one in files for found in one.findings))

    def of(self, modality: str) -> Media:
        """Return the file that a modality is read from."""
        return self.own.get(modality, self.media)


def open_recording(named: str | Path | Clip, extractors: Mapping[str, Extractor]) -> Recording:
    """Open a recording as preprocessing does.

    Args:
        named: A file, or a clip with its span, sidecar files and text; its id determines the
            windows. The id of a file is its name without the extension.
        extractors: Modality -> extractor.

    Raises:
        MediaError: A file cannot be read, or ends before the clip begins.
    """
    if not isinstance(named, Clip):
        file = Path(named)
        return Recording(file, Clip(file.stem, file.resolve()), probe(file), {}, file.name)
    clip = with_whole_paths(named, Path())
    media = open_media(clip, extractors)
    own = {
        name: own_media(clip, name)
        for name, e in extractors.items()
        if has_own_media(clip, name, e)
    }
    return Recording(clip.file, clip, media, own, clip.id)


def nothing_usable(findings: Iterable[Finding]) -> MediaError:
    """Return the error for a recording without a usable window."""
    return MediaError("nothing usable in any window", all_in_words(findings))
