"""Clips to cached segments; nothing here imports Lightning, so worker processes start fast."""

from emorec.cache.build import Source, Work, build
from emorec.cache.entry import Entry, make_entry
from emorec.cache.report import write_report
from emorec.cache.speech import SpeechWindows
from emorec.cache.store import SegmentCache, fingerprint
from emorec.cache.whole_clip import WholeClip
from emorec.cache.windows import GridWindows, RandomWindows, SlidingWindows, Windows

__all__ = [
    "Entry",
    "GridWindows",
    "RandomWindows",
    "SegmentCache",
    "SlidingWindows",
    "Source",
    "SpeechWindows",
    "WholeClip",
    "Windows",
    "Work",
    "build",
    "fingerprint",
    "make_entry",
    "write_report",
]
