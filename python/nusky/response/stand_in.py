"""`StandInResponse`: energy and angular response where a release publishes none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nusky.events import Events
from nusky.typing import F64

__all__ = ["StandInResponse", "draw_separation"]

#: Above this σ the spatial term is von Mises–Fisher, below Gaussian (statistics: "Spatial term").
_FISHER_ABOVE = float(np.radians(7.0))


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
