"""csky's factories and `CONF`: they fill in arguments; nothing below reads a global."""

from __future__ import annotations

from nusky.conf.curves import sensitivity_curve
from nusky.conf.factories import (
    CONF,
    get_sky_scan_trial_runner,
    get_spatial_prior_trial_runner,
    get_trial_runner,
)
from nusky.conf.markers import CustomFluxEnergyPDFRatioModel, DecRandomizer, RARandomizer, UTFSeeder
from nusky.conf.multiflare import get_multiflare_trial_runner
from nusky.conf.source_list import get_source_list_trial_runner

__all__ = [
    "CONF",
    "CustomFluxEnergyPDFRatioModel",
    "DecRandomizer",
    "RARandomizer",
    "UTFSeeder",
    "get_multiflare_trial_runner",
    "get_sky_scan_trial_runner",
    "get_source_list_trial_runner",
    "get_spatial_prior_trial_runner",
    "get_trial_runner",
    "sensitivity_curve",
]
