"""The trial runners: make trials, fit them, turn counts into fluxes."""

from __future__ import annotations

from nusky.runners.fitter_args import NOT_NEEDED as FITTER_NOT_NEEDED
from nusky.runners.fitter_args import check_ts_min, fitting, whole
from nusky.runners.injectors import SeasonSignal
from nusky.runners.known_background import KnownBackground, KnownBackgroundRunner
from nusky.runners.making import Background, Made
from nusky.runners.many_fits import FitsMany
from nusky.runners.map_runner import MapRunner
from nusky.runners.point_source import TrialRunner, check_sources
from nusky.runners.runner import Runner
from nusky.runners.sky_scan import SkyScanTrialRunner
from nusky.runners.spatial_prior import SpatialPriorTrialRunner

__all__ = [
    "FITTER_NOT_NEEDED",
    "Background",
    "FitsMany",
    "KnownBackground",
    "KnownBackgroundRunner",
    "Made",
    "MapRunner",
    "Runner",
    "SeasonSignal",
    "SkyScanTrialRunner",
    "SpatialPriorTrialRunner",
    "TrialRunner",
    "check_sources",
    "check_ts_min",
    "fitting",
    "whole",
]
