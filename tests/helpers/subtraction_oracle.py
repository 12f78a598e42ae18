"""The signal-subtracted likelihood by brute force: V from many right ascensions, the maximum from a fine grid of γ."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from nusky.trial import Trial
from nusky.typing import F64


def density(values: Any, k: int, ra: F64, dec: F64, sigma: F64) -> F64:
    """(N, G) S of events at the γ nodes, or in one column."""
    found = values.signal(k, np.mod(ra, 2 * np.pi), dec, sigma)
    shape = np.zeros((len(found.rows), 1)) if found.log_shape is None else found.log_shape
    out = np.zeros((len(ra), shape.shape[1]))
    out[found.rows] = found.density[:, None] * np.exp(shape)
    return out


def taken(values: Any, k: int, n_ra: int = 720) -> F64:
    """(C, G) V of a season."""
    season = values.model.analysis[k]
    data, bins = season.data, season.background.sindec_bins
    total = sum(
        density(values, k, np.full(len(data), 2 * np.pi * i / n_ra), data["dec"], data["sigma"]) for i in range(n_ra)
    )
    ratio = np.asarray(total) / n_ra / season.background(data["sindec"])[:, None]
    cell = np.clip(np.digitize(data["sindec"], bins) - 1, 0, len(bins) - 2)
    signal = np.array([ratio[cell == c].sum(axis=0) for c in range(len(bins) - 1)])
    events = np.array([np.sum(cell == c) for c in range(len(bins) - 1)])
    return signal / signal.sum(axis=0) / np.maximum(events, 1)[:, None] * len(data)


def fit(values: Any, trial: Trial, gammas: F64) -> tuple[float, float, float]:
    """The highest TS over some nodes of γ, its n_s and γ."""
    nodes = values.gamma_nodes
    log_a = values.log_acceptance()
    best = (0.0, 0.0, np.nan)
    subtracted = [taken(values, k) for k in range(len(values.model.analysis))]
    parts = []
    for k, ensembles in enumerate(trial.evss):
        season = values.model.analysis[k]
        for events in ensembles:
            s = density(values, k, events["ra"], events["dec"], events["sigma"])
            ratio = season.energy.log_ratio(events["sindec"], events["log10energy"])
            cell = np.clip(np.digitize(events["sindec"], season.background.sindec_bins) - 1, 0, len(subtracted[k]) - 1)
            parts.append((k, s, ratio, season.background(events["sindec"]), cell))
    for gamma in gammas:
        g = int(np.argmin(np.abs(nodes - gamma)))
        at = log_a[:, g if log_a.shape[1] > 1 else 0]
        share = np.exp(at - at.max()) / np.exp(at - at.max()).sum()
        z = []
        for k, s, ratio, b, cell in parts:
            own, v = (table[:, g if table.shape[1] > 1 else 0] for table in (s, subtracted[k]))
            z.append(share[k] / trial.n_events[k] * (own / b * np.exp(ratio[:, g]) - v[cell]))
        every = np.concatenate(z)
        edge = min(min(trial.n_events), -1 / every.min()) * (1 - 1e-9)
        slow = minimize_scalar(lambda n, z=every: -np.log1p(n * z).sum(), bounds=(0, edge), method="bounded")
        if -2 * slow.fun > best[0]:
            best = (-2 * slow.fun, float(slow.x), float(nodes[g]))
    return best
