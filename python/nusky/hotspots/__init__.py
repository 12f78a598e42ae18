"""From fits of pixels to the hottest spot, its refinement and its position."""

from __future__ import annotations

from nusky.hotspots.calibration import RegionCalibration, calibrate_regions
from nusky.hotspots.finder import SpotFinder
from nusky.hotspots.hottest import best_of_map, best_of_trials, check_p_of_ts, embed_scan, mlog10, scan_pixels
from nusky.hotspots.localization import Localization, localize
from nusky.hotspots.terms import PriorTerms

__all__ = [
    "Localization",
    "PriorTerms",
    "RegionCalibration",
    "SpotFinder",
    "best_of_map",
    "best_of_trials",
    "calibrate_regions",
    "check_p_of_ts",
    "embed_scan",
    "localize",
    "mlog10",
    "scan_pixels",
]
