"""Where windows lie in a clip: the sampling protocol."""

from emorec.windows.base import GridWindows, RandomWindows, SlidingWindows, WholeClip, Windows
from emorec.windows.speech import SpeechWindows

__all__ = [
    "GridWindows",
    "RandomWindows",
    "SlidingWindows",
    "SpeechWindows",
    "WholeClip",
    "Windows",
]
