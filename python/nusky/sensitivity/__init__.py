"""The signal that a fraction of trials would find: sensitivities, discovery potentials, limits, p over the sky."""

from __future__ import annotations

from nusky.sensitivity.declinations import DeclinationTSDs, InterruptedTSDs, declination_tsds
from nusky.sensitivity.efficiency import EfficiencyCurve, fit_efficiency
from nusky.sensitivity.energies import central_energy_range
from nusky.sensitivity.limits import discovery_potential, find_n_sig, sensitivity, upper_limit
from nusky.sensitivity.pool import InterruptedSearch, LostSearch
from nusky.sensitivity.post_trial import REGIONS, HottestSpot, hottest_spots
from nusky.sensitivity.result import NSigResult
from nusky.sensitivity.search import NSigOptions

__all__ = [
    "REGIONS",
    "DeclinationTSDs",
    "EfficiencyCurve",
    "HottestSpot",
    "InterruptedSearch",
    "InterruptedTSDs",
    "LostSearch",
    "NSigOptions",
    "NSigResult",
    "central_energy_range",
    "declination_tsds",
    "discovery_potential",
    "find_n_sig",
    "fit_efficiency",
    "hottest_spots",
    "sensitivity",
    "upper_limit",
]
