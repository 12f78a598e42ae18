"""The detector behind the written releases: what a neutrino looks like in it, and the background.

Closed forms, so that a test can ask for the truth behind a table. For log10 E_true = t and sin δ = s:

- reconstructed energy: log10 E ~ N(0.85 t + 0.35, 0.35²), cut at ± 3.5 standard deviations;
- error: ln σ ~ N(ln median(log10 E, s), 0.45²), not below 0.2° nor above 40°;
- offset: ψ ~ Rayleigh(σ), of which a share `TAIL` has 2.5 times that width.

Background of the same log10 E has a median error 1.3 times as large: signal is measured better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

ENERGY_SLOPE, ENERGY_OFFSET, ENERGY_SPREAD, ENERGY_REACH = 0.85, 0.35, 0.35, 3.5
SIGMA_WIDTH, SIGMA_MIN, SIGMA_MAX = 0.45, 0.2, 40.0
BACKGROUND_SIGMA = 1.3
TAIL, TAIL_WIDTH = 0.1, 2.5
#: Area of a configuration relative to IC86's.
AREA_SCALE = {"IC40": 0.35, "IC59": 0.7, "IC79": 0.85, "IC86": 1.0}


def median_sigma(log10energy: F64, sindec: F64) -> F64:
    """Median σ of signal, degrees; better with energy, worse again for the southern muons' bundles."""
    x, s = np.broadcast_arrays(log10energy, sindec)
    best = 0.3 + 0.1 * np.clip(s, 0.0, 1.0) + 0.15 * np.clip(-s, 0.0, 1.0)
    return np.asarray(best + 1.5 * np.exp(-(np.clip(x, 1.0, 9.0) - 1.5) / 0.9))


def draw_sigma(log10energy: F64, sindec: F64, rng: np.random.Generator, *, scale: float = 1.0) -> F64:
    """σ, degrees."""
    median = scale * median_sigma(log10energy, sindec)
    return np.clip(median * np.exp(SIGMA_WIDTH * rng.standard_normal(len(median))), SIGMA_MIN, SIGMA_MAX)


def offset_cdf(psi_over_sigma: F64) -> F64:
    """P(ψ/σ < …)."""
    half = -0.5 * np.square(psi_over_sigma)
    return np.asarray(-(1.0 - TAIL) * np.expm1(half) - TAIL * np.expm1(half / TAIL_WIDTH**2))


def draw_background(n: int, rng: np.random.Generator) -> tuple[F64, F64, F64]:
    """sin δ, log10 E and σ (degrees) of background events: muons in the south, neutrinos in the north."""
    edges = np.linspace(-1.0, 1.0, 2001)
    s = 0.5 * (edges[1:] + edges[:-1])
    density = 3.8 / (1.0 + np.exp((s + 0.095) / 0.012)) + 4.7 * np.exp(-0.8 * s - 0.17 * s**2) / (
        1.0 + np.exp(-(s + 0.075) / 0.015)
    )
    total = np.concatenate([[0.0], np.cumsum(density)])
    sindec = np.interp(rng.random(n) * total[-1], total, edges)
    south = np.clip(-sindec - 0.1, 0.0, 1.0)
    centre = 2.9 + 2.1 * (1.0 - np.exp(-((south / 0.26) ** 1.5)))
    tail = 0.235 - 0.2 * np.clip(-sindec - 0.3, 0.0, 0.6)
    above = -np.log1p(-rng.random(n) * -np.expm1(-11.0))
    log10energy = np.maximum(centre + 0.22 * rng.standard_normal(n) + tail * above, 1.3)
    return sindec, log10energy, draw_sigma(log10energy, sindec, rng, scale=BACKGROUND_SIGMA)


def smearing_cell(log10_true_energy: float, sindec: float, bins: int) -> tuple[F64, F64, F64, F64]:
    """Smearing of one (E_ν, δ_ν) cell, at its centre.

    Returns
    -------
    energy_edges : (bins + 1,) log10 E
    psi_edges : (bins, bins + 1) degrees
    sigma_edges : (bins, bins, bins + 1) degrees
    fraction : (bins, bins, bins), sums to 1
    """
    centre = ENERGY_SLOPE * log10_true_energy + ENERGY_OFFSET
    reach = ENERGY_REACH * ENERGY_SPREAD
    energy_edges = np.round(np.linspace(centre - reach, centre + reach, bins + 1), 2)
    middle = 0.5 * (energy_edges[1:] + energy_edges[:-1])
    of_energy = np.exp(-0.5 * ((middle - centre) / ENERGY_SPREAD) ** 2) * np.diff(energy_edges)

    ln_sigma = np.linspace(np.log(SIGMA_MIN), np.log(SIGMA_MAX), 160)
    step = ln_sigma[1] - ln_sigma[0]
    sigma = np.exp(ln_sigma)
    z = (ln_sigma - np.log(median_sigma(middle, np.asarray(sindec)))[:, None]) / SIGMA_WIDTH
    weight = np.exp(-0.5 * z**2)  # (E, sigma)
    below = z[:, 0] > -4.0  # what the floor gathers sits at it
    weight[:, 0] += np.where(below, _normal_cdf(z[:, 0]) * np.sqrt(2 * np.pi) * SIGMA_WIDTH / step, 0.0)
    weight /= weight.sum(axis=1, keepdims=True)

    ln_psi = np.linspace(np.log(SIGMA_MIN * 0.02), np.log(SIGMA_MAX * 4.0), 160)
    table = offset_cdf(np.exp(ln_psi)[:, None] / sigma)  # (psi, sigma)
    cumulative = weight @ table.T  # (E, psi)
    share = np.linspace(0.0, 1.0, bins + 1)
    share[-1] = 0.9999
    psi_edges = np.array([np.exp(np.interp(share, row, ln_psi)) for row in cumulative])
    psi_edges[:, 0] = 0.0
    psi_edges = np.round(psi_edges, 4)

    inside = np.diff(offset_cdf(psi_edges[:, :, None] / sigma), axis=1) * weight[:, None, :]  # (E, psi, sigma)
    sums = np.concatenate([np.zeros((*inside.shape[:2], 1)), np.cumsum(inside, axis=2)], axis=2)
    of_psi = sums[..., -1]
    grid = np.exp(np.concatenate([[ln_sigma[0] - 0.5 * step], ln_sigma + 0.5 * step]))
    grid[0] = SIGMA_MIN
    low = grid[np.argmax(sums > 1e-3 * of_psi[..., None], axis=2) - 1]
    high = grid[np.argmax(sums > (1 - 1e-3) * of_psi[..., None], axis=2)]
    sigma_edges = np.round(low[..., None] + (high - low)[..., None] * np.linspace(0.0, 1.0, bins + 1), 4)
    flat = [
        np.diff(np.interp(edges, grid, row))
        for edges, row in zip(sigma_edges.reshape(-1, bins + 1), sums.reshape(-1, len(grid)), strict=True)
    ]
    fraction = np.array(flat).reshape(bins, bins, bins) * of_energy[:, None, None]
    return energy_edges, psi_edges, sigma_edges, fraction / fraction.sum()


def _normal_cdf(z: F64) -> F64:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))
