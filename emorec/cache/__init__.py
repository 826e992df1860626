"""Clips to cached segments; nothing here imports Lightning, so worker processes start fast."""

from emorec.cache.build import CacheSource, WorkPlan, build
from emorec.cache.entry import Entry, make_entry
from emorec.cache.report import write_report
from emorec.cache.store import SegmentCache, fingerprint

__all__ = [
    "CacheSource",
    "Entry",
    "SegmentCache",
    "WorkPlan",
    "build",
    "fingerprint",
    "make_entry",
    "write_report",
]
