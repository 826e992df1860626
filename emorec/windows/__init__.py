"""Where windows lie in a clip: the protocol of sampling, whatever is cached."""

from emorec.windows.base import GridWindows, RandomWindows, SlidingWindows, Windows
from emorec.windows.speech import SpeechWindows
from emorec.windows.whole_clip import WholeClip

__all__ = [
    "GridWindows",
    "RandomWindows",
    "SlidingWindows",
    "SpeechWindows",
    "WholeClip",
    "Windows",
]
