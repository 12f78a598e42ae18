"""The public first year of IC86 (2011–12)."""

from __future__ import annotations

import pathlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.data.cleaning import MIN_SIGMA, OnBad, RawTable, count_duplicates, in_time_order, summary_lines
from nusky.data.dataset import Dataset, silent
from nusky.events import Events
from nusky.files import as_path
from nusky.files.hashing import content_hash
from nusky.releases.tables import (
    STAND_IN_NOTE,
    area_table,
    clean_events,
    rounded_log10energy_bins,
    snapped_sindec_bins,
)
from nusky.releases.text import read_columns
from nusky.response import StandInResponse, simulate_from_tables
from nusky.sphere.rotation import separation
from nusky.typing import F64

__all__ = [
    "FIRST_YEAR_FILES",
    "FIRST_YEAR_KEY",
    "FIRST_YEAR_VERSION",
    "first_year_fingerprint",
    "is_first_year",
    "read_ic86_first_year",
]

Log = Callable[[str], None]

FIRST_YEAR_VERSION = "ic86-first-year"
FIRST_YEAR_KEY = "IC86_2011"
FIRST_YEAR_FILES = ("upgoing_events.txt", "downgoing_events.txt", "TabulatedAeff.txt", "AngRes.txt")
#: Days. The files do not say it; the release's own description does.
FIRST_YEAR_LIVETIME = 332.61

_AREA_COLUMNS = {
    "energy_min": ("E_min[GeV]",),
    "energy_max": ("E_max[GeV]",),
    "cos_min": ("cos(zenith)_min",),
    "cos_max": ("cos(zenith)_max",),
    "area": ("Aeff[m^2]",),
}


def is_first_year(path: pathlib.Path) -> bool:
    """Whether a folder holds the first-year IC86 release (any of its particular files)."""
    return any((path / name).is_file() for name in FIRST_YEAR_FILES)


def _existing(path: pathlib.Path, names: tuple[str, ...]) -> list[pathlib.Path]:
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{path}: the release lacks {', '.join(missing)}; put the file(s) there")
    return [path / name for name in names]


def first_year_fingerprint(path: pathlib.Path, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA) -> str:
    """Fingerprint `read_ic86_first_year` would give, without reading more than the bytes."""
    return content_hash([FIRST_YEAR_VERSION, on_bad, min_sigma], _existing(path, FIRST_YEAR_FILES))


def read_ic86_first_year(
    path: str | pathlib.Path, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA, log: Log = silent
) -> Dataset:
    """The public first year of IC86 (2011–12): up- and downgoing events, `TabulatedAeff.txt`, `AngRes.txt`.

    Parameters
    ----------
    path : path
        Folder of the four files.
    on_bad : {"raise", "drop"}, optional
        Impossible rows; by default the known defect (one σ of 495.8°) is dropped and reported, anything else raises.
    min_sigma : float
        Floor of σ, rad (default 0.2°).
    log : callable
        Gets a line for each file read.

    Returns
    -------
    Dataset
        Key ``IC86_2011``. Times are whole days, there is no good-run list, declinations and energies are rounded to
        0.1; the simulated set is made by `simulate_from_tables` with the stand-in response, and the notes set its
        angular resolution beside `AngRes.txt`.

    Raises
    ------
    FileNotFoundError, ValueError

    Examples
    --------
    >>> from nusky.releases import read_ic86_first_year
    >>> season = read_ic86_first_year("../shared/data/icecube_ic86_2011")    # doctest: +SKIP
    >>> len(season.data)                                                     # doctest: +SKIP
    138321
    """
    folder = as_path(path)
    up, down, areas, resolution = _existing(folder, FIRST_YEAR_FILES)
    spelled = {"mjd": "MJD", "log10energy": "log10(E)", "sigma": "ang_err", "ra": "RA", "dec": "Dec"}
    degree = float(np.pi / 180.0)
    parts, counts = [], Counter[str]()
    for file in (up, down):
        columns: dict[str, NDArray[Any]] = {**read_columns(file, {k: (v,) for k, v in spelled.items()}, log)}
        columns |= {name: np.radians(columns[name]) for name in ("sigma", "ra", "dec")}
        raw = RawTable(str(file), columns, spelled, {"sigma": degree, "ra": degree, "dec": degree})
        part, found = clean_events(raw, on_bad, min_sigma)
        part, late = in_time_order(part)
        parts.append(part)
        counts += found + Counter({"rows out of time order, sorted": late})
    data, _ = in_time_order(Events.concatenate(parts))
    counts["exact duplicates, kept"] += count_duplicates(data)

    rows = read_columns(areas, _AREA_COLUMNS, log)
    # At the Pole δ = zenith − 90°, so sin δ = −cos(zenith) and the edges change places. m² → cm².
    energy = np.column_stack([rows["energy_min"], rows["energy_max"]])
    sindec = -np.column_stack([rows["cos_max"], rows["cos_min"]]) + 0.0
    table = area_table(areas, energy, sindec, rows["area"] * 1e4)
    columns = read_columns(resolution, {"median": ("AngRes",), "centre": ("log10(E)",)}, log)
    median = np.column_stack([columns["median"], columns["centre"]])
    sim = simulate_from_tables(table, StandInResponse(data, rounding=0.1), min_sigma=min_sigma)
    return Dataset(
        key=FIRST_YEAR_KEY,
        version=FIRST_YEAR_VERSION,
        data=data,
        sim=sim,
        grl=None,
        livetime=FIRST_YEAR_LIVETIME,
        sindec_bins=snapped_sindec_bins(0.1),
        log10energy_bins=rounded_log10energy_bins(0.1),
        notes=(
            *summary_lines("data", counts),
            "times are whole days (MJD) and there is no good-run list: not for windows below some days",
            STAND_IN_NOTE,
            _resolution_note(sim, median),
        ),
        fingerprint=first_year_fingerprint(folder, on_bad=on_bad, min_sigma=min_sigma),
    )


def _resolution_note(sim: Events, median: F64) -> str:
    """One line that sets the simulated set's median offset (E^-2 weights) beside the release's."""
    psi = separation(sim.ra, sim.dec, sim.true_ra, sim.true_dec)
    log_energy = np.log10(sim.true_energy)
    parts = []
    for published, centre in median:
        near = np.abs(log_energy - centre) < 0.5
        if near.any():
            order = np.argsort(psi[near])
            weight = np.cumsum((sim.oneweight[near] * sim.true_energy[near] ** -2.0)[order])
            value = np.degrees(psi[near][order][np.searchsorted(weight, 0.5 * weight[-1])])
            parts.append(f"{value:.2f} ({published:.2g}) at {centre:.3g}")
    return "median angular offset of the simulated set (AngRes.txt) in deg at log10 E_true: " + ", ".join(parts)
