"""nusky: neutrino sky scans with spatial priors.

``import nusky as cy`` gives the names of csky's top level. Importing does nothing but define names: each is looked up
when it is first used (PEP 562), and heavy libraries are imported by the functions that need them. `__init__.pyi` says
the same to type checkers.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

# Name at the top → package that owns it.
_NAMES = {
    "Analysis": "analysis",
    "Arrays": "arrays",
    "CONF": "conf",
    "Dataset": "data",
    "Events": "events",
    "Fit": "trial",
    "InterruptedBatch": "executors",
    "Localization": "hotspots",
    "PixelSet": "pixels",
    "PriorPolicy": "priors",
    "Refinement": "pixels",
    "SkyScan": "trial",
    "SkyScanTrialRunner": "runners",
    "Sources": "source",
    "SpatialPrior": "priors",
    "SpatialPriorTrial": "trial",
    "SpatialPriorTrialRunner": "runners",
    "Status": "trial",
    "TimeWindow": "source",
    "TransientOptions": "transients",
    "Trial": "trial",
    "TrialRunner": "runners",
    "TrialSet": "trial",
    "describe": "csky",
    "follow_up": "followup",
    "get_analysis": "analysis",
    "get_sky_scan_trial_runner": "conf",
    "get_multiflare_trial_runner": "conf",
    "get_source_list_trial_runner": "conf",
    "get_spatial_prior_trial_runner": "conf",
    "get_trial_runner": "conf",
    "read_sky_map": "maps",
    "read_sources": "source",
    "scan_events": "likelihood",
    "select_pixels": "pixels",
    "sensitivity_curve": "conf",
    "show_config": "installation",
    "sources": "source",
    "write_sky_map": "maps",
}
# Packages that stand for themselves.
_PACKAGES = (
    "analysis",
    "conf",
    "csky",
    "dists",
    "executors",
    "followup",
    "hyp",
    "maps",
    "notices",
    "pixels",
    "plotting",
    "priors",
    "releases",
    "selections",
    "sensitivity",
    "store",
    "trial",
)

# csky's modules of small names; `from nusky.inj import RARandomizer` finds them, too.
_CSKY = ("bk", "coord", "inj", "inspect", "ipyconfig", "llh", "pdf", "seeding", "timing", "utils")


class _Forward(ModuleType):
    """A module of csky under nusky's own name: what it has is looked up when it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(f"nusky.csky.{self.__name__.rpartition('.')[2]}"), name)


for _name in _CSKY:
    sys.modules.setdefault(f"nusky.{_name}", _Forward(f"nusky.{_name}"))

__all__ = sorted([*_NAMES, *_PACKAGES, *_CSKY])


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"nusky.{name}")
    if name in _CSKY:
        return import_module(f"nusky.csky.{name}")
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
