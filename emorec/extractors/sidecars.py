"""The sidecar files of a clip: where they are, and whether they have changed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from emorec.extractors import CLIP_TEXT, Extractor
from emorec.media import Media, MediaError, probe
from emorec.system.files import digest, digest_as_it_is
from emorec.types import Clip


def with_whole_paths(clip: Clip, root: Path) -> Clip:
    """Return the clip with absolute paths.

    Args:
        clip: The clip.
        root: Folder that its paths are relative to.
    """
    places = {name: (root / path).absolute() for name, path in clip.sidecars.items()}
    media = None if clip.media is None else (root / clip.media).absolute()
    return replace(clip, media=media, sidecars=places)


def open_media(clip: Clip, extractors: Mapping[str, Extractor]) -> Media:
    """Return a clip's media file, cut to its span.

    For a clip without one it is a file without sound and picture, as long as the longest file that
    its extractors read.

    Args:
        clip: The clip, with absolute paths.
        extractors: Modality -> extractor.

    Raises:
        MediaError: It cannot be read, or ends before the clip begins.
    """
    if clip.media is not None:
        media = probe(clip.media)
    elif not clip.sidecars:
        raise MediaError("the clip has neither a media file nor a sidecar")
    else:
        own = [probe(clip.sidecars[n]) for n, e in extractors.items() if has_own_media(clip, n, e)]
        lengths = [each.duration for each in own]
        lengths += [e.seconds(clip) or 0.0 for e in extractors.values()]
        media = Media(clip.file, 0.0, max(lengths, default=0.0), None, None)
    return media.part(*clip.span) if clip.span else media


def has_own_media(clip: Clip, modality: str, extractor: Extractor) -> bool:
    """Return whether a modality has a media file of its own.

    That is a sidecar file with the modality's name which the extractor does not read itself: AVEC
    and RECOLA have sound and picture in separate files.
    """
    return modality in clip.sidecars and modality not in extractor.reads


def own_media(clip: Clip, modality: str) -> Media:
    """Return the modality's own media file, cut to the clip's span.

    Its first sample or frame is assumed to be at the origin of the clip's main file.

    Raises:
        MediaError: It is missing, cannot be read, or ends before the clip begins.
    """
    path = clip.sidecars[modality]
    try:
        media = probe(path)
        return media.part(*clip.span) if clip.span else media
    except MediaError as error:
        detail = f"{path.name}: {error.detail}" if error.detail else path.name
        raise MediaError(f"the file of {modality}: {error.brief}", detail) from error


def sidecar_digests(clip: Clip, root: Path, extractors: Mapping[str, Extractor]) -> dict[str, str]:
    """Return the blake2b digests, 32 hex digits, of what extractors read besides the media file.

    Args:
        clip: The clip.
        root: Folder that its paths are relative to.
        extractors: Modality -> extractor; files that none of them reads are ignored, so that an
            annotation can be edited without making the cache stale.

    Returns:
        Name of the sidecar -> digest of its content, where the file exists; and ``clip.text`` ->
        digest of the clip's own text, if an extractor reads it and it is not empty.
    """
    names = {name for extractor in extractors.values() for name in extractor.reads}
    names |= {name for name, e in extractors.items() if has_own_media(clip, name, e)}
    found = {}
    for name in sorted(names & set(clip.sidecars)):
        path = root / clip.sidecars[name]
        try:
            stat = path.stat()
            found[name] = digest_as_it_is(path, stat.st_size, stat.st_mtime_ns)
        except OSError:  # missing or unreadable: its reader reports that
            continue
    if CLIP_TEXT in names and clip.text:
        found[CLIP_TEXT] = digest(clip.text, 16).hex()
    return found
