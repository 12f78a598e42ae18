"""csky's `trial`: what its scripts take from there beside a trial itself; ``cy.trial.<name>`` finds it."""

from __future__ import annotations

from nusky.catalogs import MultiTrialRunner
from nusky.conf import get_sky_scan_trial_runner, get_spatial_prior_trial_runner, get_trial_runner
from nusky.runners import SkyScanTrialRunner, SpatialPriorTrialRunner, TrialRunner

__all__ = [
    "MultiTrialRunner",
    "SkyScanTrialRunner",
    "SpatialPriorTrialRunner",
    "TrialRunner",
    "get_sky_scan_trial_runner",
    "get_spatial_prior_trial_runner",
    "get_trial_runner",
]
