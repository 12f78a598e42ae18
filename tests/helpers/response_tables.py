"""Tables of a response, small with every oddity or those of `release_physics`, and what they mean, by plain loops."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import release_physics as physics
from nusky.data.dataset import Dataset
from nusky.events import Events
from nusky.response import AreaTable, SmearingResponse, TabulatedResponse, simulate_from_tables
from nusky.selections.synthetic import effective_area

F64 = Any

SMALL_ENERGIES = np.array([2.0, 2.5, 3.0, 4.0, 5.0])
SMALL_SINDEC = np.array([-1.0, -0.4, 0.1, 0.6, 1.0])


def small_area() -> AreaTable:
    """A column without any area, a jump by a thousand from one declination to the next, zeros at low energies."""
    area = np.array(
        [[0.0, 0.0, 3.0, 0.0], [5.0, 0.0, 4e3, 2.0], [9.0, 0.0, 5.0, 7.0], [20.0, 0.0, 30.0, 40.0]]
    )  # fmt: skip
    return AreaTable(10.0**SMALL_ENERGIES, SMALL_SINDEC, area)


def small_smearing() -> SmearingResponse:
    """Other edges than the area's, one empty cell between two filled ones, one at the end, bins that overlap."""
    rows = []
    for (s_low, s_high), (t_low, t_high) in itertools.product(
        ((-1.0, 0.0), (0.0, 1.0)), ((2.0, 3.0), (3.0, 3.5), (3.5, 5.0))
    ):
        if (s_low, t_low) in ((-1.0, 3.0), (0.0, 3.5)):
            continue
        for b in range(4):
            low = 1.0 + 0.5 * t_low + 0.45 * b + 0.1 * (s_low == 0)
            for sigma, share in ((0.3 + 0.2 * b, 0.6), (1.5, 0.4)):
                fraction = share * (0.1 + 0.2 * b)  # sums to 1.6: scaled by the reader
                rows.append((t_low, t_high, s_low, s_high, low, low + 0.5, 0.0, 0.01, sigma, 2 * sigma, fraction))
    table = np.array(rows)
    pairs = [table[:, 2 * k : 2 * k + 2] for k in range(5)]
    return SmearingResponse(pairs[0], pairs[1], pairs[2], pairs[3], np.radians(pairs[4]), table[:, 10])


def loop_energies(
    area: AreaTable, smearing: SmearingResponse, s_edges: F64, e_edges: F64, flux: Callable[[Any], Any]
) -> F64:
    """P(log10 E | row of sin δ), neutrino by neutrino on a fine grid: no union of edges, no algebra."""
    out = np.zeros((len(s_edges) - 1, len(e_edges) - 1))
    for r, (s_low, s_high) in enumerate(itertools.pairwise(s_edges)):
        spectra = []
        for sindec in s_low + (s_high - s_low) * (np.arange(8) + 0.5) / 8:
            spectrum = np.zeros(len(e_edges) - 1)
            for log_energy in np.arange(2.0, 5.0, 0.025) + 0.0125:
                i = max(k for k in range(len(SMALL_ENERGIES) - 1) if area.energy_edges[k] <= 10**log_energy)
                j = max(k for k in range(len(SMALL_SINDEC) - 1) if area.sindec_edges[k] <= sindec)
                events = area.area[i, j] * flux(10**log_energy) * 10**log_energy
                if events > 0:
                    spectrum += events * loop_smearing(smearing, log_energy, sindec, e_edges)
            if spectrum.sum() > 0:
                spectra.append(spectrum / spectrum.sum())
        if spectra:
            out[r] = np.mean(spectra, axis=0)
    return out


def loop_smearing(smearing: SmearingResponse, log_energy: float, sindec: float, e_edges: F64) -> F64:
    """Histogram of log10 E of one neutrino: of the filled cell of its band that is nearest to it."""
    distance = {}
    for row in range(len(smearing.fraction)):
        if smearing.sindec[row, 0] <= sindec <= smearing.sindec[row, 1]:
            low, high = smearing.log10_true_energy[row]
            distance[low] = max(low - log_energy, log_energy - high, 0.0)
    cell = min(distance, key=lambda low: distance[low])
    out = np.zeros(len(e_edges) - 1)
    for row in range(len(smearing.fraction)):
        inside = smearing.sindec[row, 0] <= sindec <= smearing.sindec[row, 1]
        if inside and smearing.log10_true_energy[row, 0] == cell:
            low, high = smearing.log10energy[row]
            for m in range(len(out)):
                a = -np.inf if m == 0 else e_edges[m]
                b = np.inf if m == len(out) - 1 else e_edges[m + 1]
                out[m] += smearing.fraction[row] * max(min(high, b) - max(low, a), 0.0) / (high - low)
    return out / out.sum()


def physics_smearing(bins: int = 12, energies: F64 = None, sindec: float = 0.3) -> SmearingResponse:
    """Smearing of `release_physics`, the same at all declinations."""
    energies = np.linspace(2.0, 9.0, 15) if energies is None else energies
    parts = []
    for low, high in itertools.pairwise(energies):
        edges, psi, sigma, fraction = physics.smearing_cell(0.5 * (low + high), sindec, bins)
        columns = np.zeros((11, bins, bins, bins))
        columns[:4] = np.reshape([low, high, -1.0, 1.0], (4, 1, 1, 1))
        columns[4], columns[5] = edges[:-1, None, None], edges[1:, None, None]
        columns[6], columns[7] = psi[:, :-1, None], psi[:, 1:, None]
        columns[8], columns[9], columns[10] = sigma[:, :, :-1], sigma[:, :, 1:], fraction
        parts.append(columns.reshape(11, -1))
    table = np.concatenate(parts, axis=1)
    pairs = [table[2 * k : 2 * k + 2].T for k in range(5)]
    return SmearingResponse(*pairs[:3], np.radians(pairs[3]), np.radians(pairs[4]), table[10])


def physics_area() -> AreaTable:
    """Areas like IC86's, finer in sin δ than in a release."""
    energy = np.linspace(2.0, 9.0, 36)
    sindec = np.linspace(-1.0, 1.0, 51)
    middle = np.meshgrid(0.5 * (energy[1:] + energy[:-1]), 0.5 * (sindec[1:] + sindec[:-1]), indexing="ij")
    return AreaTable(10.0**energy, sindec, effective_area(*middle))


def physics_season(n: int, *, bins: int = 12, seed: int = 1, key: str = "MADE", sindec: float = 0.3) -> Dataset:
    """A season of n background events with the tables of `release_physics`."""
    rng = np.random.default_rng(seed)
    s, log10energy, sigma = physics.draw_background(n, rng)
    order = np.argsort(rng.random(n))
    data = Events(
        {
            "ra": 2 * np.pi * rng.random(n),
            "dec": np.arcsin(s),
            "sindec": s,
            "sigma": np.radians(sigma),
            "log10energy": log10energy,
            "mjd": np.sort(55_000 + 300 * rng.random(n)),
        }
    )[order]
    area, smearing = physics_area(), physics_smearing(bins, sindec=sindec)
    edges = np.linspace(1.0, 9.6, 87)
    return Dataset(
        key=key,
        version="made",
        data=data,
        sim=simulate_from_tables(area, smearing, n_events=200_000, min_sigma=float(np.radians(0.2))),
        grl=None,
        livetime=300.0,
        sindec_bins=np.concatenate([np.linspace(-1, -0.1, 10), np.linspace(-0.06, 0.1, 5), np.linspace(0.2, 1, 9)]),
        log10energy_bins=edges,
        notes=(),
        fingerprint=f"made {n} {bins} {seed} {sindec}",
        area=area,
        response=TabulatedResponse.of(area, smearing, min_sigma=float(np.radians(0.2))),
    )  # fmt: skip
