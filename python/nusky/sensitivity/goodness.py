"""Goodness of fit: do the events around a source look as the fit says?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from nusky.dists import PValue, counted_p
from nusky.hyp import PowerLawFlux
from nusky.typing import F64

__all__ = ["GoodnessOfFit", "goodness_of_fit"]

# Rings in ψ/σ, and bins of log10 E between these quantiles of the events near the source
_RINGS = np.array([0.0, 0.7, 1.2, 1.7, 2.5, 5.0])
_ENERGIES = (0.5, 0.9)


@dataclass(frozen=True, eq=False)
class GoodnessOfFit:
    """How well the events around a source agree with the best fit.

    Attributes
    ----------
    p : PValue
        Fraction of trials made with the fitted n_s and γ whose events agree worse. Small: the fit does not describe
        them. It says nothing about a source: that is what TS does.
    deviance : float
        2 Σ [μ − n + n ln(n/μ)] over the cells.
    counts, expected : (R, E)
        Events in each ring and bin of energy, and their mean in the trials.
    rings : (R + 1,) edges in ψ/σ
    log10energy : (E + 1,) edges
    """

    p: PValue
    deviance: float
    counts: F64
    expected: F64
    rings: F64
    log10energy: F64


def goodness_of_fit(runner: Any, trial: Any, n_trials: int = 200, *, seed: int, fit: Any = None) -> GoodnessOfFit:
    """Compare the events around a source with trials of its best fit, in rings of ψ/σ and bins of energy.

    Parameters
    ----------
    runner : TrialRunner
        Of the source.
    trial : Trial
    n_trials : int
        Made with the fitted signal injected; their mean is what is expected.
    seed : int
    fit : Fit, optional
        Default: that of the trial.

    Returns
    -------
    GoodnessOfFit

    Notes
    -----
    The parameters are those of the fit and are not fitted again in every trial: p is somewhat too large.

    Examples
    --------
    >>> goodness_of_fit(tr, tr.get_one_trial(TRUTH=True), seed=1).p                  # doctest: +SKIP
    """
    if n_trials < 10:
        raise ValueError(f"n_trials={n_trials}: give at least 10")
    reading = runner.get_one_llh_from_trial(trial)
    best = reading.fit() if fit is None else fit
    energy = np.concatenate([season.events["log10energy"] for season in reading.seasons])
    inner = np.quantile(energy, _ENERGIES) if len(energy) else np.array([3.0, 4.0])
    edges = np.concatenate([[-np.inf], np.unique(inner), [np.inf]])
    like_it = runner
    if np.isfinite(best.gamma):
        flux = PowerLawFlux(best.gamma)
        like_it = dataclasses.replace(runner, injection=dataclasses.replace(runner.injection, flux=flux))
    observed = _counts(runner, reading, edges)
    made = np.array([
        _counts(runner, runner.get_one_llh_from_trial(like_it.draw_trial(seed, j, best.ns, best.ns > 0)), edges)
        for j in range(n_trials)
    ])  # fmt: skip
    expected = made.mean(axis=0)
    # each trial against the mean of the others, as the observed one is
    others = np.maximum((made.sum(axis=0) - made) / (n_trials - 1), 0.5 / n_trials)
    deviances = _deviance(made, others)
    here = float(_deviance(observed, np.maximum(expected, 0.5 / n_trials)))
    p = counted_p(int(np.count_nonzero(deviances >= here)), n_trials)
    return GoodnessOfFit(p, here, observed, expected, _RINGS, edges)


def _counts(runner: Any, reading: Any, edges: F64) -> F64:
    total = np.zeros((len(_RINGS) - 1, len(edges) - 1))
    for season in reading.seasons:
        sigma = np.hypot(season.events["sigma"], runner.likelihood.extension)
        ring = np.digitize(season.separation / sigma, _RINGS) - 1
        column = np.digitize(season.events["log10energy"], edges) - 1
        inside = ring < len(_RINGS) - 1
        np.add.at(total, (ring[inside], column[inside]), 1)
    return total


def _deviance(counts: F64, expected: F64) -> Any:
    from scipy.special import xlogy

    return 2 * (expected - counts + xlogy(counts, counts / expected)).sum(axis=(-2, -1))
