"""A background density of the trial's own, and injectors as csky reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import nusky as cy
import template_oracle
from nusky.analysis.background import Background
from seasons import two_seasons

SRC = cy.sources(1.0, 0.1)
PRIOR = np.exp(-np.linspace(0, 8, 768))
BLOB = template_oracle.blob(4, 2.0, 0.2, 0.3)
MAKERS: dict[str, Any] = {
    "source": lambda **kw: cy.get_trial_runner(src=SRC, **kw),
    "extended": lambda **kw: cy.get_trial_runner(src=cy.sources(1.0, 0.1, extension=0.05), sigsub=True, **kw),
    "stack": lambda **kw: cy.get_trial_runner(src=cy.sources([1.0, 2.0], 0.1), **kw),
    "template": lambda **kw: cy.get_trial_runner(template=BLOB, energy=False, **{**kw, "ana": template_oracle.two()}),
    "prior": lambda **kw: cy.get_spatial_prior_trial_runner(llh_priors=PRIOR, **kw),
}


def by_hand(ana: cy.Analysis, trial: cy.Trial) -> cy.Analysis:
    """Seasons whose background is made of all events of the trial."""
    seasons = []
    for season, ensembles in zip(ana, trial.evss, strict=True):
        sindec = np.concatenate([events["sindec"] for events in ensembles])
        seasons.append(season.with_background(Background.from_data(sindec, season.background.sindec_bins)))
    return cy.Analysis(seasons)


@pytest.mark.parametrize("what", sorted(MAKERS))
def test_the_background_is_that_of_the_trials_events(what: str) -> None:
    ana = template_oracle.two() if what == "template" else two_seasons()
    tr, own = (MAKERS[what](ana=ana, update_bg=update) for update in (True, False))
    trial = tr.get_one_trial(150, seed=2)
    updated = replace(MAKERS[what](ana=ana), analysis=by_hand(ana, trial))
    expected = updated.get_one_fit_from_trial(cy.Trial.from_events(trial.evss, trial.n_exs))
    fit = tr.get_one_fit_from_trial(trial)
    assert fit.ts == pytest.approx(expected.ts, rel=1e-5)
    assert fit.ns == pytest.approx(expected.ns, rel=1e-4)
    assert fit.ts != own.get_one_fit_from_trial(trial).ts
    # one by one, in many and as a likelihood it is the same
    assert tr.get_many_fits(1, 150, seed=2).ts[0] == tr.get_one_fit(150, seed=2).ts == fit.ts
    if what == "source":
        assert tr.get_one_llh_from_trial(trial).get_minus_llh_ratio(fit.ns, fit.gamma) == pytest.approx(
            -fit.ts / 2, rel=1e-5
        )
    assert tr.config_hash != own.config_hash


@pytest.mark.parametrize("what", sorted(MAKERS))
def test_without_signal_it_is_the_seasons_own(what: str) -> None:
    tr, own = (MAKERS[what](ana=two_seasons(), update_bg=update) for update in (True, False))
    assert tr.get_many_fits(2, seed=3).ts.tolist() == own.get_many_fits(2, seed=3).ts.tolist()
    assert tr.get_one_fit(TRUTH=True).ts == own.get_one_fit(TRUTH=True).ts


def test_several_hypotheses_fit_trials_of_their_own_backgrounds() -> None:
    tr = MAKERS["source"](ana=two_seasons(), update_bg=True)
    multi = cy.trial.MultiTrialRunner(tr.ana, tr, [tr, replace(tr, update_bg=False)])
    row = multi.get_many_trials(1, 100, seed=1)
    assert row["ts_0000"][0] == tr.get_one_fit(100, seed=1).ts != row["ts_0001"][0]


def test_a_scan_has_the_background_of_its_trial() -> None:
    sstr, own = (cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=4, src=SRC, update_bg=u) for u in (True, False))
    trial = sstr.get_one_trial(200, seed=1)
    expected = cy.get_sky_scan_trial_runner(ana=by_hand(two_seasons(), trial), nside=4)
    again = expected.get_one_scan_from_trial(cy.Trial.from_events(trial.evss, trial.n_exs))
    scan = sstr.get_one_scan_from_trial(trial)
    np.testing.assert_allclose(scan.ts, again.ts, rtol=1e-4, atol=1e-6)
    assert np.any(scan.ts != own.get_one_scan_from_trial(trial).ts)
