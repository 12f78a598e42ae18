"""Seasons of the public track releases IceTracks-DR1 (2008-2018) and -DR2 (2008-2022)."""

from __future__ import annotations

import pathlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nusky.data.cleaning import MIN_SIGMA, OnBad, RawTable, count_duplicates, in_time_order, summary_lines
from nusky.data.dataset import SINDEC_BINS, Dataset, silent
from nusky.data.good_runs import clean_good_runs, count_outside
from nusky.events import Events
from nusky.files.hashing import content_hash
from nusky.releases.layout import AREA_COLUMNS, EVENT_COLUMNS, SeasonFiles, TrackRelease, season_key
from nusky.releases.smearing import read_smearing
from nusky.releases.tables import STAND_IN_NOTE, area_table, clean_events, rounded_log10energy_bins
from nusky.releases.text import read_columns
from nusky.response import AreaTable, StandInResponse, TabulatedResponse, simulate_from_tables
from nusky.typing import F64

__all__ = ["KnownResponses", "icetracks_fingerprint", "read_area", "read_icetracks", "sindec_bins"]

Log = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class _Signal:
    """What a season's tables say about signal."""

    area: AreaTable
    response: TabulatedResponse | None
    sim: Events
    note: str


#: What was made of a smearing matrix (and a floor of σ), for the next season that has it.
KnownResponses = dict[tuple[pathlib.Path, float], _Signal]

_DEGREE = float(np.pi / 180.0)
_RUN_COLUMNS = ("run", "event", "subevent")
_UPTIME_COLUMNS = {"start": ("MJD_start[days]",), "stop": ("MJD_stop[days]",)}

#: More events than this share outside the uptime are another season's.
_MOST_OUTSIDE = 0.01

_CITATIONS = {
    1: "doi:10.7910/DVN/VKL316, arXiv:2101.09836",
    2: "doi:10.7910/DVN/MMIIZA, arXiv:2605.19040",
}
_FLAWS = {
    "1.0": "known flaws of version 1.0: the area of IC86 above log10 E = 8.6 is too low and all smearing matrices have "
    "the declination bins of IC40; version 2.0 corrects both",
    "": "the response of IC86 is not here, so version 1.0 and 2.0 cannot be told apart",
}

#: sin δ edges of the collaboration's histograms before IC86, whose are csky's.
_SINDEC_PIECES: dict[str, tuple[tuple[float, float, int], ...]] = {
    "IC40": ((-1, -0.25, 11), (-0.25, 0, 11), (0, 1, 11)),
    "IC59": ((-1, -0.95, 3), (-0.95, -0.25, 26), (-0.25, 0.05, 16), (0.05, 1, 11)),
    "IC79": ((-1, 1, 50),),
}


def sindec_bins(key: str) -> F64:
    """sin δ edges for the histograms of a season.

    Examples
    --------
    >>> from nusky.releases.icetracks import sindec_bins
    >>> len(sindec_bins("IC40")), len(sindec_bins("IC86_2012"))
    (31, 42)
    """
    if key not in _SINDEC_PIECES:
        return SINDEC_BINS
    return np.unique(np.round(np.concatenate([np.linspace(*piece) for piece in _SINDEC_PIECES[key]]), 12))


def icetracks_fingerprint(
    release: TrackRelease, key: str, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
) -> str:
    """Fingerprint `read_icetracks` would give, without reading more than the bytes."""
    return content_hash([release.version, season_key(key), on_bad, min_sigma], release.complete(key).all)


def read_icetracks(
    release: TrackRelease | str | pathlib.Path,
    key: str,
    *,
    on_bad: OnBad | None = None,
    min_sigma: float = MIN_SIGMA,
    log: Log = silent,
    known: KnownResponses | None = None,
) -> Dataset:
    """One season, or joined seasons, of a public track release.

    Parameters
    ----------
    release : TrackRelease or path
        Or the folder with `events/`, `uptime/` and `irfs/`.
    key : str
        ``IC40``, ``IC59``, ``IC79``, ``IC86_2011`` … or a range of one response, such as ``IC86_2012_2017``.
    on_bad : {"raise", "drop"}, optional
        Impossible rows; by default a σ beyond 180° is dropped and reported, anything else raises.
    min_sigma : float
        Floor of σ, rad (default 0.2°).
    log : callable
        Gets a line for each file read.
    known : dict, optional
        Keeps what was made of a response from one call for the next: seasons of one response share it.

    Returns
    -------
    Dataset
        The livetime is the sum of the uptime. Where `irfs/*_smearing.csv` is at hand it gives the response, otherwise
        the stand-in does and the notes say so. DR2's `run, event, subevent` are columns of the events.

    Raises
    ------
    KeyError, FileNotFoundError, ValueError

    Examples
    --------
    >>> from nusky.releases import read_icetracks
    >>> read_icetracks("../shared/data/icecube_ps10_subset", "IC40").livetime     # doctest: +SKIP
    376.3603109101532
    """
    if not isinstance(release, TrackRelease):
        release = TrackRelease.of(pathlib.Path(release))
    key = season_key(key)
    files = release.complete(key)
    data, counts = _read_events(files, on_bad, min_sigma, log)
    grl, run_notes = _read_uptime(files, log)
    counts["exact duplicates, kept"] = count_duplicates(data)
    counts["events outside the good-run list, kept"] = _count_outside(files, grl, data)
    signal = _signal(files, data, min_sigma, log, {} if known is None else known)
    here, whole = len(release.present), len(release.stems)
    part = () if here == whole else (f"part of the release: events of {here} of its {whole} seasons are here",)
    flaws = (_FLAWS[release.revision],) if release.number == 2 and release.revision in _FLAWS else ()
    return Dataset(
        key=key,
        version=release.version,
        data=data,
        sim=signal.sim,
        grl=grl,
        livetime=float(np.sum(grl.stop - grl.start)),
        sindec_bins=sindec_bins(key),
        log10energy_bins=rounded_log10energy_bins(0.01, 0.1),
        notes=(
            f"IceTracks-DR{release.number}{' ' + release.revision if release.revision else ''}: cite "
            f"{_CITATIONS[release.number]}; not to be combined with events of another release",
            *flaws,
            *summary_lines("data", counts),
            *run_notes,
            *part,
            signal.note,
        ),
        fingerprint=icetracks_fingerprint(release, key, on_bad=on_bad, min_sigma=min_sigma),
        area=signal.area,
        response=signal.response,
    )


def _read_events(files: SeasonFiles, on_bad: OnBad | None, min_sigma: float, log: Log) -> tuple[Events, Counter[str]]:
    parts, counts = [], Counter[str]()
    for path in files.events:
        part, found = clean_events(_events(path, log), on_bad, min_sigma)
        parts.append(part)
        counts += found
    different = [path for path, part in zip(files.events, parts, strict=True) if part.columns != parts[0].columns]
    if different:
        raise ValueError(
            f"{different[0]} has other columns than {files.events[0]} (run, event and subevent are in one only): files "
            "of two releases; download this release again"
        )
    data, late = in_time_order(Events.concatenate(parts))
    counts["rows out of time order, sorted"] = late
    return data, counts


def _events(path: pathlib.Path, log: Log) -> RawTable:
    columns = read_columns(path, EVENT_COLUMNS, log, optional=_RUN_COLUMNS)
    _check_degrees(path, columns)
    scale = dict.fromkeys(("sigma", "ra", "dec", "azimuth", "zenith"), _DEGREE)
    numbers = {}
    for name, values in columns.items():
        if name in _RUN_COLUMNS:
            whole = np.isfinite(values) & (np.rint(values) == values) & (np.abs(values) < 2.0**53)
            if not whole.all():
                row = int(np.argmin(whole))
                raise ValueError(f"{path}: column {name!r}, row {row} (counted from 0): {values[row]!r} is no number")
            numbers[name] = values.astype(np.int64)
    scaled = {name: values * scale.get(name, 1.0) for name, values in columns.items() if name not in numbers}
    spelled = {name: spellings[0] for name, spellings in EVENT_COLUMNS.items()}
    return RawTable(str(path), {**scaled, **numbers}, spelled, scale)


def _check_degrees(path: pathlib.Path, columns: dict[str, F64]) -> None:
    """Refuse right ascensions and declinations that all are as small as radians: a sky is wider than 6.3 degrees."""
    ra, dec = columns["ra"], columns["dec"]
    if len(ra) >= 10 and np.nanmax(np.abs(ra)) <= 6.2832 and np.nanmax(np.abs(dec)) <= 1.5708:
        raise ValueError(
            f"{path}: columns RA[deg] and Dec[deg] run to {np.nanmax(ra):.4g} and {np.nanmax(np.abs(dec)):.4g} in "
            f"{len(ra)} rows: radians? The release has degrees; convert them, or download the file again"
        )


def _read_uptime(files: SeasonFiles, log: Log) -> tuple[Events, tuple[str, ...]]:
    starts, stops = [], []
    for path in files.uptime:
        runs = read_columns(path, _UPTIME_COLUMNS, log)
        clean_good_runs(str(path), runs["start"], runs["stop"])  # a fault is reported with its own file and row
        starts.append(runs["start"])
        stops.append(runs["stop"])
    where = ", ".join(str(path) for path in files.uptime)
    return clean_good_runs(where, np.concatenate(starts), np.concatenate(stops))


def _count_outside(files: SeasonFiles, grl: Events, data: Events) -> int:
    outside = count_outside(grl, data.mjd)
    if outside > _MOST_OUTSIDE * len(data):
        raise ValueError(
            f"{', '.join(path.name for path in files.events)} in {files.events[0].parent}: {outside} of {len(data)} "
            f"events (MJD {data.mjd.min():.2f} … {data.mjd.max():.2f}) are outside the uptime (MJD "
            f"{grl.start.min():.2f} … {grl.stop.max():.2f}); is one of the files of another season or release?"
        )
    return outside


def read_area(path: pathlib.Path, log: Log = silent) -> AreaTable:
    """Effective areas of a track release (degrees, cm²)."""
    rows = read_columns(path, AREA_COLUMNS, log)
    energy = 10.0 ** np.column_stack([rows["energy_min"], rows["energy_max"]])
    sindec = np.sin(np.radians(np.column_stack([rows["dec_min"], rows["dec_max"]])))
    return area_table(path, energy, sindec, rows["area"])


def _signal(files: SeasonFiles, data: Events, min_sigma: float, log: Log, known: KnownResponses) -> _Signal:
    """Area, response and simulated set of a season; those of a smearing matrix are kept for the next season."""
    if files.smearing is None:
        area, stand_in = read_area(files.area, log), StandInResponse(data, rounding=0.01)
        sim = simulate_from_tables(area, stand_in, min_sigma=min_sigma)
        return _Signal(area, None, sim, f"no smearing matrix at hand; {STAND_IN_NOTE}")
    if (files.smearing, min_sigma) not in known:
        known.clear()  # one set is enough: seasons are read in order
        smearing, note = read_smearing(files.smearing, log)
        area = read_area(files.area, log)
        response = TabulatedResponse.of(area, smearing, min_sigma=min_sigma)
        sim = simulate_from_tables(area, smearing, min_sigma=min_sigma)
        known[files.smearing, min_sigma] = _Signal(area, response, sim, note)
    return known[files.smearing, min_sigma]
