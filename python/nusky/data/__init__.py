"""One season as read and cleaned: events, simulation, good runs, and which files make it."""

from __future__ import annotations

from nusky.data.cleaning import (
    MIN_SIGMA,
    OnBad,
    RawTable,
    check_min_sigma,
    clean,
    count_duplicates,
    in_time_order,
    summary_lines,
)
from nusky.data.dataset import LOG10ENERGY_BINS, SINDEC_BINS, Dataset, silent
from nusky.data.good_runs import LAST_MJD, clean_good_runs, count_outside
from nusky.data.plausible import check_units
from nusky.data.specs import GROUPS as SPEC_GROUPS
from nusky.data.specs import CustomDataSpec, CustomDataSpecs, DataSpec, PSDataSpecs, SpecGroup
from nusky.data.uptime import Uptime

__all__ = [
    "LAST_MJD",
    "LOG10ENERGY_BINS",
    "MIN_SIGMA",
    "SINDEC_BINS",
    "SPEC_GROUPS",
    "CustomDataSpec",
    "CustomDataSpecs",
    "DataSpec",
    "Dataset",
    "OnBad",
    "PSDataSpecs",
    "RawTable",
    "SpecGroup",
    "Uptime",
    "check_min_sigma",
    "check_units",
    "clean",
    "clean_good_runs",
    "count_duplicates",
    "count_outside",
    "in_time_order",
    "silent",
    "summary_lines",
]
