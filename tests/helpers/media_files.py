"""Real media files for tests, made with PyAV: numbered frames, sounds at known times."""

import shutil
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import skimage.data
import soundfile
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Samples = NDArray[np.float32]
BITS = 8
BLOCK = 1024  # samples a frame, as AAC has it


def bars(number: int, width: int = 160, height: int = 120) -> Image:
    """Draw a number from 0 to 255 as eight black or white bars, the highest bit on the left."""
    image = np.zeros((height, width, 3), np.uint8)
    for bit, columns in enumerate(np.array_split(np.arange(width), BITS)):
        image[:, columns] = 235 if number >> (BITS - 1 - bit) & 1 else 20
    return image


def read_bars(image: Image) -> int:
    """Return the number that :func:`bars` drew."""
    levels = [part.mean() for part in np.array_split(image.mean((0, 2)), BITS)]
    return sum(1 << (BITS - 1 - bit) for bit, level in enumerate(levels) if level > 128)


def portrait() -> Image:
    """Return a photograph of one face, 512 x 512, public domain (NASA); its nose is at 224, 115."""
    return np.asarray(skimage.data.astronaut(), np.uint8)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Picture:
    """A video stream: a frame at each of ``times`` (seconds), drawn by ``draw(number)``.

    ``aspect`` is the width of a pixel over its height.
    """

    times: Sequence[float]
    rate: int = 25
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    tick: Fraction = Fraction(1, 12000)
    draw: Callable[[int], Image] = bars
    is_cover: bool = False
    is_default: bool = False
    aspect: Fraction | None = None
    options: dict[str, str] = field(
        default_factory=lambda: {"preset": "ultrafast", "crf": "18", "threads": "1"}
    )


@dataclass(frozen=True)
class Sound:
    """An audio stream: float samples (channels, n) from ``start`` (seconds) on.

    Samples from ``gap[0]`` on are stamped ``gap[1]`` seconds later.
    """

    samples: Samples
    rate: int = 48000
    codec: str = "aac"
    start: float = 0.0
    gap: tuple[int, float] = (1 << 40, 0.0)
    is_default: bool = False


def times(count: int, rate: float = 25.0, start: float = 0.0) -> list[float]:
    """Return presentation times of a constant frame rate."""
    return [start + i / rate for i in range(count)]


def beep(rate: int, seconds: float, at: float, *, hertz: float = 1000.0) -> Samples:
    """Return one channel of silence with a beep of 0.05 s that starts at a time."""
    samples = np.zeros(round(seconds * rate), np.float32)
    first = round(at * rate)
    phase = np.arange(round(0.05 * rate)) / rate
    samples[first : first + len(phase)] = 0.5 * np.sin(2 * np.pi * hertz * phase)
    return samples


def tone(rate: int, seconds: float, hertz: float = 440.0, amplitude: float = 0.5) -> Samples:
    """Return one channel of a sine."""
    phase = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * phase)).astype(np.float32)


def delay(heard: Samples, wanted: Samples) -> int:
    """Return by how many samples the first lags behind the second, where they match best."""
    return int(np.argmax(np.correlate(heard, wanted, "full"))) - (len(wanted) - 1)


def write_media(path: Path, *parts: Picture | Sound | None) -> Path:
    """Write a container, by the name's suffix, with a stream a part, and return its path."""
    with av.open(str(path), "w") as container:
        # All streams have to be there before the first packet.
        streams: list[tuple[Any, Iterable[Any]]] = []
        for part in parts:
            if isinstance(part, Picture):
                streams.append((_add_video(container, part), _video_frames(part)))
            elif part is not None:
                audio = _add_audio(container, part)
                streams.append((audio, _audio_frames(part, audio)))
        for stream, frames in streams:
            for frame in frames:
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def _video_frames(picture: Picture) -> Iterator[av.VideoFrame]:
    for number, time in enumerate(picture.times):
        frame = av.VideoFrame.from_ndarray(picture.draw(number), format="rgb24")
        frame.time_base = picture.tick
        frame.pts = round(time / picture.tick)
        yield frame


def _add_video(container: OutputContainer, picture: Picture) -> av.VideoStream:
    stream = container.add_stream(picture.codec, rate=picture.rate, options=dict(picture.options))
    assert isinstance(stream, av.VideoStream)
    stream.height, stream.width = picture.draw(0).shape[:2]
    stream.pix_fmt = picture.pix_fmt
    stream.codec_context.time_base = picture.tick
    if picture.aspect:
        stream.codec_context.sample_aspect_ratio = picture.aspect
    if picture.is_cover:
        stream.disposition = Disposition.attached_pic
    elif picture.is_default:
        stream.disposition = Disposition.default
    return stream


def _add_audio(container: OutputContainer, sound: Sound) -> av.AudioStream:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(sound.samples)]
    stream = container.add_stream(sound.codec, rate=sound.rate, layout=layout)
    assert isinstance(stream, av.AudioStream)
    if sound.is_default:
        stream.disposition = Disposition.default
    return stream


def _audio_frames(sound: Sound, stream: av.AudioStream) -> list[av.AudioFrame]:
    to_format = av.AudioResampler(stream.format.name, stream.layout, sound.rate)
    frames = []
    length = sound.samples.shape[1]
    for at in range(0, length, BLOCK):
        part = np.ascontiguousarray(sound.samples[:, at : at + BLOCK])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=stream.layout.name)
        frame.sample_rate = sound.rate
        frame.time_base = Fraction(1, sound.rate)
        late = sound.gap[1] if at >= sound.gap[0] else 0.0
        frame.pts = at + round((sound.start + late) * sound.rate)
        frames += to_format.resample(frame)
    return frames


def write_sound(path: Path, samples: Samples, rate: int = 48000) -> Path:
    """Write a sound file of float samples (channels, n), 16 bit."""
    soundfile.write(str(path), samples.T, rate, subtype="PCM_16")
    return path


def truncated(path: Path, share: float) -> Path:
    """Copy the first part of a file's bytes beside it."""
    copy = path.with_name(f"cut_{path.name}")
    shutil.copyfile(path, copy)
    with copy.open("r+b") as file:
        file.truncate(round(path.stat().st_size * share))
    return copy


def spoiled(path: Path, start: float, end: float) -> Path:
    """Overwrite a part of a file's bytes with zeros; start and end are shares of its size."""
    data = bytearray(path.read_bytes())
    first, last = round(start * len(data)), round(end * len(data))
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    return path


def shown_by(path: Path, a: float, b: float, c: float, d: float) -> Path:
    """Write into an mp4's first track that x' = a x + c y and y' = b x + d y, with y down."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    # ISO 14496-12: in the file a b u c d v x y w.
    a, b, c, d = (round(value * (1 << 16)) for value in (a, b, c, d))
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def turn_clockwise(path: Path) -> Path:
    """Write into an mp4's first track that it is shown turned by 90 degrees clockwise."""
    return shown_by(path, 0, 1, -1, 0)


def joined(path: Path, *parts: Path) -> Path:
    """Write the bytes of files one after the other."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def hum(rate: int, seconds: float, seed: int = 0) -> Samples:
    """Return noise of 50 to 1000 Hz, the same at all rates; no two moments sound alike."""
    rng = np.random.default_rng(seed)
    bands = rng.standard_normal(round(1000 * seconds)) + 1j * rng.standard_normal(
        round(1000 * seconds)
    )
    bands[: round(50 * seconds)] = 0
    count = round(seconds * rate)
    spectrum = np.zeros(count // 2 + 1, np.complex128)
    spectrum[: len(bands)] = bands
    wave = np.fft.irfft(spectrum, count)
    return np.asarray(0.3 * wave / np.abs(wave).max(), np.float32)


def likeness(heard: Samples, wanted: Samples, late: int) -> float:
    """Return the correlation of two sounds, 0 to 1, where the first may be ``late`` samples off."""
    middle = wanted[late:-late]
    norm = np.sqrt(np.sum(np.square(middle, dtype=np.float64)))
    found = []
    for shift in range(2 * late):
        part = heard[shift : shift + len(middle)].astype(np.float64)
        found.append(float(part @ middle / max(norm * np.sqrt(part @ part), 1e-9)))
    return max(found)


def hide_start(path: Path, ticks: int, milliseconds: int) -> Path:
    """Make the edit list of an mp4's first track skip some ticks and show some milliseconds."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    _, start = struct.unpack_from(">Ii", data, at)
    struct.pack_into(">Ii", data, at, milliseconds, start + ticks)
    path.write_bytes(data)
    return path


def text_file(path: Path) -> Path:
    """Write text under the name of a media file."""
    path.write_text("This is no video.\n" * 200, encoding="utf-8")
    return path


def empty_file(path: Path) -> Path:
    """Write a file of no bytes."""
    path.touch()
    return path
