"""The trial runners: make trials, fit them, turn counts into fluxes."""

from __future__ import annotations

from nusky.runners.fitter_args import NOT_NEEDED as FITTER_NOT_NEEDED
from nusky.runners.hypothesis import HypothesisRunner
from nusky.runners.point_source import TrialRunner
from nusky.runners.sky_scan import SkyScanTrialRunner
from nusky.runners.spatial_prior import SpatialPriorTrialRunner
from nusky.runners.stacking import StackingTrialRunner

__all__ = [
    "FITTER_NOT_NEEDED",
    "HypothesisRunner",
    "SkyScanTrialRunner",
    "SpatialPriorTrialRunner",
    "StackingTrialRunner",
    "TrialRunner",
]
