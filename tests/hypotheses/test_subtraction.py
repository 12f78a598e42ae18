"""The signal-subtracted likelihood of sources, stacks and templates, against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
import subtraction_oracle
import template_oracle
from nusky.likelihood.reading import space_density
from nusky.likelihood.spectrum_fit import best_ns
from nusky.likelihood.stack import over_right_ascension
from nusky.sphere import separation
from transient_season import timed_analysis

SRC = cy.sources([1.0, 2.0, 3.0], [0.1, 0.5, -0.4], weight=[1, 2, 1], extension=[0.03, 0.05, 0.1])
BLOB = template_oracle.blob(8, 2.0, 0.2, 0.3)


def runner(**settings: Any) -> Any:
    what = {} if "template" in settings else {"src": cy.sources(1.0, 0.1, extension=0.03)}
    return cy.get_trial_runner(**{"ana": template_oracle.two(), "sigsub": True, **what, **settings})


@pytest.mark.parametrize(
    ("what", "gamma"),
    [
        ({}, None),
        ({}, 2.5),
        ({"src": SRC}, None),
        ({"src": SRC}, 2.5),
        pytest.param({"template": BLOB}, None, marks=pytest.mark.slow),
    ],
)
def test_the_fit_is_the_maximum_of_its_formula(what: dict[str, Any], gamma: float | None) -> None:
    tr = runner(**what, gamma=gamma)
    nodes = tr.analysis.gamma_nodes
    trial = tr.get_one_trial(300 if "template" in what else 60, seed=4)
    ts, ns, found = subtraction_oracle.fit(tr.values, trial, nodes if gamma is None else np.array([gamma]))
    fit = tr.get_one_fit_from_trial(trial)
    assert ts > 20
    at_node = tr.subtracted._best_at(tr.subtracted.terms(trial), found)
    assert at_node[:2] == pytest.approx((ts, ns), rel=3e-5)
    # The highest node is near the maximum, and below it
    assert fit.ts >= ts * (1 - 3e-5)
    assert fit.ts == pytest.approx(ts, rel=0.01)
    assert fit.gamma == pytest.approx(found, abs=0.2)


@pytest.mark.parametrize("settings", [{}, {"src": SRC, "gamma": 2.5}, {"template": BLOB}, {"energy": False}])
def test_its_likelihood_is_read_at_any_parameters(settings: dict[str, Any]) -> None:
    tr = runner(**settings)
    L = tr.get_one_llh(200, seed=2)
    fit = L.fit()
    gamma = fit.gamma if tr.likelihood.mode == "fit" else None
    assert fit.ts > 10
    assert -2 * L.get_minus_llh_ratio(fit.ns, gamma=gamma) == pytest.approx(fit.ts, rel=1e-5)
    around = L.scan_ts(ns=fit.ns * np.array([0.9, 1.0, 1.1]), gamma=None if gamma is None else [gamma])[0].ravel()
    assert around.argmax() == 1
    assert L.log_likelihood_ratio(0.0, gamma) == 0
    carrying = L.carrying()
    assert carrying["injected"][:5].any()
    assert carrying["ts"].sum() == pytest.approx(fit.ts, rel=1e-5)


def test_a_template_of_a_fixed_spectrum_has_as_many_trials_above_zero_as_below() -> None:
    # W and its mean over right ascension are the same on average, whatever the energy term says
    tr = runner(template=BLOB, gamma=2.5)
    assert 0.25 < np.mean(tr.get_many_fits(80, seed=1).ts > 0) < 0.65


@pytest.mark.parametrize(
    ("dec", "to", "sigma"), [(0.1, 0.12, 0.02), (1.5, 1.52, 0.05), (-0.5, -0.7, 0.3), (0.0, 0.3, 0.1)]
)
def test_the_mean_over_right_ascension(dec: float, to: float, sigma: float) -> None:
    alpha = (np.arange(400_000) + 0.5) * (np.pi / 400_000)
    away = np.asarray(separation(alpha, np.full(alpha.shape, dec), 0.0, to))
    slow = np.where(away <= 5 * sigma, space_density(away, np.full(alpha.shape, sigma)), 0.0).mean()
    one = np.ones(1)
    fast = over_right_ascension(dec * one, to * one, sigma * one, 5 * sigma * one)
    assert fast[0] == pytest.approx(slow, rel=1e-4)


def test_what_is_subtracted_adds_up_to_the_signal() -> None:
    tr = runner(src=SRC)
    for season, cells, table in zip(tr.analysis, tr.subtracted._own_cells, tr.values.subtracted, strict=True):
        assert table[cells].mean(axis=0) == pytest.approx(np.ones(table.shape[1]))
        assert np.all(table[season.background.counts > 0] >= 0)
    # nothing of a source in the north is subtracted in the south
    south = runner(src=cy.sources(1.0, 1.2)).values.subtracted[0][:5]
    assert np.all(south == 0)


def test_events_by_hand_and_new_declinations_are_fitted_like_the_seasons_own() -> None:
    tr = runner(src=SRC)
    trial = tr.get_one_trial(30, seed=3)
    again = cy.Trial.from_events(trial.evss, trial.n_exs)
    assert tr.get_one_fit_from_trial(again).ts == pytest.approx(tr.get_one_fit_from_trial(trial).ts, rel=1e-5)
    moved = runner(randomize=["ra", "dec"], dec_rand_kwargs={"randomization_width": 0.05}).get_one_fit(20, seed=1)
    assert moved.ts > 10


def test_terms_that_come_more_than_once() -> None:
    rng = np.random.default_rng(1)
    terms, counts = np.r_[rng.exponential(0.3, 9) - 0.1, -0.02], np.r_[rng.integers(1, 4, 9), 40].astype(float)
    assert best_ns(terms, 1e3, counts) == pytest.approx(best_ns(np.repeat(terms, counts.astype(int)), 1e3))


def test_it_is_one_fit_of_many_and_travels(tmp_path: Any) -> None:
    from nusky.executors import read_spec, write_spec

    tr = runner(src=SRC)
    assert tr.get_one_fit(8, seed=3).ts == tr.get_many_fits(2, 8, seed=3, mp_cpus=2).ts[0]
    assert (
        read_spec(*write_spec(tr, tmp_path)).config_hash == tr.config_hash != runner(src=SRC, sigsub=False).config_hash
    )


def test_windows_have_none() -> None:
    with pytest.raises(ValueError, match="whole seasons"):
        runner(ana=timed_analysis(), src=cy.sources(1.0, 0.1, mjd=56020.0, t_100=5.0))
    window = timed_analysis()
    trial = cy.get_trial_runner(ana=window, src=cy.sources(1, 0.1, mjd=56020.0, t_100=5.0)).get_one_trial(seed=1)
    with pytest.raises(ValueError, match="fits whole seasons"):
        runner(ana=window).get_one_fit_from_trial(trial)


def test_injectors_of_stacks_and_templates_are_read() -> None:
    for tr, n in ((runner(src=SRC), 3), (runner(template=BLOB), 1)):
        for k, injector in enumerate(tr.sig_injs):
            probs = injector.probs
            assert probs.sum() == pytest.approx(1)
            assert len(injector.flux) == n
            assert len(injector.inject(5, seed=1) or ()) == 5
            sim = injector.sig
            # the mean true declination of what is drawn is that of where it is drawn
            dec, share = tr.signal_places(k)
            assert probs @ np.sin(sim["true_dec"]) == pytest.approx(share @ np.sin(dec), abs=0.01)
        assert sum(injector.acc_total for injector in tr.sig_injs) == pytest.approx(tr.sig_inj_acc_total)
