"""A season whose simulation has the rates of its background, and whose data are drawn from these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nusky.analysis.analysis import Analysis
from nusky.analysis.set_up import ModelOptions, set_up
from nusky.events import Events
from small_analysis import small_dataset

NAMES = ("conv", "astro")


def simulated_analysis(n_data: int = 2_000, n_sim: int = 20_000) -> Analysis:
    """Atmospheric events of E^-3.7, more of them at the horizon, and 5 % of E^-2.5."""
    dataset = small_dataset(n_data=n_data, n_sim=n_sim)
    sim, total = dataset.sim, n_data / (dataset.livetime * 86_400)
    weights = []
    for gamma, share, shape in ((3.7, 0.95, 1.5 - np.abs(np.sin(sim["true_dec"]))), (2.5, 0.05, 1.0)):
        rate = sim["oneweight"] * sim["true_energy"] ** -gamma * shape
        weights.append(rate / rate.sum() * share * total)
    sim = sim.with_columns(conv=weights[0], astro=weights[1], below=-np.ones(n_sim))
    rng = np.random.default_rng(7)
    rows = rng.choice(n_sim, n_data, p=(weights[0] + weights[1]) / total)
    columns = {name: sim[name][rows] for name in ("dec", "sindec", "sigma", "log10energy")}
    data = Events({**columns, "ra": rng.uniform(0, 2 * np.pi, n_data), "mjd": dataset.data["mjd"]})
    options = ModelOptions(gammas=tuple(np.linspace(1, 4, 13).tolist()))
    return Analysis([set_up(replace(dataset, data=data, sim=sim, fingerprint=f"simulated-{n_data}-{n_sim}"), options)])
