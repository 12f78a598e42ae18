"""The slow fit of a stack: S/B of every event summed over all sources, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

import oracle
from nusky.analysis import Analysis
from nusky.source import Sources
from nusky.trial import Trial


def fit_stack(
    analysis: Analysis, trial: Trial, src: Sources, gamma: float | None = None, n_grid: int = 41
) -> oracle.OracleFit:
    """Global maximum for S = sum_j w_j A_j S_j / sum_j w_j A_j, from the analysis' models."""
    nodes, table = analysis.acceptance_table()
    gammas = np.array(analysis.gamma_nodes)
    log_a = np.array([[np.interp(np.sin(src.dec), nodes, row) for row in season.T] for season in table])  # (K, G, J)
    weighted = src.weight * np.exp(log_a)
    values, ratios = [], []
    for k, parts in enumerate(trial.evss):
        signal: list[Any] = []
        for events in parts:
            s = np.zeros((len(events), len(gammas)))
            for j in range(len(src)):
                sigma = np.hypot(events["sigma"], src.extension[j])
                psi = oracle.separation(events["ra"], events["dec"], src.ra[j], src.dec[j])
                space = np.where(psi <= 5 * sigma, oracle.spatial_pdf(psi, sigma), 0.0)
                s += space[:, None] * weighted[k, :, j] / weighted[k].sum(axis=1)
            b = np.asarray(analysis[k].background(events["sindec"]))
            log_r = analysis[k].energy.log_ratio(events["sindec"], events["log10energy"])
            near = s.max(axis=1) > 0
            signal.append(np.log(s[near] / b[near, None]) + log_r[near])
        ratios.append(np.concatenate(signal))
        values.append(np.ones(len(ratios[-1])))
    return oracle.fit_values(
        values,
        ratios,
        trial.n_events,
        gamma_nodes=gammas,
        log_acceptance=np.log(weighted.sum(axis=2)),
        gamma=gamma,
        n_grid=n_grid,
    )
