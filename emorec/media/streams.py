"""Which streams of a container are read: the ones players prefer that can be decoded."""

from pathlib import Path
from typing import Any

from av.stream import Disposition

from emorec.media.containers import open_container
from emorec.media.packets import PacketReader
from emorec.system.findings import Finding, FindingKind

KINDS = {"video": "picture", "audio": "sound"}
# A cover picture of a music file is a video stream of one frame; so are thumbnails.
NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails


def choose_streams(path: Path) -> tuple[dict[str, int], list[Finding]]:
    """Return the streams to read, ``video`` and ``audio`` -> index, and what is unusual.

    Of several streams of one kind, in FFmpeg's order of preference, the first is taken of which a
    frame can be decoded; if there is none, the first that has a decoder.

    Args:
        path: A file that can be opened.

    Raises:
        av.error.FFmpegError: It cannot be read.
    """
    chosen: dict[str, int] = {}
    findings = []
    with open_container(path) as container:
        ranked = {kind: _ranked(container, kind) for kind in KINDS}
    for kind, streams in ranked.items():
        known = [index for index, codec in streams if codec]
        if not streams:
            continue
        if not known:
            findings.append(Finding(FindingKind.UNKNOWN_CODEC, KINDS[kind]))
            continue
        first = known[0] if len(known) == 1 else _first_decoded(path, known)
        chosen[kind] = known[0] if first is None else first
        if kind == "audio" and len(known) > 1:
            tracks = Finding(FindingKind.SEVERAL_TRACKS, kind, chosen[kind], len(known))
            findings.append(tracks)
        passed = [codec or "unknown" for index, codec in streams if index != chosen[kind]]
        if streams[0][0] != chosen[kind] and first is not None:
            at = [index for index, _ in streams].index(chosen[kind])
            codecs = f"{streams[at][1]} instead of {passed[0]}"
            passed_over = FindingKind.TRACK_PASSED_OVER
            findings.append(Finding(passed_over, kind, chosen[kind], detail=codecs))
    return chosen, findings


def _ranked(container: Any, kind: str) -> list[tuple[int, str]]:
    """Return (index, codec or empty) of the streams of a kind, in order of preference."""
    best = container.streams.best(kind)

    def rank(stream: Any) -> tuple[bool, bool, int, int]:
        codec = stream.codec_context
        return (
            best is None or stream.index != best.index,
            not stream.disposition & Disposition.default,
            -(codec.bit_rate or 0) if codec else 0,
            stream.index,
        )

    streams = container.streams.video if kind == "video" else container.streams.audio
    shown = sorted((s for s in streams if not s.disposition & NO_VIDEO), key=rank)
    return [(s.index, s.codec_context.name if s.codec_context else "") for s in shown]


def _first_decoded(path: Path, ranked: list[int]) -> int | None:
    """Return the first of several streams of which a frame can be decoded, or None."""
    decoded: set[int] = set()
    reader = PacketReader()
    with open_container(path) as container:
        for packet in reader.packets(container, *(container.streams[index] for index in ranked)):
            if packet.stream.index not in decoded and reader.decode(packet):
                decoded.add(packet.stream.index)
            if ranked[0] in decoded:
                break
    return next((index for index in ranked if index in decoded), None)
