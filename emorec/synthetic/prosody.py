"""What a voice does: how each emotion changes pitch, loudness, rate and timbre."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Prosody:
    """How an emotion changes the voice, as differences from the neutral voice.

    Attributes:
        pitch: Mean f0, semitones.
        span: Pitch accents of single syllables, semitones.
        slope: Rise of f0 from the first to the last syllable, semitones.
        loud: Energy, dB.
        rate: Syllables per second, octaves.
        bright: Cut-off of the glottal spectrum, octaves.
        breath: Share of noise in the source, 0..1.
        tremor: Depth of the 7 Hz tremor, 0..1.
        rough: Depth of the irregular pulses of a creaky or harsh voice, 0..1.
    """

    pitch: float = 0.0
    span: float = 0.0
    slope: float = 0.0
    loud: float = 0.0
    rate: float = 0.0
    bright: float = 0.0
    breath: float = 0.0
    tremor: float = 0.0
    rough: float = 0.0

    def scaled(self, strength: float) -> Prosody:
        """Return the same change, `strength` times as large."""
        return Prosody(*(strength * float(getattr(self, field.name)) for field in fields(self)))


# Directions as in Scherer's reviews of vocal affect; sizes tuned by ear and by a linear probe.
EMOTION_PROSODY = {
    "anger": Prosody(pitch=3, span=1.5, slope=-1, loud=5, rate=0.2, bright=0.9, rough=0.45),
    "disgust": Prosody(pitch=-2, span=0.5, slope=-3, loud=-1, rate=-0.35, bright=-0.2, rough=0.75),
    "fear": Prosody(pitch=5, slope=1, loud=-2, rate=0.45, bright=0.2, breath=0.35, tremor=0.9),
    "happiness": Prosody(pitch=4, span=3.5, slope=1, loud=3, rate=0.15, bright=0.5),
    "sadness": Prosody(pitch=-2, span=-1, slope=-1, loud=-6, rate=-0.45, bright=-0.8, breath=0.4),
    "surprise": Prosody(pitch=6, span=1, slope=8, loud=1.5, rate=-0.1, bright=0.3, breath=0.1),
    "neutral": Prosody(),
}
