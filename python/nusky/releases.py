"""Parsers of IceCube's public point-source releases."""

from __future__ import annotations

import pathlib
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cleaning import MIN_SIGMA, OnBad, RawTable, clean, count_duplicates, in_time_order, summary_lines
from .dataset import SINDEC_BINS, Dataset, content_hash
from .events import Events
from .goodruns import clean_good_runs, count_outside
from .response import AreaTable, Response, SmearingResponse, StandInResponse, separation, simulate_from_tables

__all__ = [
    "FIRST_YEAR_KEY",
    "FIRST_YEAR_VERSION",
    "TEN_YEAR_STEMS",
    "TEN_YEAR_VERSION",
    "first_year_fingerprint",
    "is_first_year",
    "is_ten_year",
    "read_ic86_first_year",
    "read_ten_year",
    "ten_year_fingerprint",
    "ten_year_seasons",
]

F64 = NDArray[np.float64]
Log = Callable[[str], None]

FIRST_YEAR_VERSION = "ic86-first-year"
FIRST_YEAR_KEY = "IC86_2011"
FIRST_YEAR_FILES = ("upgoing_events.txt", "downgoing_events.txt", "TabulatedAeff.txt", "AngRes.txt")
#: The files do not say it; the release's own description does.
FIRST_YEAR_LIVETIME = 332.61

TEN_YEAR_VERSION = "ps-10yr"
#: csky-style key of every season and its file stem in the ten-year release.
TEN_YEAR_STEMS = {
    "IC40": "IC40",
    "IC59": "IC59",
    "IC79": "IC79",
    "IC86_2011": "IC86_I",
    "IC86_2012": "IC86_II",
    "IC86_2013": "IC86_III",
    "IC86_2014": "IC86_IV",
    "IC86_2015": "IC86_V",
    "IC86_2016": "IC86_VI",
    "IC86_2017": "IC86_VII",
}

STAND_IN_NOTE = (
    "stand-in response: log10 E = 0.85 log10 E_true + 0.35 ± 0.35; sigma from the season's own events near that "
    "sin(dec) and log10 E; offsets drawn from sigma (this release has no energy and angular smearing)"
)

# sigma > 180 deg in one row of the first-year release; nothing else in it is impossible.
_KNOWN_DEFECTS = ("sigma",)


def _silent(_: str) -> None:
    return None


def _table(path: pathlib.Path, names: tuple[str, ...], log: Log) -> F64:
    """(rows, len(names)) numbers of a text table, blank- or comma-separated, with or without a header line."""
    log(f"Reading {path} ...")
    with path.open(encoding="utf-8") as stream:
        first = stream.readline()
    cells = first.replace(",", " ").split()
    header = 0
    try:
        [float(cell) for cell in cells]
    except ValueError:
        header = 1
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input contained no data.*", category=UserWarning)
            table = np.loadtxt(path, skiprows=header, delimiter="," if "," in first and not header else None, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path}: not a table of numbers: {error}") from None
    if table.size == 0:
        raise ValueError(f"{path}: the table has no rows")
    if table.shape[1] != len(names):
        raise ValueError(f"{path}: {table.shape[1]} columns where {len(names)} are expected: {', '.join(names)}")
    return np.asarray(table, dtype=np.float64)


def _grid(path: pathlib.Path, low: F64, high: F64, what: str) -> F64:
    """Edges of contiguous bins given as (low, high) of every row."""
    edges = np.unique(np.concatenate([low, high]))
    bins = np.unique(np.column_stack([low, high]), axis=0)
    if len(bins) != len(edges) - 1 or not np.array_equal(bins[:, 0], edges[:-1]):
        raise ValueError(f"{path}: the {what} bins overlap or leave gaps")
    return edges


def _area(path: pathlib.Path, energy: F64, sindec: F64, area: F64) -> AreaTable:
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
    return np.asarray(1.0 - 0.5 * step + width * np.arange(44))


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
    path: str | pathlib.Path, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA, log: Log = _silent
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
    folder = pathlib.Path(path)
    up, down, areas, resolution = _existing(folder, FIRST_YEAR_FILES)
    spelled = {"mjd": "MJD", "log10energy": "log10(E)", "sigma": "ang_err", "ra": "RA", "dec": "Dec"}
    degree = float(np.pi / 180.0)
    parts, counts = [], Counter[str]()
    for file in (up, down):
        rows = _table(file, ("MJD", "log10(E)", "ang_err", "RA", "Dec"), log)
        columns: dict[str, NDArray[Any]] = {
            "mjd": rows[:, 0],
            "log10energy": rows[:, 1],
            "sigma": np.radians(rows[:, 2]),
            "ra": np.radians(rows[:, 3]),
            "dec": np.radians(rows[:, 4]),
        }
        raw = RawTable(str(file), columns, spelled, {"sigma": degree, "ra": degree, "dec": degree})
        part, found = clean(
            raw,
            "data",
            on_bad=on_bad or "raise",
            known_defects=() if on_bad == "raise" else _KNOWN_DEFECTS,
            min_sigma=min_sigma,
        )
        part, late = in_time_order(part)
        parts.append(part)
        counts += found + Counter({"rows out of time order, sorted": late})
    data, _ = in_time_order(Events.concatenate(parts))
    counts["exact duplicates, kept"] += count_duplicates(data)

    rows = _table(areas, ("E_min", "E_max", "cos(zenith)_min", "cos(zenith)_max", "Aeff"), log)
    # At the Pole δ = zenith − 90°, so sin δ = −cos(zenith) and the edges change places. m² → cm².
    table = _area(areas, rows[:, :2], -rows[:, 3:1:-1] + 0.0, rows[:, 4] * 1e4)
    median = _table(resolution, ("AngRes", "log10(E)"), log)
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


@dataclass(frozen=True)
class TenYearFiles:
    """The files of one season of the ten-year release; `smearing` is None where that file is not at hand."""

    events: pathlib.Path
    uptime: pathlib.Path
    area: pathlib.Path
    smearing: pathlib.Path | None

    @classmethod
    def of(cls, folder: pathlib.Path, key: str) -> TenYearFiles:
        """Files of season `key`, whether they exist or not."""
        if key not in TEN_YEAR_STEMS:
            raise KeyError(f"season {key!r} is not in the ten-year release; it has {', '.join(TEN_YEAR_STEMS)}")
        stem = TEN_YEAR_STEMS[key]
        # The selection did not change after 2012: IC86-II's response serves all later seasons (release notes).
        response = "IC86_II" if key >= "IC86_2012" else stem
        smearing = folder / "irfs" / f"{response}_smearing.csv"
        return cls(
            folder / "events" / f"{stem}_exp.csv",
            folder / "uptime" / f"{stem}_exp.csv",
            folder / "irfs" / f"{response}_effectiveArea.csv",
            smearing if smearing.is_file() else None,
        )

    @property
    def missing(self) -> list[pathlib.Path]:
        """The needed files that are not there."""
        return [path for path in (self.events, self.uptime, self.area) if not path.is_file()]

    @property
    def all(self) -> list[pathlib.Path]:
        """All files that are read."""
        return [self.events, self.uptime, self.area] + ([self.smearing] if self.smearing else [])


def is_ten_year(path: pathlib.Path) -> bool:
    """Whether a folder has the layout of the ten-year release."""
    return (path / "events").is_dir() and (path / "irfs").is_dir()


def ten_year_seasons(path: pathlib.Path) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Seasons that can be read, and for those with some but not all files what is missing."""
    ready, partial = [], {}
    for key in TEN_YEAR_STEMS:
        files = TenYearFiles.of(path, key)
        if not files.missing:
            ready.append(key)
        elif files.events.is_file() or files.uptime.is_file():
            partial[key] = tuple(str(file.relative_to(path)) for file in files.missing)
    return tuple(ready), partial


def _complete(folder: pathlib.Path, key: str) -> TenYearFiles:
    files = TenYearFiles.of(folder, key)
    if files.missing:
        raise FileNotFoundError(
            f"season {key}: missing {', '.join(str(path) for path in files.missing)}; "
            f"readable seasons of this release: {', '.join(ten_year_seasons(folder)[0]) or 'none'}"
        )
    return files


def ten_year_fingerprint(
    path: pathlib.Path, key: str, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
) -> str:
    """Fingerprint `read_ten_year` would give, without reading more than the bytes."""
    return content_hash([TEN_YEAR_VERSION, key, on_bad, min_sigma], _complete(path, key).all)


def read_ten_year(
    path: str | pathlib.Path,
    key: str,
    *,
    on_bad: OnBad | None = None,
    min_sigma: float = MIN_SIGMA,
    log: Log = _silent,
) -> Dataset:
    """One season of the public ten-year point-source release (2008–2018, doi:10.21234/CPKQ-K003).

    Parameters
    ----------
    path : path
        Folder with `events/`, `uptime/` and `irfs/`.
    key : str
        ``IC40``, ``IC59``, ``IC79``, ``IC86_2011`` … ``IC86_2017``.
    on_bad, min_sigma, log
        See `read_ic86_first_year`.

    Returns
    -------
    Dataset
        The livetime is the sum of the uptime. Where `irfs/*_smearing.csv` is at hand it gives the response, otherwise
        the stand-in does and the notes say so.

    Raises
    ------
    KeyError, FileNotFoundError, ValueError

    Examples
    --------
    >>> from nusky.releases import read_ten_year
    >>> read_ten_year("../shared/data/icecube_ps10_subset", "IC40").livetime     # doctest: +SKIP
    376.3603109101532
    """
    folder = pathlib.Path(path)
    files = _complete(folder, key)
    names = ("MJD[days]", "log10(E/GeV)", "AngErr[deg]", "RA[deg]", "Dec[deg]", "Azimuth[deg]", "Zenith[deg]")
    ours = ("mjd", "log10energy", "sigma", "ra", "dec", "azimuth", "zenith")
    rows = _table(files.events, names, log)
    degree = float(np.pi / 180.0)
    scale = dict.fromkeys(("sigma", "ra", "dec", "azimuth", "zenith"), degree)
    raw = RawTable(
        str(files.events),
        {name: rows[:, k] * scale.get(name, 1.0) for k, name in enumerate(ours)},
        dict(zip(ours, names, strict=True)),
        scale,
    )
    known = () if on_bad == "raise" else _KNOWN_DEFECTS
    data, counts = clean(raw, "data", on_bad=on_bad or "raise", known_defects=known, min_sigma=min_sigma)
    data, late = in_time_order(data)
    uptime = _table(files.uptime, ("MJD_start[days]", "MJD_stop[days]"), log)
    grl, run_notes = clean_good_runs(str(files.uptime), uptime[:, 0], uptime[:, 1])
    counts += Counter(
        {
            "rows out of time order, sorted": late,
            "exact duplicates, kept": count_duplicates(data),
            "events outside the good-run list, kept": count_outside(grl, data.mjd),
        }
    )

    rows = _table(files.area, ("logEmin_nu", "logEmax_nu", "decmin", "decmax", "Aeff"), log)
    table = _area(files.area, 10.0 ** rows[:, :2], np.sin(np.radians(rows[:, 2:4])), rows[:, 4])
    response: Response
    if files.smearing is None:
        response, note = (
            StandInResponse(data, rounding=0.01),
            f"no {TEN_YEAR_STEMS[key]} smearing matrix; {STAND_IN_NOTE}",
        )
    else:
        response, note = _smearing(files.smearing, log), f"response from {files.smearing.name}"
    return Dataset(
        key=key,
        version=TEN_YEAR_VERSION,
        data=data,
        sim=simulate_from_tables(table, response, min_sigma=min_sigma),
        grl=grl,
        livetime=float(np.sum(grl.stop - grl.start)),
        sindec_bins=SINDEC_BINS,
        log10energy_bins=rounded_log10energy_bins(0.01),
        notes=(*summary_lines("data", counts), *run_notes, note),
        fingerprint=ten_year_fingerprint(folder, key, on_bad=on_bad, min_sigma=min_sigma),
    )


def _smearing(path: pathlib.Path, log: Log) -> SmearingResponse:
    names = (
        "log10(E_nu/GeV)_min",
        "log10(E_nu/GeV)_max",
        "Dec_nu_min[deg]",
        "Dec_nu_max[deg]",
        "log10(E/GeV)_min",
        "log10(E/GeV)_max",
        "PSF_min[deg]",
        "PSF_max[deg]",
        "AngErr_min[deg]",
        "AngErr_max[deg]",
        "Fractional_Counts",
    )
    rows = _table(path, names, log)
    try:
        return SmearingResponse(
            rows[:, 0:2],
            np.sin(np.radians(rows[:, 2:4])),
            rows[:, 4:6],
            np.radians(rows[:, 6:8]),
            np.radians(rows[:, 8:10]),
            rows[:, 10],
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
