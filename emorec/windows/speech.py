"""Windows only where somebody speaks."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from typing_extensions import override

from emorec.errors import UserError
from emorec.media import Media, read_blocks
from emorec.system.findings import Finding, FindingKind
from emorec.types import Array, Window
from emorec.windows.base import RandomWindows

RATE = 16000  # Hz, what the detector was trained on
BLOCK = 60 * RATE  # samples analysed at once, so that memory does not grow with the length


class SpeechWindows(RandomWindows):
    """Random windows whose middle lies in speech.

    AVEF (Information Fusion 46, 2019, 184-192) uses only speech in this way.

    Speech is found by Silero VAD (https://github.com/snakers4/silero-vad, MIT), which ships
    its model: ``pip install "emorec[speech]"``. If a clip has no speech, or no sound, its windows
    are drawn from the whole clip, and the report says so.

    Sound in a separate file next to a silent video is not searched.

    Args:
        count: Windows per clip.
        length: Seconds.
        seed: Another seed draws other windows.
        threshold: Least probability of speech, 0 to 1.

    Raises:
        UserError: silero-vad is not installed.
    """

    def __init__(
        self, count: int = 30, length: float = 0.5, seed: int = 0, threshold: float = 0.5
    ) -> None:
        super().__init__(count, length, seed)
        if find_spec("silero_vad") is None:
            raise UserError('SpeechWindows needs silero-vad: pip install "emorec[speech]"')
        self.threshold = threshold
        self._model: Any = None

    @override
    def cut(self, clip_id: str, media: Media) -> tuple[list[Window], list[Finding]]:
        if media.audio is None:
            no_sound = Finding(FindingKind.NO_SOUND_FOR_SPEECH, "sound")
            return self(clip_id, media.duration), [no_sound]
        last = max(0.0, media.duration - self.length)
        spans = [
            (min(max(start - self.length / 2, 0.0), last), min(end - self.length / 2, last))
            for start, end in self.speech(media)
            if end > self.length / 2 and start < media.duration
        ]
        spans = [(start, end) for start, end in spans if end >= start]
        if not spans:
            return self(clip_id, media.duration), [Finding(FindingKind.NO_SPEECH, "sound")]
        return self.draw(clip_id, spans), []

    def speech(self, media: Media) -> Iterator[tuple[float, float]]:
        """Yield (start, end) of speech, in seconds from the clip's origin, in order."""
        held: list[Array] = []
        end = 0
        for at, block in read_blocks(media, RATE):
            held.append(block)
            end = at + len(block)
            if sum(map(len, held)) >= BLOCK:
                yield from self._detect(np.concatenate(held), end)
                held = []
        if held:
            yield from self._detect(np.concatenate(held), end)

    def _detect(self, samples: Array, end: int) -> Iterator[tuple[float, float]]:
        """Yield (start, end) of speech, in seconds; ``end`` is the index after the last sample."""
        from silero_vad import get_speech_timestamps, load_silero_vad

        self._model = self._model or load_silero_vad()
        begin = end - len(samples)
        for part in get_speech_timestamps(
            torch.from_numpy(samples),
            self._model,
            threshold=self.threshold,
            sampling_rate=RATE,
        ):
            yield (begin + part["start"]) / RATE, (begin + part["end"]) / RATE

    def __getstate__(self) -> dict[str, Any]:
        """Drop the model: each worker process loads its own."""
        return self.__dict__ | {"_model": None}
