"""One pseudo-experiment and what comes out of it: events, fits, scans."""

from __future__ import annotations

from nusky.trial.fit import PER_PRIOR_DTYPE, Fit, result_columns
from nusky.trial.sky_scan import SkyScan
from nusky.trial.status import Status
from nusky.trial.trial import Scramble, SpatialPriorTrial, Trial, as_trial
from nusky.trial.trial_set import TrialSet, require_pandas

__all__ = [
    "PER_PRIOR_DTYPE",
    "Fit",
    "Scramble",
    "SkyScan",
    "SpatialPriorTrial",
    "Status",
    "Trial",
    "TrialSet",
    "as_trial",
    "require_pandas",
    "result_columns",
]
