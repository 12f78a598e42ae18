"""A season small enough to be set up in a moment: for tests that need a real analysis and not much of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nusky.analysis.analysis import Analysis
from nusky.analysis.set_up import ModelOptions, set_up
from nusky.data.dataset import Dataset
from nusky.events import Events
from nusky.sphere.rotation import offset_by


def small_dataset(
    key: str = "small",
    n_data: int = 2_000,
    n_sim: int = 20_000,
    seed: int = 1,
    sigma_deg: tuple[float, float] = (0.5, 2.0),
    even: bool = False,
) -> Dataset:
    """Isotropic background of a steep spectrum, E⁻² simulation, σ uniform between two values.

    With `even` the declinations do not fluctuate: they lie at equal steps of sin δ, as the background model has them.
    """
    rng = np.random.default_rng(seed)
    n_sky, livetime = 4 * np.pi, 100.0
    dec = np.arcsin(rng.uniform(-1, 1, n_data))
    if even:
        dec = rng.permutation(np.arcsin((np.arange(n_data) + 0.5) / n_data * 2 - 1))
    data = {
        "ra": rng.uniform(0, 2 * np.pi, n_data),
        "dec": dec,
        "sindec": np.sin(dec),
        "sigma": np.radians(rng.uniform(*sigma_deg, n_data)),
        "log10energy": 2.5 + rng.exponential(0.4, n_data),
        "mjd": np.sort(rng.uniform(56_000, 56_000 + livetime, n_data)),
    }
    true_ra, true_dec = rng.uniform(0, 2 * np.pi, n_sim), np.arcsin(rng.uniform(-1, 1, n_sim))
    log_true = rng.uniform(2, 7, n_sim)
    sigma = np.radians(rng.uniform(*sigma_deg, n_sim))
    ra, sim_dec = offset_by(true_ra, true_dec, rng.rayleigh(sigma), rng.uniform(0, 2 * np.pi, n_sim))
    area = 1e2 * 10 ** np.minimum(log_true, 5)  # cm²
    sim = {
        "ra": ra,
        "dec": sim_dec,
        "sindec": np.sin(sim_dec),
        "sigma": sigma,
        "log10energy": 0.85 * log_true + 0.35 + 0.3 * rng.standard_normal(n_sim),
        "true_ra": true_ra,
        "true_dec": true_dec,
        "true_energy": 10**log_true,
        "oneweight": area * n_sky * 10**log_true * np.log(10) * 5 / n_sim,
    }
    return Dataset(
        key=key,
        version="v1",
        data=Events(data),
        sim=Events(sim),
        grl=None,
        livetime=livetime,
        sindec_bins=np.linspace(-1, 1, 11),
        log10energy_bins=np.linspace(1, 8, 29),
        notes=(),
        fingerprint=f"{key}-{n_data}-{n_sim}-{seed}-{sigma_deg}-{even}",
    )


def small_analysis(*keys: str, **size: Any) -> Analysis:
    """Analysis of one small season, or of one for each key."""
    options = ModelOptions(gammas=tuple(np.linspace(1, 4, 13).tolist()))
    return Analysis([set_up(small_dataset(k, seed=i + 1, **size), options) for i, k in enumerate(keys or ("small",))])
