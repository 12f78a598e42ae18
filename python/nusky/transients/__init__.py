"""What a time window means for the seasons: uptime, expected background, acceptance."""

from __future__ import annotations

from nusky.transients.flare import GAUSS_REACH, BoxMode, FlareOptions, FlareShape, box_edges, box_t0
from nusky.transients.light_curve import CurveWindow, LightCurve
from nusky.transients.on_time import OnTime, TransientOptions
from nusky.transients.own_windows import OnTimes, has_uptime
from nusky.transients.signal_times import SignalTimes, SignalWindow
from nusky.transients.sources_times import SignalTimesOfSources
from nusky.transients.uptime import season_uptime, time_resolution

__all__ = [
    "GAUSS_REACH",
    "BoxMode",
    "CurveWindow",
    "FlareOptions",
    "FlareShape",
    "LightCurve",
    "OnTime",
    "OnTimes",
    "SignalTimes",
    "SignalTimesOfSources",
    "SignalWindow",
    "TransientOptions",
    "box_edges",
    "box_t0",
    "has_uptime",
    "season_uptime",
    "time_resolution",
]
