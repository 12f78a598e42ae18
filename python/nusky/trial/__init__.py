"""One pseudo-experiment and what comes out of it: events, fits, scans."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nusky.trial.fit import PER_PRIOR_DTYPE, Fit, result_columns
from nusky.trial.paired_fit import PairedFit
from nusky.trial.sky_scan import SkyScan
from nusky.trial.sky_scanner import SkyScanner
from nusky.trial.status import Status
from nusky.trial.trial import Scramble, SpatialPriorTrial, Trial, as_trial
from nusky.trial.trial_set import TrialSet

__all__ = [
    "PER_PRIOR_DTYPE",
    "Fit",
    "PairedFit",
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


def __getattr__(name: str) -> Any:
    # csky has its runners in a module of this name, too: they are in the place of its small names
    if not name.startswith("_"):
        csky = import_module("nusky.csky.trial")
        if name in csky.__all__:
            return getattr(csky, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
