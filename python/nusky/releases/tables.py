"""Tables of the public releases: clean events, effective areas, and binnings that suit rounded values."""

from __future__ import annotations

import pathlib
from collections import Counter

import numpy as np

from nusky.data.cleaning import OnBad, RawTable, clean
from nusky.data.dataset import SINDEC_BINS
from nusky.events import Events
from nusky.response import AreaTable
from nusky.typing import F64

__all__ = [
    "STAND_IN_NOTE",
    "area_table",
    "clean_events",
    "rounded_log10energy_bins",
    "snapped_sindec_bins",
]

# One sigma of 495.8 deg in the first-year release; the ten-year release is of the same sample.
KNOWN_DEFECTS = ("sigma",)

STAND_IN_NOTE = (
    "stand-in response: log10 E = 0.85 log10 E_true + 0.35 ± 0.35; sigma from the season's own events near that "
    "sin(dec) and log10 E; offsets drawn from sigma (this release has no energy and angular smearing)"
)


def clean_events(raw: RawTable, on_bad: OnBad | None, min_sigma: float) -> tuple[Events, Counter[str]]:
    """`clean` of a release's events: by default known defects are dropped and counted, anything else raises."""
    return clean(
        raw,
        "data",
        on_bad=on_bad or "raise",
        known_defects=() if on_bad == "raise" else KNOWN_DEFECTS,
        min_sigma=min_sigma,
    )


def _grid(path: pathlib.Path, low: F64, high: F64, what: str) -> F64:
    """Edges of contiguous bins given as (low, high) of every row."""
    edges = np.unique(np.concatenate([low, high]))
    bins = np.unique(np.column_stack([low, high]), axis=0)
    if len(bins) != len(edges) - 1 or not np.array_equal(bins[:, 0], edges[:-1]):
        raise ValueError(f"{path}: the {what} bins overlap or leave gaps")
    return edges


def area_table(path: pathlib.Path, energy: F64, sindec: F64, area: F64) -> AreaTable:
    """`AreaTable` from rows: energy (R, 2) GeV, sindec (R, 2), area (R,) cm²; every cell given exactly once."""
    energy_edges = _grid(path, energy[:, 0], energy[:, 1], "energy")
    sindec_edges = _grid(path, sindec[:, 0], sindec[:, 1], "declination")
    shape = (len(energy_edges) - 1, len(sindec_edges) - 1)
    index = np.searchsorted(energy_edges, energy[:, 0]) * shape[1] + np.searchsorted(sindec_edges, sindec[:, 0])
    if len(np.unique(index)) != shape[0] * shape[1] or len(index) != shape[0] * shape[1]:
        raise ValueError(f"{path}: {len(index)} rows do not fill the {shape[0]} x {shape[1]} cells exactly once")
    out = np.zeros(shape[0] * shape[1])
    out[index] = area
    try:
        return AreaTable(energy_edges, sindec_edges, out.reshape(shape))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def snapped_sindec_bins(step: float) -> F64:
    """`SINDEC_BINS` moved to half-steps of a declination rounded to `step` degrees.

    A bin then holds a whole number of the rounded values in proportion to its width; with edges elsewhere neighbouring
    bins would differ by one value in twenty, a 5 % ripple in the background.
    """
    degrees = np.degrees(np.arcsin(SINDEC_BINS[1:-1]))
    inner = (np.round(degrees / step - 0.5) + 0.5) * step
    return np.unique(np.concatenate([[-1.0], np.sin(np.radians(inner)), [1.0]]))


def rounded_log10energy_bins(step: float, width: float = 0.2) -> F64:
    """log10 E edges, 1 … 9.6, a whole number of rounding steps wide and half a step off the rounded values."""
    return np.asarray(1.0 - 0.5 * step + width * np.arange(round(8.6 / width) + 1))
