"""From tables to an equivalent simulated set: effective area, energy and angular response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nusky.events import Events
from nusky.sphere.rotation import offset_by
from nusky.typing import F64

__all__ = [
    "AreaTable",
    "Response",
    "SmearingResponse",
    "StandInResponse",
    "draw_separation",
    "simulate_from_tables",
]


#: Above this σ the spatial term is von Mises–Fisher, below Gaussian (statistics: "Spatial term").
_FISHER_ABOVE = float(np.radians(7.0))

_GOLDEN = 0.5 * (5.0**0.5 - 1.0)


@dataclass(frozen=True, eq=False)
class AreaTable:
    """Effective area in cells of energy and sin δ, constant inside a cell.

    Parameters
    ----------
    energy_edges : (M+1,) GeV, increasing
    sindec_edges : (L+1,) increasing, within −1 … 1
    area : (M, L) cm², finite, ≥ 0

    Raises
    ------
    ValueError
        Shapes that do not fit, edges that do not increase, areas negative, not finite or all zero.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.releases.response import AreaTable
    >>> table = AreaTable(np.array([1e3, 1e4]), np.array([-1.0, 1.0]), np.array([[2.0]]))
    >>> round(table.integral(2.0) / (4 * np.pi), 6)   # 2 cm² · (1e-3 − 1e-4) GeV⁻¹
    0.0018
    """

    energy_edges: F64
    sindec_edges: F64
    area: F64

    def __post_init__(self) -> None:
        for name in ("energy_edges", "sindec_edges"):
            edges = getattr(self, name)
            if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
                raise ValueError(f"{name} must be at least two increasing edges, got {edges!r}")
        if not self.energy_edges[0] > 0:
            raise ValueError(f"energy_edges start at {self.energy_edges[0]!r} GeV; energies are positive")
        if self.sindec_edges[0] < -1 or self.sindec_edges[-1] > 1:
            raise ValueError(f"sindec_edges run {self.sindec_edges[0]} to {self.sindec_edges[-1]}; sin δ is in [-1, 1]")
        shape = (len(self.energy_edges) - 1, len(self.sindec_edges) - 1)
        if self.area.shape != shape:
            raise ValueError(f"area has shape {self.area.shape}, the edges ask for {shape}")
        if not np.all(np.isfinite(self.area)) or self.area.min() < 0 or self.area.max() <= 0:
            raise ValueError("area must be finite, nowhere negative and somewhere positive")

    def integral(self, gamma: float, sindec_min: float = -1.0, sindec_max: float = 1.0) -> float:
        """∫∫ A(E, δ) (E/GeV)^−γ dE dΩ over a declination band, exactly, in GeV cm² sr."""
        lo, hi = self.energy_edges[:-1], self.energy_edges[1:]
        if abs(gamma - 1.0) < 1e-12:
            per_energy = np.log(hi / lo)
        else:
            per_energy = (hi ** (1.0 - gamma) - lo ** (1.0 - gamma)) / (1.0 - gamma)
        overlap = np.minimum(self.sindec_edges[1:], sindec_max) - np.maximum(self.sindec_edges[:-1], sindec_min)
        return float(2.0 * np.pi * per_energy @ self.area @ np.maximum(overlap, 0.0))


class Response(Protocol):
    """What a detector makes of a neutrino: anything with this one method can be used."""

    def draw(self, true_energy: F64, true_sindec: F64, rng: np.random.Generator) -> tuple[F64, F64, F64]:
        """Reconstructed log10(E/GeV), separation ψ (rad) of reconstructed and true direction, σ (rad); (N,) each."""
        ...


@dataclass(frozen=True, eq=False)
class StandInResponse:
    """Response for releases that publish areas but no smearing: a stated stand-in, not a measurement.

    log10 E = slope·log10 E_true + offset + spread·N(0, 1); σ is that of one of the season's own events near the same
    sin δ and log10 E; ψ follows the spatial term with that σ, so σ and offsets agree by construction.

    Parameters
    ----------
    season : Events
        The season's data: `sindec`, `log10energy`, `sigma`.
    slope, offset, spread : float
        Energy stand-in, in log10(E/GeV).
    neighbours : int
        σ is drawn among so many events nearest in log10 E, in a declination band of about 3000 events or more.
    rounding : float
        Step to which the release rounds log10 E; ties within it are ordered at random.
    """

    season: Events
    slope: float = 0.85
    offset: float = 0.35
    spread: float = 0.35
    neighbours: int = 100
    rounding: float = 0.0

    def draw(self, true_energy: F64, true_sindec: F64, rng: np.random.Generator) -> tuple[F64, F64, F64]:
        n = len(true_energy)
        log10energy = self.slope * np.log10(true_energy) + self.offset + self.spread * rng.standard_normal(n)
        sigma = self._season_sigma(true_sindec, log10energy, rng)
        return log10energy, draw_separation(sigma, rng), sigma

    def _season_sigma(self, sindec: F64, log10energy: F64, rng: np.random.Generator) -> F64:
        season = self.season
        bands = int(np.clip(len(season) // 3000, 1, 40))
        edges = np.quantile(season.sindec, np.linspace(0, 1, bands + 1)[1:-1])
        # One sorted key for all bands: band number · 1000 + log10 E, so that one searchsorted serves every event.
        untied = season.log10energy + self.rounding * (rng.random(len(season)) - 0.5)
        key = 1000.0 * np.searchsorted(edges, season.sindec, side="right") + untied
        order = np.argsort(key, kind="stable")
        key = key[order]
        sigma = season.sigma[order]
        band = np.searchsorted(edges, sindec, side="right")
        starts = np.searchsorted(key, 1000.0 * np.arange(bands + 1) - 500.0)
        first, last = starts[band], starts[band + 1]
        count = np.minimum(self.neighbours, last - first)
        middle = np.searchsorted(key, 1000.0 * band + log10energy)
        low = np.clip(middle - count // 2, first, last - count)
        return np.asarray(sigma[low + (rng.random(len(sindec)) * count).astype(np.int64)])


@dataclass(frozen=True, eq=False)
class SmearingResponse:
    """Response from a smearing matrix of the ten-year release.

    Each row is one filled cell: for neutrinos with log10 E_ν and δ_ν in given ranges, the fraction of events with
    reconstructed log10 E, ψ (PSF) and σ (AngErr) in given ranges; uniform inside a cell.

    Parameters
    ----------
    log10_true_energy, sindec, log10energy, psi, sigma : (R, 2)
        Lower and upper edges of every row; sin δ_ν, angles in rad.
    fraction : (R,)
        Fractional counts, ≥ 0; normalised here for every (E_ν, δ_ν).

    Raises
    ------
    ValueError
        A range is reversed, a fraction negative or not finite, or there is no filled row.
    """

    log10_true_energy: F64
    sindec: F64
    log10energy: F64
    psi: F64
    sigma: F64
    fraction: F64

    def __post_init__(self) -> None:
        for name in ("log10_true_energy", "sindec", "log10energy", "psi", "sigma"):
            edges = getattr(self, name)
            if edges.shape != (len(self.fraction), 2) or not np.all(np.isfinite(edges)):
                raise ValueError(f"smearing matrix: {name} must be finite of shape ({len(self.fraction)}, 2)")
            if np.any(edges[:, 1] < edges[:, 0]):
                row = int(np.argmax(edges[:, 1] < edges[:, 0]))
                raise ValueError(f"smearing matrix: row {row} (counted from 0) has {name} reversed: {edges[row]}")
        if not np.all(np.isfinite(self.fraction)) or np.any(self.fraction < 0) or not np.any(self.fraction > 0):
            raise ValueError("smearing matrix: fractional counts must be finite, nowhere negative, somewhere positive")

    def draw(self, true_energy: F64, true_sindec: F64, rng: np.random.Generator) -> tuple[F64, F64, F64]:
        rows, cell_of_row, cells = self._cells()
        starts = np.searchsorted(cell_of_row, np.arange(len(cells) + 1))
        # A cumulative sum over all rows with every cell scaled to 1: a draw in cell c is c + U.
        total = np.add.reduceat(self.fraction[rows], starts[:-1])
        weight = self.fraction[rows] / total[cell_of_row]
        cumulative = np.cumsum(weight)
        cumulative -= (cumulative[starts[:-1]] - weight[starts[:-1]])[cell_of_row]
        cell = self._nearest_cell(cells, np.log10(true_energy), true_sindec)
        position = np.searchsorted(cell_of_row + cumulative, cell + rng.random(len(cell)), side="right")
        row = rows[np.clip(position, starts[cell], starts[cell + 1] - 1)]
        uniform = rng.random((3, len(cell)))
        out = []
        for edges, u in zip((self.log10energy, self.psi, self.sigma), uniform, strict=True):
            out.append(edges[row, 0] + u * (edges[row, 1] - edges[row, 0]))
        return out[0], out[1], out[2]

    def _cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64], F64]:
        """Filled rows ordered by cell, the cell of each, and the edges of the cells (sin δ, log10 E_ν)."""
        rows = np.flatnonzero(self.fraction > 0)
        at_sindec = np.unique(self.sindec[rows, 0], return_inverse=True)[1]
        low_energy, at_energy = np.unique(self.log10_true_energy[rows, 0], return_inverse=True)
        number = at_sindec * len(low_energy) + at_energy
        order = np.argsort(number, kind="stable")
        rows, number = rows[order], number[order]
        first = np.flatnonzero(np.diff(number, prepend=-1))
        cells = np.column_stack([self.sindec[rows[first]], self.log10_true_energy[rows[first]]])
        return rows, np.cumsum(np.diff(number, prepend=-1) > 0) - 1, cells

    @staticmethod
    def _nearest_cell(cells: F64, log10_true_energy: F64, sindec: F64) -> NDArray[np.int64]:
        """Index of the filled cell that holds each neutrino, or is nearest in energy in its declination band."""
        band_low, band_of_cell = np.unique(cells[:, 0], return_inverse=True)
        band = np.clip(np.searchsorted(band_low, sindec, side="right") - 1, 0, len(band_low) - 1)
        out = np.empty(len(sindec), dtype=np.int64)
        for b in range(len(band_low)):
            inside = np.flatnonzero(band_of_cell == b)
            centre = 0.5 * (cells[inside, 2] + cells[inside, 3])
            between = 0.5 * (centre[1:] + centre[:-1])
            here = band == b
            out[here] = inside[np.searchsorted(between, log10_true_energy[here], side="right")]
        return out


def draw_separation(sigma: F64, rng: np.random.Generator) -> F64:
    """Angle ψ (rad) between reconstructed and true direction for errors σ (rad), from the spatial term itself.

    σ ≤ 7°: ψ = σ √(−2 ln U), the two-dimensional Gaussian; above: von Mises–Fisher with κ = 1/σ².
    """
    u = 1.0 - rng.random(len(sigma))  # in (0, 1]: the logarithm stays finite
    psi = sigma * np.sqrt(-2.0 * np.log(u))
    wide = sigma > _FISHER_ABOVE
    if wide.any():
        variance = sigma[wide] ** 2
        # cos ψ = 1 + ln(u + (1 − u) e^{−2κ})/κ, written so that a large κ neither overflows nor cancels.
        cosine = 1.0 + variance * np.log(u[wide] + (1.0 - u[wide]) * np.exp(-2.0 / variance))
        psi[wide] = np.arccos(np.clip(cosine, -1.0, 1.0))
    return psi


def simulate_from_tables(
    area: AreaTable, response: Response, *, n_events: int = 400_000, seed: int = 0, min_sigma: float = 0.0
) -> Events:
    """Simulated signal events that stand for an effective-area table and a response.

    Parameters
    ----------
    area : AreaTable
    response : Response
    n_events : int
        Aim; cells of the table get a share in proportion to Δlog10 E · Δ sin δ, at least 8 each.
    seed : int
        Same seed, same events.
    min_sigma : float
        Floor of σ, rad.

    Returns
    -------
    Events
        Columns of `Dataset.sim`. In a cell of area A, solid angle ΔΩ and width Δ ln E with n events, each has
        oneweight = A·ΔΩ·E·Δ ln E / n, so that Σ oneweight·φ(E) → ∫ A φ dE dΩ. Both are uniform in a cell (in ln E and
        sin δ), stratified and evenly spread: the sum is within 0.1 % of the integral for γ = 1.5 … 3.5 in bands of
        declination, where independent draws would need some hundred times as many events.

    Raises
    ------
    ValueError
        `n_events` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky import Events
    >>> from nusky.releases.response import AreaTable, StandInResponse, simulate_from_tables
    >>> season = Events({"sindec": np.zeros(5), "log10energy": np.full(5, 3.0), "sigma": np.full(5, 0.02)})
    >>> table = AreaTable(np.geomspace(1e2, 1e6, 5), np.linspace(-1, 1, 11), np.ones((4, 10)))
    >>> sim = simulate_from_tables(table, StandInResponse(season), n_events=4000)
    >>> ratio = (sim.oneweight * sim.true_energy**-2).sum() / table.integral(2.0)
    >>> bool(abs(ratio - 1) < 1e-3)
    True
    """
    if n_events < 1:
        raise ValueError(f"n_events={n_events}; at least one event is needed")
    rng = np.random.default_rng(seed)
    log_edges = np.log(area.energy_edges)
    width_e, width_s = np.diff(log_edges), np.diff(area.sindec_edges)
    i, j = np.nonzero(area.area > 0)
    measure = width_e[i] * width_s[j]
    count = np.maximum(8, np.rint(n_events * measure / measure.sum()).astype(np.int64))
    cell = np.repeat(np.arange(len(count)), count)
    n = len(cell)
    stratum = np.arange(n) - np.repeat(np.cumsum(count) - count, count)
    log_energy = log_edges[i[cell]] + width_e[i[cell]] * (stratum + rng.random(n)) / count[cell]
    # Multiples of the golden ratio, shifted at random in each cell, fill [0, 1) evenly for any number of events and go
    # through all of it within every short stretch of energy, so bands that cut a cell keep its spectrum.
    filling = np.mod(rng.random(len(count))[cell] + _GOLDEN * stratum, 1.0)
    true_sindec = area.sindec_edges[j[cell]] + width_s[j[cell]] * filling
    true_energy = np.exp(log_energy)
    oneweight = (area.area[i, j] * 2.0 * np.pi * measure / count)[cell] * true_energy

    log10energy, psi, sigma = response.draw(true_energy, true_sindec, rng)
    true_ra = 2.0 * np.pi * rng.random(n)
    true_dec = np.arcsin(np.clip(true_sindec, -1.0, 1.0))
    ra, dec = offset_by(true_ra, true_dec, psi, 2.0 * np.pi * rng.random(n))
    return Events(
        {
            "ra": ra,
            "dec": dec,
            "sindec": np.sin(dec),
            "sigma": np.maximum(sigma, min_sigma),
            "log10energy": log10energy,
            "true_ra": true_ra,
            "true_dec": true_dec,
            "true_energy": true_energy,
            "oneweight": oneweight,
        }
    )
