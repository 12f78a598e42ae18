"""From tables to an equivalent simulated set: effective area, energy and angular response."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from nusky.events import Events
from nusky.response.area import AreaTable
from nusky.sphere.rotation import offset_by
from nusky.typing import F64

__all__ = ["Response", "simulate_from_tables"]

_GOLDEN = 0.5 * (5.0**0.5 - 1.0)


class Response(Protocol):
    """What a detector makes of a neutrino: anything with this one method can be used."""

    def draw(self, true_energy: F64, true_sindec: F64, rng: np.random.Generator) -> tuple[F64, F64, F64]:
        """Reconstructed log10(E/GeV), separation ψ (rad) of reconstructed and true direction, σ (rad); (N,) each."""
        ...


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
    >>> from nusky.response import AreaTable, StandInResponse, simulate_from_tables
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
