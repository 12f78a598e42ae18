"""The public ten-year point-source release, 2008–2018 (doi:10.21234/CPKQ-K003)."""

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
from nusky.files import as_path
from nusky.files.hashing import content_hash
from nusky.releases.response import Response, SmearingResponse, StandInResponse, simulate_from_tables
from nusky.releases.tables import STAND_IN_NOTE, area_table, clean_events, read_table, rounded_log10energy_bins

__all__ = [
    "TEN_YEAR_STEMS",
    "TEN_YEAR_VERSION",
    "TenYearFiles",
    "is_ten_year",
    "read_ten_year",
    "ten_year_fingerprint",
    "ten_year_seasons",
]

Log = Callable[[str], None]

TEN_YEAR_VERSION = "ps-10yr"

_LATER = {f"IC86_{2011 + k}": f"IC86_{roman}" for k, roman in enumerate(("II", "III", "IV", "V", "VI", "VII"), 1)}

#: csky-style key of every season, and the stems of its files; the last two join seasons of one selection, as csky does.
TEN_YEAR_STEMS: dict[str, tuple[str, ...]] = {
    **{stem: (stem,) for stem in ("IC40", "IC59", "IC79")},
    "IC86_2011": ("IC86_I",),
    **{key: (stem,) for key, stem in _LATER.items()},
    "IC86_2012_2014": tuple(_LATER.values())[:3],
    "IC86_2012_2017": tuple(_LATER.values()),
}

_DEGREE = float(np.pi / 180.0)


@dataclass(frozen=True)
class TenYearFiles:
    """The files of one season; `smearing` is None where that file is not at hand."""

    events: tuple[pathlib.Path, ...]
    uptime: tuple[pathlib.Path, ...]
    area: pathlib.Path
    smearing: pathlib.Path | None

    @classmethod
    def of(cls, folder: pathlib.Path, key: str) -> TenYearFiles:
        """Files of season `key`, whether they exist or not."""
        if key not in TEN_YEAR_STEMS:
            raise KeyError(f"season {key!r} is not in the ten-year release; it has {', '.join(TEN_YEAR_STEMS)}")
        stems = TEN_YEAR_STEMS[key]
        # The selection did not change after 2012: IC86-II's response serves all later seasons (release notes).
        response = "IC86_II" if stems[0] in _LATER.values() else stems[0]
        smearing = folder / "irfs" / f"{response}_smearing.csv"
        return cls(
            tuple(folder / "events" / f"{stem}_exp.csv" for stem in stems),
            tuple(folder / "uptime" / f"{stem}_exp.csv" for stem in stems),
            folder / "irfs" / f"{response}_effectiveArea.csv",
            smearing if smearing.is_file() else None,
        )

    @property
    def missing(self) -> list[pathlib.Path]:
        """The needed files that are not there."""
        return [path for path in (*self.events, *self.uptime, self.area) if not path.is_file()]

    @property
    def all(self) -> list[pathlib.Path]:
        """All files that are read."""
        return [*self.events, *self.uptime, self.area, *([self.smearing] if self.smearing else [])]


def is_ten_year(path: pathlib.Path) -> bool:
    """Whether a folder has the layout of the ten-year release."""
    return (path / "events").is_dir() and (path / "irfs").is_dir()


def ten_year_seasons(path: pathlib.Path) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Single seasons that can be read, and for those with some but not all files what is missing."""
    ready, partial = [], {}
    for key, stems in TEN_YEAR_STEMS.items():
        files = TenYearFiles.of(path, key)
        if len(stems) > 1:
            continue
        if not files.missing:
            ready.append(key)
        elif files.events[0].is_file() or files.uptime[0].is_file():
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
    log: Log = silent,
) -> Dataset:
    """One season of the public ten-year point-source release (2008–2018, doi:10.21234/CPKQ-K003).

    Parameters
    ----------
    path : path
        Folder with `events/`, `uptime/` and `irfs/`.
    key : str
        ``IC40``, ``IC59``, ``IC79``, ``IC86_2011`` … ``IC86_2017``, or ``IC86_2012_2014``, ``IC86_2012_2017`` joined.
    on_bad : {"raise", "drop"}, optional
        Impossible rows; by default a σ beyond 180° is dropped and reported, anything else raises.
    min_sigma : float
        Floor of σ, rad (default 0.2°).
    log : callable
        Gets a line for each file read.

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
    folder = as_path(path)
    files = _complete(folder, key)
    parts, counts = [], Counter[str]()
    for file in files.events:
        part, found = clean_events(_events(file, log), on_bad, min_sigma)
        parts.append(part)
        counts += found
    data, late = in_time_order(Events.concatenate(parts))
    runs = np.concatenate([read_table(file, ("MJD_start[days]", "MJD_stop[days]"), log) for file in files.uptime])
    grl, run_notes = clean_good_runs(", ".join(str(file) for file in files.uptime), runs[:, 0], runs[:, 1])
    counts += Counter(
        {
            "rows out of time order, sorted": late,
            "exact duplicates, kept": count_duplicates(data),
            "events outside the good-run list, kept": count_outside(grl, data.mjd),
        }
    )

    rows = read_table(files.area, ("logEmin_nu", "logEmax_nu", "decmin", "decmax", "Aeff"), log)
    table = area_table(files.area, 10.0 ** rows[:, :2], np.sin(np.radians(rows[:, 2:4])), rows[:, 4])
    response: Response
    if files.smearing is None:
        response, note = StandInResponse(data, rounding=0.01), f"no smearing matrix at hand; {STAND_IN_NOTE}"
    else:
        response, note = _smearing(files.smearing, log)
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


def _events(path: pathlib.Path, log: Log) -> RawTable:
    names = ("MJD[days]", "log10(E/GeV)", "AngErr[deg]", "RA[deg]", "Dec[deg]", "Azimuth[deg]", "Zenith[deg]")
    ours = ("mjd", "log10energy", "sigma", "ra", "dec", "azimuth", "zenith")
    rows = read_table(path, names, log)
    scale = dict.fromkeys(ours[2:], _DEGREE)
    columns = {name: rows[:, k] * scale.get(name, 1.0) for k, name in enumerate(ours)}
    return RawTable(str(path), columns, dict(zip(ours, names, strict=True)), scale)


def _smearing(path: pathlib.Path, log: Log) -> tuple[SmearingResponse, str]:
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
    rows = read_table(path, names, log)
    # Early seasons hold place-holder rows, without width in AngErr, where hardly any event was simulated; taken as a
    # cell they would be events of perfect resolution.
    empty = rows[:, 9] == rows[:, 8]
    rows = rows[~empty]
    if len(rows) == 0:
        raise ValueError(f"{path}: every row has AngErr_min = AngErr_max; no smearing in this file")
    note = f"response from {path.name}"
    if empty.any():
        note += f" ({int(np.count_nonzero(empty))} rows without width in AngErr left out)"
    try:
        response = SmearingResponse(
            rows[:, 0:2],
            np.sin(np.radians(rows[:, 2:4])),
            rows[:, 4:6],
            np.radians(rows[:, 6:8]),
            np.radians(rows[:, 8:10]),
            rows[:, 10],
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return response, note
