"""The signal that a fraction of trials would find: sensitivities, discovery potentials, limits, p over the sky."""

from __future__ import annotations

from nusky.sensitivity.belt import ConfidenceBelt, confidence_belt
from nusky.sensitivity.curve import SensitivityCurve, sensitivity_curve
from nusky.sensitivity.declinations import DeclinationTSDs, InterruptedTSDs, declination_tsds
from nusky.sensitivity.differential import DifferentialSensitivity, differential_sensitivity
from nusky.sensitivity.efficiency import EfficiencyCurve, fit_efficiency
from nusky.sensitivity.energies import central_energy_range
from nusky.sensitivity.goodness import GoodnessOfFit, goodness_of_fit
from nusky.sensitivity.limits import discovery_potential, find_n_sig, sensitivity, upper_limit
from nusky.sensitivity.pool import InterruptedSearch, LostSearch
from nusky.sensitivity.post_trial import REGIONS, HottestSpot, hottest_spots
from nusky.sensitivity.result import NSigResult
from nusky.sensitivity.search import NSigOptions

__all__ = [
    "REGIONS",
    "ConfidenceBelt",
    "DeclinationTSDs",
    "DifferentialSensitivity",
    "EfficiencyCurve",
    "GoodnessOfFit",
    "HottestSpot",
    "InterruptedSearch",
    "InterruptedTSDs",
    "LostSearch",
    "NSigOptions",
    "NSigResult",
    "SensitivityCurve",
    "central_energy_range",
    "confidence_belt",
    "declination_tsds",
    "differential_sensitivity",
    "discovery_potential",
    "find_n_sig",
    "fit_efficiency",
    "goodness_of_fit",
    "hottest_spots",
    "sensitivity",
    "sensitivity_curve",
    "upper_limit",
]
