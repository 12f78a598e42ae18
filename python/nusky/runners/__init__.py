"""The trial runners: make trials, fit them, turn counts into fluxes."""

from __future__ import annotations

from nusky.runners.point_source import TrialRunner
from nusky.runners.sky_scan import SkyScanTrialRunner
from nusky.runners.spatial_prior import SpatialPriorTrialRunner

__all__ = ["SkyScanTrialRunner", "SpatialPriorTrialRunner", "TrialRunner"]
