"""Readings of a likelihood agree with the fit of the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from seasons import one_season, two_seasons

SRC = cy.sources(1.0, 0.2)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gamma": 2.5},
        {"energy": False},
        {"energy": "customflux", "flux": cy.hyp.PowerLawFlux(2.5, energy_cutoff=1e5)},
    ],
    ids=["fit", "fixed", "off", "flux"],
)
def test_the_best_fit_is_the_maximum_of_what_is_read(settings: dict[str, Any]) -> None:
    tr = cy.get_trial_runner(ana=two_seasons(), src=SRC, **settings)
    L = tr.get_one_llh(10, seed=3)
    fit = L.fit(_fmin_method="minuit")
    gamma = fit.gamma if tr.likelihood.mode == "fit" else None
    assert -2 * L.get_minus_llh_ratio(fit.ns, gamma) == pytest.approx(fit.ts, rel=1e-6)
    ns = fit.ns * np.linspace(0.9, 1.1, 21)
    ts, mesh = L.scan_ts(ns=ns, gamma=None if gamma is None else [gamma - 0.02, gamma, gamma + 0.02])
    assert ts.shape == mesh[0].shape == mesh[-1].shape
    assert ts.max() <= fit.ts * (1 + 1e-6)
    assert L.get_minus_llh_ratio(0.0, gamma) == 0
    events = L.carrying(fit)
    assert events.injected[:8].sum() >= 5
    assert (np.diff(events.ts) <= 0).all()


def test_a_time_window_is_read_with_the_extended_likelihood() -> None:
    ana = one_season()
    start = float(np.median(ana[0].data["mjd"]))
    tr = cy.get_trial_runner(ana=ana, src=cy.sources(1.0, 0.2, mjd=start, t_100=2.0, sigma_t=0.3), use_grl=False)
    L = tr.get_one_llh(4, seed=2)
    fit = L.fit()
    assert L.extended
    assert -2 * L.get_minus_llh_ratio(fit.ns, fit.gamma) == pytest.approx(fit.ts, rel=1e-6)
    assert L.llh_model.N_bg == pytest.approx(sum(on.n_background for on in tr.on_time or ()))


def test_inspect_reads_the_terms_of_each_ensemble() -> None:
    tr = cy.get_trial_runner(ana=two_seasons(), src=SRC)
    L = tr.get_one_llh_from_trial(tr.get_one_trial(10, seed=3))
    n = sum(len(cy.inspect.get_space_eval(L, k, 1)(gamma=2)[0]) for k in range(2))
    assert 5 <= n <= 10
    signal, background = (cy.inspect.get_energy_eval(L, 0, j)(gamma=2)[0] for j in (1, 0))
    assert np.median(signal) > np.median(background)
    assert cy.inspect.get_llh_model(L).n_events == tr.get_one_trial(10, seed=3).n_events[1]
    assert cy.inspect.get_pdf_ratio_model(tr, 0) is two_seasons()[0]
    with pytest.raises(TypeError, match="give gamma="):
        L.get_minus_llh_ratio(3.0)
    with pytest.raises(ValueError, match="ensemble 2 is not there"):
        cy.inspect.get_space_eval(L, 0, 2)()
    with pytest.raises(ValueError, match="season 5 is not there"):
        cy.inspect.get_space_eval(L, 5)
