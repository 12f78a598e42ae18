"""Writes IceCube's public track releases in their formats, from tiny to whole size; the numbers are made up.

Use::

    from release_writer import DR2, TINY, write_release

    write_release(folder, "dr2-2.0", **TINY)           # three seasons of a few hundred events, 0.1 s: unit tests
    write_release(folder, "dr2-2.0", size=0.1)         # every season with a tenth of its events, matrices whole
    write_release(folder, "dr2-2.0")                   # 1.65 million events, 2 GB, minutes
    write_first_year(folder)                           # the first-year release

`kind` is "dr1" (2008-2018), "dr2-1.0" or "dr2-2.0" (2008-2022). The physics is in `release_physics`: areas like the
real ones, smearing in bins chosen for each cell, events of a background, uptime. Known flaws are written where the real
release has them: one event of IC86_V twice (DR1); rows without width in AngErr, at the highest energies of IC40, IC59
and IC79; place-holder rows where nothing was simulated; the last energy bin of IC86 too wide for its area and the
declination bins of IC40 for all (DR2 v1.0). `bench/releases/release.py` and the tests read what is written here.
From a shell: ``python tests/helpers/release_writer.py FOLDER dr2-2.0 [SIZE]``.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import release_physics as physics
from fixed_text import write_rows
from nusky.selections.synthetic import effective_area
from nusky.sphere.sidereal import local_azimuth

F64 = NDArray[np.float64]

KINDS = ("dr1", "dr2-1.0", "dr2-2.0")
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")


@dataclass(frozen=True)
class Season:
    """Events, livetime (days) and first day (MJD) of a season, as the releases have them to a few per cent."""

    stem: str
    events: int
    livetime: float
    first: float
    last: float


_IC86 = (136_244, 112_858, 122_541, 127_045, 129_311, 123_657, 145_750, 128_000, 129_000, 127_000, 126_000)
SEASONS = (
    Season("IC40", 36_900, 376.4, 54_562.4, 54_971.1),
    Season("IC59", 107_011, 352.6, 54_971.2, 55_347.2),
    Season("IC79", 93_133, 316.0, 55_348.3, 55_694.4),
    *(
        Season(f"IC86_{roman}", n, 335.0 if k == 0 else 350.0, 55_695.0 + 365.0 * k, 56_058.0 + 365.0 * k)
        for k, (roman, n) in enumerate(zip(ROMAN, _IC86, strict=True))
    ),
)
DR1 = tuple(season.stem for season in SEASONS[:10])
DR2 = tuple(season.stem for season in SEASONS)
#: For tests of the reading: few events, coarse matrices. Override what is of interest.
TINY: dict[str, Any] = {"seasons": ("IC40", "IC86_I", "IC86_II", "IC86_III"), "size": 0.003, "bins": 4, "coarse": True}

EVENT_NAMES = ("MJD[days]", "log10(E/GeV)", "AngErr[deg]", "RA[deg]", "Dec[deg]", "Azimuth[deg]", "Zenith[deg]")
RUN_NAMES = ("run", "event", "subevent")
UPTIME_NAMES = ("MJD_start[days]", "MJD_stop[days]")
CELL_NAMES = ("log10(E_nu/GeV)_min", "log10(E_nu/GeV)_max", "Dec_nu_min[deg]", "Dec_nu_max[deg]")
AREA_NAMES = (*CELL_NAMES, "A_Eff[cm^2]")
SMEARING_NAMES = (
    *CELL_NAMES,
    "log10(E/GeV)_min",
    "log10(E/GeV)_max",
    "PSF_min[deg]",
    "PSF_max[deg]",
    "AngErr_min[deg]",
    "AngErr_max[deg]",
    "Fractional_Counts",
)


def internal_sindec_edges(configuration: str) -> F64:
    """The collaboration's sin δ bins of a configuration (IC40, IC59, IC79, IC86)."""
    pieces = {
        "IC40": ((-1, -0.25, 11), (-0.25, 0, 11), (0, 1, 11)),
        "IC59": ((-1, -0.95, 3), (-0.95, -0.25, 26), (-0.25, 0.05, 16), (0.05, 1, 11)),
        "IC79": ((-1, 1, 50),),
        "IC86": ((-1, -0.93, 5), (-0.93, -0.3, 11), (-0.3, 0.05, 10), (0.05, 1, 19)),
    }[configuration]
    return np.unique(np.round(np.concatenate([np.linspace(*piece) for piece in pieces]), 12))


def response_of(stem: str, kind: str) -> str:
    """Stem of the response files of a season."""
    if not stem.startswith("IC86"):
        return stem
    if kind != "dr1":
        return "IC86"
    return "IC86_I" if stem == "IC86_I" else "IC86_II"


def write_release(
    folder: str | pathlib.Path,
    kind: str,
    *,
    size: float = 1.0,
    seasons: Sequence[str] | None = None,
    bins: int = 20,
    coarse: bool = False,
    header: str = "#",
    separator: str = " ",
    seed: int = 1,
) -> pathlib.Path:
    """Write a release.

    Parameters
    ----------
    folder : path
        Made if missing.
    kind : str
        See `KINDS`.
    size : float
        Events and runs of a season as a share of the real numbers (at least 20 events and 4 runs).
    seasons : sequence of str, optional
        Stems; default: all of the release.
    bins : int
        Bins of the smearing in E, PSF and AngErr each.
    coarse : bool
        Smearing in 3 energies and 3 declinations and areas in 10 of each.
    header : str
        What stands before the names of the columns.
    separator : str
        Between columns: blank, comma or tab.
    seed : int

    Returns
    -------
    Path
        The folder.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}; one of {', '.join(KINDS)}")
    folder = pathlib.Path(folder)
    for name in ("events", "uptime", "irfs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    style = _Style(header, separator)
    chosen = seasons if seasons is not None else DR1 if kind == "dr1" else DR2
    for number, season in enumerate(SEASONS):
        if season.stem in chosen:
            rng = np.random.default_rng([seed, number])
            _write_season(folder, season, kind, size, style, rng)
    for response in dict.fromkeys(response_of(stem, kind) for stem in chosen):
        write_area(folder / "irfs" / f"{response}_effectiveArea.csv", response, kind, coarse, style)
        write_smearing(folder / "irfs" / f"{response}_smearing.csv", response, kind, bins, coarse, style)
        if kind == "dr1":
            (folder / "irfs" / f"{response}_effectiveArea.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    (folder / "README.txt").write_text("Made by a test of nusky in the format of a public release; no data.\n")
    return folder


@dataclass(frozen=True)
class _Style:
    header: str
    separator: str

    def write(self, path: pathlib.Path, names: Sequence[str], columns: Sequence[Any], decimals: Sequence[int]) -> None:
        with path.open("wb") as file:
            file.write((self.header + self.separator.join(names) + "\n").encode())
            write_rows(file, columns, decimals, separator=self.separator)


def _write_season(
    folder: pathlib.Path, season: Season, kind: str, size: float, style: _Style, rng: np.random.Generator
) -> None:
    n_runs = max(4, round(1080 * size))
    length = np.where(rng.random(n_runs) < 0.85, 1.0 / 3.0, 0.02 + 0.31 * rng.random(n_runs))
    length *= season.livetime / length.sum()
    gap = rng.standard_exponential(n_runs - 1) ** 2
    gap *= (season.last - season.first - season.livetime) / gap.sum()
    start = np.round(season.first + np.concatenate([[0.0], np.cumsum(length[:-1] + gap)]), 8)
    stop = np.round(start + length - 1e-7, 8)
    style.write(folder / "uptime" / f"{season.stem}_exp.csv", UPTIME_NAMES, (start, stop), (8, 8))

    n = max(20, round(season.events * size))
    sindec, log10energy, sigma = physics.draw_background(n, rng)
    run = np.sort(rng.choice(n_runs, n, p=length / length.sum()))
    mjd = start[run] + rng.random(n) * (stop[run] - start[run])
    order = np.argsort(mjd, kind="stable")
    mjd, run = mjd[order], run[order]
    ra = 2.0 * np.pi * rng.random(n)
    dec = np.degrees(np.arcsin(sindec))
    azimuth = np.degrees(local_azimuth(ra, mjd))
    columns = [mjd, log10energy, sigma, np.degrees(ra), dec, azimuth, dec + 90.0]
    decimals = [8, 2, 2, 3, 3, 3, 3]
    names = EVENT_NAMES
    if kind != "dr1":
        first_run = 110_000 + int(season.first - 54_000) * 3
        columns = [first_run + run, np.arange(n) * 37 % 80_000_000, np.zeros(n), *columns]
        decimals, names = [0, 0, 0, *decimals], (*RUN_NAMES, *EVENT_NAMES)
    elif season.stem == "IC86_V":
        columns = [np.insert(column, 5, column[5]) for column in columns]
    style.write(folder / "events" / f"{season.stem}_exp.csv", names, columns, decimals)


def area_edges(response: str, kind: str, coarse: bool) -> tuple[F64, F64]:
    """log10 E_ν edges and δ_ν edges (degrees, as written) of a table of areas."""
    last = 10.0 if kind == "dr1" or not response.startswith("IC86") else 8.8
    energy = np.round(np.linspace(2.0, last, 11 if coarse else round((last - 2.0) / 0.2) + 1), 2)
    if kind == "dr2-2.0" and last == 8.8:
        energy[-1] = 8.7
    sindec = np.linspace(-1.0, 1.0, 11 if coarse else 51 if kind == "dr1" else 101)
    return energy, np.round(np.degrees(np.arcsin(sindec)), 2) + 0.0


def write_area(path: pathlib.Path, response: str, kind: str, coarse: bool, style: _Style) -> None:
    """One table of areas: energies run fastest, as in the releases."""
    energy, dec = area_edges(response, kind, coarse)
    middle = 0.5 * (energy[1:] + energy[:-1])
    sindec = np.sin(np.radians(dec))
    area = effective_area(middle[None, :], 0.5 * (sindec[1:] + sindec[:-1])[:, None])
    area = area * physics.AREA_SCALE[response.split("_")[0]]
    if kind == "dr2-1.0" and response == "IC86":
        area[:, -1] *= 0.5  # simulated to 8.7 only, divided by the flux of the whole bin
    n_dec, n_energy = area.shape
    columns = (
        np.tile(energy[:-1], n_dec),
        np.tile(energy[1:], n_dec),
        np.repeat(dec[:-1], n_energy),
        np.repeat(dec[1:], n_energy),
        area.ravel(),
    )
    style.write(path, AREA_NAMES, columns, (2, 2, 2, 2, 2))


def smearing_edges(response: str, kind: str, coarse: bool) -> tuple[F64, F64]:
    """log10 E_ν edges and δ_ν edges (degrees, as written) of a smearing matrix."""
    energy = np.linspace(2.0, 9.0, 4 if coarse else 15)
    if kind == "dr1" or coarse:
        return np.round(energy, 2), np.array([-90.0, -10.0, 10.0, 90.0])
    configuration = "IC40" if kind == "dr2-1.0" else response
    return energy, np.round(np.degrees(np.arcsin(internal_sindec_edges(configuration))), 2) + 0.0


def write_smearing(path: pathlib.Path, response: str, kind: str, bins: int, coarse: bool, style: _Style) -> None:
    """One smearing matrix: all bins³ rows of every cell, AngErr running fastest, then PSF, E, δ_ν, E_ν."""
    energy, dec = smearing_edges(response, kind, coarse)
    early = not response.startswith("IC86")
    shape = (bins, bins, bins)
    with path.open("wb") as file:
        file.write((style.header + style.separator.join(SMEARING_NAMES) + "\n").encode())
        for low_high in itertools.pairwise(energy):
            block = []
            for dec_low, dec_high in itertools.pairwise(dec):
                columns = np.zeros((11, *shape))
                columns[:4] = np.reshape([*low_high, dec_low, dec_high], (4, 1, 1, 1))
                middle = 0.5 * sum(low_high)
                sindec = 0.5 * float(np.sin(np.radians(dec_low)) + np.sin(np.radians(dec_high)))
                if effective_area(low_high[1], sindec) > 0:
                    _fill(columns, physics.smearing_cell(middle, sindec, bins), early)
                block.append(columns.reshape(11, -1))
            rows = np.concatenate(block, axis=1)
            write_rows(file, list(rows), (2,) * 6 + (4,) * 4 + (10,), separator=style.separator)


def _fill(columns: F64, cell: tuple[F64, F64, F64, F64], early: bool) -> None:
    edges, psi, sigma, fraction = cell
    columns[4], columns[5] = edges[:-1, None, None], edges[1:, None, None]
    columns[6], columns[7] = psi[:, :-1, None], psi[:, 1:, None]
    columns[8], columns[9] = sigma[:, :, :-1], sigma[:, :, 1:]
    if early:  # hardly any event was simulated there: rows without width
        fraction = fraction.copy()
        fraction[-1] = 0.0
        columns[6:10, -1] = 0.0
        fraction /= fraction.sum()
    columns[10] = fraction


def write_first_year(folder: str | pathlib.Path, *, size: float = 1.0, seed: int = 1) -> pathlib.Path:
    """The first-year release of IC86 (2011-12): whole days, numbers rounded to 0.1, one impossible error."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    n = max(20, round(138_322 * size))
    sindec, log10energy, sigma = physics.draw_background(n, rng)
    columns = [rng.integers(55_694, 56_062, n), log10energy, sigma, rng.uniform(0, 360, n)]
    columns.append(np.degrees(np.arcsin(sindec)))
    columns[2][0] = 495.8
    for name, mask in (("upgoing", sindec > -0.0872), ("downgoing", sindec <= -0.0872)):
        with (folder / f"{name}_events.txt").open("wb") as file:
            file.write(b"MJD\tlog10(E)\tang_err\tRA\tDec\n")
            write_rows(file, [column[mask] for column in columns], (0, 1, 1, 1, 1), width=8)
    energy, cosine = 10.0 ** np.linspace(2.0, 8.0, 61), np.round(np.linspace(-1.0, 1.0, 201), 2)
    lines = ["#  E_min[GeV]   E_max[GeV] cos(zenith)_min cos(zenith)_max       Aeff[m^2]"]
    for low, high in itertools.pairwise(energy):
        area = effective_area(np.log10(np.sqrt(low * high)), -0.5 * (cosine[1:] + cosine[:-1])) * 1e-4
        for c_low, c_high, value in zip(cosine[:-1], cosine[1:], area, strict=True):
            lines.append(f"{low:13.3e}{high:13.3e}{c_low:16.2f}{c_high:16.2f}{value:16.3e}")
    (folder / "TabulatedAeff.txt").write_text("\n".join(lines) + "\n")
    (folder / "AngRes.txt").write_text("1.3, 2.5\n0.7, 3.5\n0.5, 4.5\n0.4, 5.5\n0.3, 6.5\n0.3, 7.5\n")
    return folder


if __name__ == "__main__":
    import sys

    share = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
    write_release(sys.argv[1], sys.argv[2], size=share)
