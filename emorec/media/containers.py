"""Opening media files: containers that hold their own sound and picture, and nothing else."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import av
import av.codec.codec
import av.error
from av.container import InputContainer

from emorec.errors import UserError

# FFmpeg's names. Playlists (HLS, DASH, concat, SDP, ...) are not among them: they make the reader
# open other files and addresses, which an upload must not choose.
CONTAINERS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "flv", "rm", "mxf", "nut", "nsv"),
    *("mpeg", "mpegts", "mpegvideo", "m4v", "h264", "hevc", "av1", "obu", "ivf", "vc1", "mjpeg"),
    *("ogg", "flac", "mp3", "aac", "ac3", "eac3", "dts", "truehd", "amr", "amrnb", "amrwb"),
    *("wav", "w64", "aiff", "au", "caf", "voc", "ape", "wv", "tta", "tak", "mpc", "mpc8", "iamf"),
    *("dv", "gxf", "wtv", "dhav", "gif", "yuv4mpegpipe"),
)

# Suffixes of files with sound or pictures; what they hold is found by opening them.
VIDEO_SUFFIXES = (
    ".mp4 .m4v .mov .qt .avi .divx .mkv .webm .flv .f4v .mpg .mpeg .m2v .mpv .vob .wmv .asf .3gp "
    ".3g2 .ogv .ogm .ts .mts .m2ts .mxf .rm .rmvb .dv .nut .ivf .obu .h264 .264 .hevc .265 .gif "
    ".y4m"
)
SOUND_SUFFIXES = (
    ".wav .flac .mp3 .mp2 .m4a .m4b .aac .ac3 .eac3 .dts .ogg .oga .opus .spx .aif .aiff .aifc .au "
    ".snd .w64 .wma .caf .mka .amr .voc .wv .ape .tta .tak .mpc"
)
MEDIA_SUFFIXES = frozenset(f"{VIDEO_SUFFIXES} {SOUND_SUFFIXES}".split())

# Streams without a container: their times are guessed from the first packet's rate, which may
# change, so samples are counted instead.
COUNTED = frozenset({"mp3", "aac", "ac3", "eac3", "dts", "truehd"})

FAR = 30.0  # seconds: if the first time wanted is later, decoding starts near it
BEFORE = 3.0  # seconds before it, so that the codec has settled


class MediaError(UserError):
    """A media file cannot be used; the message is ``brief (detail)``.

    Args:
        brief: Why, in words that all files with this problem share, so that they are counted
            together.
        detail: What is specific to this file, such as its path, a number or a library's error.

    Attributes:
        brief: As given.
        detail: As given.
    """

    def __init__(self, brief: str, detail: str = "") -> None:
        super().__init__(brief, detail)
        self.brief, self.detail = brief, detail

    def __str__(self) -> str:
        return f"{self.brief} ({self.detail})" if self.detail else self.brief


def open_container(path: Path) -> InputContainer:
    """Open a media file for reading.

    Args:
        path: A local file. Its name is never read as a URL.

    Raises:
        MediaError: Its container is unknown, or it is a playlist, which names other files.
        av.error.FFmpegError: It cannot be read.
    """
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path}", options=options)
    except av.error.ArgumentError as error:
        raise MediaError(
            "not a container with sound or picture of its own",
            "playlists are not read, and pictures only with a suffix such as .jpg or .png",
        ) from error


def read_comment(path: Path) -> str | None:
    """Return the comment in a file's metadata; None where there is none, or it cannot be read."""
    try:
        with open_container(path) as container:
            return container.metadata.get("comment")
    except (MediaError, av.error.FFmpegError, OSError):
        return None  # decoding it reports what is wrong


def decoders(names: Iterable[str]) -> list[str]:
    """Return those of some codecs, by FFmpeg's names, that can be decoded here."""
    found = []
    for name in names:
        with suppress(av.codec.codec.UnknownCodecError):
            found.append(av.codec.Codec(name, "r").name)
    return found
