"""A small analysis for tests: a few thousand events of the synthetic season, set up in a fraction of a second."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import oracle
from nusky.analysis.analysis import Analysis
from nusky.analysis.season import SubAnalysis
from nusky.analysis.set_up import set_up
from nusky.data.dataset import Dataset
from nusky.trial.trial import Trial


@cache
def _whole() -> Dataset:
    from nusky import selections

    return selections.demo.read("synthetic-v1", "IC86_2011")


@cache
def season(
    key: str = "small", n_data: int = 6000, n_sim: int = 60_000, seed: int = 1, livetime: float = 100.0
) -> SubAnalysis:
    """Every so-many-th event of the synthetic season, under its own name."""
    whole = _whole()
    rng = np.random.default_rng(seed)
    data = whole.data[np.sort(rng.choice(len(whole.data), n_data, replace=False))]
    sim = whole.sim[np.sort(rng.choice(len(whole.sim), n_sim, replace=False))]
    sim = sim.with_columns(oneweight=sim["oneweight"] * (len(whole.sim) / n_sim))
    return set_up(
        Dataset(
            key=key,
            version="test",
            data=data,
            sim=sim,
            grl=None,
            livetime=livetime,
            sindec_bins=np.linspace(-1, 1, 21),
            log10energy_bins=np.linspace(1, 9.5, 35),
            notes=(),
            fingerprint=f"{key} {n_data} {n_sim} {seed} {livetime}",
        )
    )


@cache
def one_season() -> Analysis:
    """6 000 events."""
    return Analysis([season()])


@cache
def two_seasons() -> Analysis:
    """6 000 and 2 000 events, with different livetimes."""
    return Analysis([season(), season("tiny", n_data=2000, seed=2, livetime=40.0)])


def oracle_fit(analysis: Analysis, trial: Trial, ra: float, dec: float, **options: Any) -> oracle.OracleFit:
    """The slow reference fit of a trial's events at one direction, from the analysis' models."""
    seasons = []
    for k, ensembles in enumerate(trial.evss):
        columns: dict[str, list[Any]] = {name: [] for name in ("ra", "dec", "sigma", "background", "log_energy_ratio")}
        for events in ensembles:
            for name in ("ra", "dec", "sigma"):
                columns[name].append(events[name])
            columns["background"].append(analysis[k].background(events.sindec))
            ratio = analysis[k].energy.log_ratio(events.sindec, events.log10energy)
            columns["log_energy_ratio"].append(ratio.astype(np.float32))
        joined = {name: np.concatenate(parts) for name, parts in columns.items()}
        seasons.append(oracle.Season(**joined, n_events=float(trial.n_events[k])))
    nodes, log_acceptance = analysis.acceptance_table()
    return oracle.fit(
        seasons,
        ra,
        dec,
        gamma_nodes=np.array(analysis.gamma_nodes),
        sindec_nodes=nodes,
        log_acceptance=log_acceptance,
        **options,
    )
