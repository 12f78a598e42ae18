"""Lists of sources: the corrected p of the best source and of the binomial test are uniform for background."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from nusky.catalogs import binomial_test
from seasons import one_season
from transient_season import FIRST, timed_analysis

pytestmark = pytest.mark.slow

N_BACKGROUND, N_NEW = 1500, 600


@pytest.mark.parametrize("tail", [False, True])
def test_p_of_the_list_are_uniform(tail: bool) -> None:
    rng = np.random.default_rng(3)
    # some of them so close that they share their events
    ra, dec = rng.uniform(0, 2 * np.pi, 20), np.arcsin(rng.uniform(-0.8, 1.0, 20))
    ra[10:14], dec[10:14] = ra[0] + np.array([0.01, 0.02, 0.03, 0.04]), dec[0]
    tr = cy.get_source_list_trial_runner(ana=one_season(), src=cy.sources(ra % (2 * np.pi), dec))
    tr = tr.with_background(N_BACKGROUND, seed=1, tail=tail)
    local = tr.local_p
    p = local.p(tr.fit_sources(N_NEW, seed=2).ts)
    for new, old in (
        (p.min(axis=1), local.of_trials.min(axis=1)),
        (binomial_test(p).p, binomial_test(local.of_trials).p),
    ):
        post = (1 + np.searchsorted(np.sort(old), new, side="right")) / (1 + N_BACKGROUND)
        for alpha in (0.02, 0.1, 0.3, 0.6):
            error = np.sqrt(alpha * (1 - alpha) * (1 / N_NEW + 1 / N_BACKGROUND))
            assert np.mean(post <= alpha) == pytest.approx(alpha, abs=4 * error + 1 / N_BACKGROUND)


def test_p_of_flares_of_a_list_are_uniform_and_its_signal_is_found() -> None:
    n_background, n_new = 700, 400
    ana = timed_analysis(FIRST, FIRST + 120, n_data=3000)
    src = cy.sources([1.0, 1.03, 3.0, 5.0], [0.1, 0.1, -0.3, 0.7])
    kw = {"t0": [FIRST + 30.0, FIRST + 35.0, FIRST + 60.0, FIRST + 80.0], "dt": 4.0}
    tr = cy.get_source_list_trial_runner(ana=ana, src=src, time="utf", box=True, sig="tw", sig_kw=kw)
    tr = tr.with_background(n_background, seed=1)
    local = tr.local_p
    best = local.p(tr.fit_sources(n_new, seed=2).ts).min(axis=1)
    post = (1 + np.searchsorted(np.sort(local.of_trials.min(axis=1)), best, side="right")) / (1 + n_background)
    for alpha in (0.05, 0.2, 0.5):
        error = np.sqrt(alpha * (1 - alpha) * (1 / n_new + 1 / n_background))
        assert np.mean(post <= alpha) == pytest.approx(alpha, abs=4 * error + 1 / n_background)
    fits = tr.fit_sources(100, 40, seed=3)
    shares = tr.stack_injector.shares
    for j in range(2, 4):  # the first two share their events
        found = fits.ts[:, j] > 25
        assert np.median(fits.t0[found, j]) == pytest.approx(kw["t0"][j], abs=0.5)
        assert np.mean(fits.ns[:, j]) == pytest.approx(40 * shares[j], rel=0.15, abs=1.0)
