"""Where and when a source is: positions with their fields, and time windows."""

from __future__ import annotations

from nusky.source.positions import MAX_EXTENSION, Sources, check_distinct, sources
from nusky.source.table import read_sources
from nusky.source.window import TimeWindow
from nusky.source.windows import TimeWindows

__all__ = ["MAX_EXTENSION", "Sources", "TimeWindow", "TimeWindows", "check_distinct", "read_sources", "sources"]
