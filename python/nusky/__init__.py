"""nusky: neutrino sky scans with spatial priors.

``import nusky as cy`` gives the names of csky's top level. Importing does nothing but define names: each is looked up
when it is first used (PEP 562), and heavy libraries are imported by the functions that need them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nusky import (
        analysis,
        conf,
        dists,
        executors,
        hyp,
        library,
        pixels,
        plotting,
        priors,
        releases,
        selections,
        sensitivity,
        store,
        trial,
    )
    from nusky.analysis import Analysis, get_analysis
    from nusky.batch import InterruptedBatch
    from nusky.conf import CONF, get_sky_scan_trial_runner, get_spatial_prior_trial_runner, get_trial_runner
    from nusky.dataset import Dataset
    from nusky.events import Events
    from nusky.fit import Fit
    from nusky.installation import show_config
    from nusky.localization import Localization
    from nusky.mapreader import read_sky_map
    from nusky.mapwriter import write_sky_map
    from nusky.pixels import PixelSet, select_pixels
    from nusky.point_source import TrialRunner
    from nusky.policy import PriorPolicy
    from nusky.prior_runner import SpatialPriorTrialRunner
    from nusky.priors import SpatialPrior
    from nusky.refinement import Refinement
    from nusky.scan import Status, scan_events
    from nusky.sky_scan import SkyScan
    from nusky.sky_scan_runner import SkyScanTrialRunner
    from nusky.source import Sources, sources
    from nusky.transient import TransientOptions
    from nusky.trial import SpatialPriorTrial, Trial
    from nusky.trial_set import TrialSet
    from nusky.window import TimeWindow

    __version__: str

# Name at the top → module that owns it. Submodules stand for themselves.
_NAMES = {
    "Analysis": "analysis",
    "CONF": "conf",
    "Dataset": "dataset",
    "Events": "events",
    "Fit": "fit",
    "InterruptedBatch": "batch",
    "Localization": "localization",
    "PixelSet": "pixels",
    "PriorPolicy": "policy",
    "Refinement": "refinement",
    "SkyScan": "sky_scan",
    "SkyScanTrialRunner": "sky_scan_runner",
    "Sources": "source",
    "SpatialPrior": "priors",
    "SpatialPriorTrial": "trial",
    "SpatialPriorTrialRunner": "prior_runner",
    "Status": "scan",
    "TimeWindow": "window",
    "TransientOptions": "transient",
    "Trial": "trial",
    "TrialSet": "trial_set",
    "TrialRunner": "point_source",
    "get_analysis": "analysis",
    "get_sky_scan_trial_runner": "conf",
    "get_spatial_prior_trial_runner": "conf",
    "get_trial_runner": "conf",
    "read_sky_map": "mapreader",
    "scan_events": "scan",
    "select_pixels": "pixels",
    "show_config": "installation",
    "sources": "source",
    "write_sky_map": "mapwriter",
}
_MODULES = (
    "analysis",
    "conf",
    "dists",
    "executors",
    "hyp",
    "library",
    "pixels",
    "plotting",
    "priors",
    "releases",
    "selections",
    "sensitivity",
    "store",
    "trial",
)

__all__ = [
    "CONF",
    "Analysis",
    "Dataset",
    "Events",
    "Fit",
    "InterruptedBatch",
    "Localization",
    "PixelSet",
    "PriorPolicy",
    "Refinement",
    "SkyScan",
    "SkyScanTrialRunner",
    "Sources",
    "SpatialPrior",
    "SpatialPriorTrial",
    "SpatialPriorTrialRunner",
    "Status",
    "TimeWindow",
    "TransientOptions",
    "Trial",
    "TrialRunner",
    "TrialSet",
    "analysis",
    "conf",
    "dists",
    "executors",
    "get_analysis",
    "get_sky_scan_trial_runner",
    "get_spatial_prior_trial_runner",
    "get_trial_runner",
    "hyp",
    "library",
    "pixels",
    "plotting",
    "priors",
    "read_sky_map",
    "releases",
    "scan_events",
    "select_pixels",
    "selections",
    "sensitivity",
    "show_config",
    "sources",
    "store",
    "trial",
    "write_sky_map",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"nusky.{name}")
    if name == "__version__":
        from nusky.version import code_version

        value: Any = code_version()
    elif name in _NAMES:
        value = getattr(import_module(f"nusky.{_NAMES[name]}"), name)
    else:
        raise AttributeError(f"module 'nusky' has no attribute {name!r}")
    globals()[name] = value  # so that the next use costs a dictionary look-up
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
