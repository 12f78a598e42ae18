"""One pseudo-experiment and what comes out of it: events, fits, scans."""

from __future__ import annotations

from nusky.trial.fit import PER_PRIOR_DTYPE, Fit, result_columns
from nusky.trial.sky_scan import SkyScan
from nusky.trial.sky_scanner import SkyScanner
from nusky.trial.status import Status
from nusky.trial.trial import Scramble, SpatialPriorTrial, Trial, as_trial
from nusky.trial.trial_set import TrialSet

__all__ = [
    "PER_PRIOR_DTYPE",
    "Fit",
    "Scramble",
    "SkyScan",
    "SkyScanner",
    "SpatialPriorTrial",
    "Status",
    "Trial",
    "TrialSet",
    "as_trial",
    "result_columns",
]
