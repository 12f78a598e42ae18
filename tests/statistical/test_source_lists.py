"""Lists of sources: the corrected p of the best source and of the binomial test are uniform for background."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from nusky.catalogs import binomial_test
from seasons import one_season

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
