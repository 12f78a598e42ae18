"""A template's likelihood: S against brute force at every γ, fits against the oracle, signal subtraction."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import nusky as cy
import oracle
import subtraction_oracle
import template_oracle
from nusky import _core
from nusky.injection import InjectionOptions, SignalInjector, TemplateInjector, trial_draws
from nusky.likelihood import LikelihoodModel, LikelihoodOptions, TemplateValues
from nusky.trial import Scramble, Trial

FLUX = template_oracle.band(8) / template_oracle.band(8).sum()
RING = (np.arange(180) + 0.5) * (2 * np.pi / 180)


@cache
def free() -> TemplateValues:
    return TemplateValues(LikelihoodModel(template_oracle.two(), LikelihoodOptions()), FLUX)


def made(analysis: Any, seed: int, n_sig: int = 40) -> Trial:
    draws = trial_draws(seed, 0)
    parts = tuple(Scramble(season, draws.right_ascensions(k, len(season.data))) for k, season in enumerate(analysis))
    signal = TemplateInjector(SignalInjector(analysis, InjectionOptions()), FLUX).inject(draws, n_sig, False)
    return Trial(parts, signal, (0,) * len(parts))


def test_s_is_template_times_acceptance_smeared_and_normalised_at_every_gamma() -> None:
    season = template_oracle.two()[1]
    events = season.data[::160]
    found = free().signal(1, events["ra"], events["dec"], events["sigma"])
    assert found.log_shape is not None
    for g in (0, 6, 12):
        gamma = float(free().gamma_nodes[g])
        slow = template_oracle.signal(season, FLUX, gamma, events["ra"], events["dec"], events["sigma"])
        s = np.zeros(len(events))
        s[found.rows] = found.density * np.exp(found.log_shape[:, g])
        assert np.abs(s - slow).max() < 0.03 * slow.max()
        assert np.median(np.abs(s - slow)) < 5e-3 * slow.max()


def test_shares_of_seasons_are_those_of_the_whole_template() -> None:
    import healpy

    theta, _ = healpy.pix2ang(8, np.arange(len(FLUX)))
    for g in (0, 6, 12):
        slow = [
            (FLUX * season.acceptance(np.pi / 2 - theta, free().gamma_nodes[g])).sum()
            for season in template_oracle.two()
        ]
        log_a = free().log_acceptance()[:, g]
        assert log_a[1] - log_a[0] == pytest.approx(np.log(slow[1] / slow[0]), abs=2e-3)


def ratios(values: TemplateValues, trial: Trial) -> tuple[list[np.ndarray], list[Any]]:
    given, logs = [], []
    for k, parts in enumerate(trial.evss):
        w, r = [], []
        for part in parts:
            found = values.signal(k, part["ra"], part["dec"], part["sigma"])
            some = part[found.rows]
            w.append(found.density / values.model.analysis[k].background(some["sindec"]))
            log_r = values.model.log_energy_ratio(k, some)
            if log_r is not None:
                r.append(log_r if found.log_shape is None else log_r + found.log_shape)
        given.append(np.concatenate(w))
        logs.append(np.concatenate(r) if r else None)
    return given, logs


@pytest.mark.parametrize("mode", ["fit", "fixed", "off", "flux"])
def test_a_fit_is_the_maximum_that_the_oracle_finds(mode: Any) -> None:
    options = {
        "fit": LikelihoodOptions(),
        "fixed": LikelihoodOptions("fixed", gamma=2.2),
        "off": LikelihoodOptions("off"),
        "flux": LikelihoodOptions("flux", flux=cy.hyp.PowerLawFlux(2.4)),
    }[mode]
    values = TemplateValues(LikelihoodModel(template_oracle.two(), options), FLUX)
    trial = made(template_oracle.two(), 3, 400)
    given, logs = ratios(values, trial)
    slow = oracle.fit_values(
        given,
        logs,
        trial.n_events,
        gamma_nodes=values.gamma_nodes,
        log_acceptance=values.log_acceptance(),
        gamma=values.model.fixed_gamma,
        n_grid=61,
    )
    if mode == "fit":
        index = values.index(trial, 1).core
        ts, ns, gamma, _ = (x[0] for x in _core.scan(values.likelihood, index, values.direction))
        assert gamma == pytest.approx(slow.gamma, abs=0.03)
    else:
        ts, ns, _, _ = values.fit(trial)
    assert slow.ts > 1
    assert ts == pytest.approx(slow.ts, rel=2e-3)
    assert ns == pytest.approx(slow.ns, rel=0.02)


def test_the_signal_subtracted_fit_is_the_maximum_of_its_formula() -> None:
    analysis = template_oracle.one()
    values = TemplateValues(LikelihoodModel(analysis, LikelihoodOptions("fixed", gamma=2.0)), FLUX, sigsub=True)
    season = analysis[0]
    index = int(np.argmin(np.abs(np.array(analysis.gamma_nodes) - 2.0)))
    for seed in (5, 6, 7):
        trial = made(analysis, seed, 60)
        events = cy.utils.Events.concatenate(list(trial.evss[0]))
        r_b = np.exp(season.energy.log_ratio(events["sindec"], events["log10energy"])[:, index])
        r_b /= season.background(events["sindec"])
        dec, sigma = events["dec"], events["sigma"]
        w = subtraction_oracle.density(values, 0, events["ra"], dec, sigma)[:, 0] * r_b
        around = [subtraction_oracle.density(values, 0, np.full(len(dec), ra), dec, sigma)[:, 0] for ra in RING]
        mean = np.mean(around, axis=0) * r_b
        bins = season.background.sindec_bins
        cell = np.clip(np.digitize(events["sindec"], bins) - 1, 0, len(bins) - 2)
        v = subtraction_oracle.taken(values, 0, 64)[cell, 0]
        n = np.geomspace(0.01, 0.99 * len(events) / v.max(), 4000)
        x = n[:, None] / len(events)
        slow = 2 * (np.log1p(x * (w - v)) - np.log1p(x * (mean - v))).sum(axis=1)
        ts, ns, _, _ = values.fit(trial)
        assert ts == pytest.approx(slow.max(), rel=1e-3, abs=1e-3)
        assert ns == pytest.approx(n[slow.argmax()], rel=0.01)
        assert ts > 0.1


def test_events_by_hand_are_fitted_like_the_seasons_own() -> None:
    values = TemplateValues(
        LikelihoodModel(template_oracle.one(), LikelihoodOptions("fixed", gamma=2.0)), FLUX, sigsub=True
    )
    trial = made(template_oracle.one(), 6)
    again = Trial.from_events(trial.evss, trial.n_exs)
    assert values.fit(again) == pytest.approx(values.fit(trial), rel=1e-6)


def test_a_trial_of_a_window_is_not_fitted_as_a_whole_season() -> None:
    values = TemplateValues(LikelihoodModel(template_oracle.one(), LikelihoodOptions("fixed", gamma=2.0)), FLUX)
    trial = made(template_oracle.one(), 6)
    window = cy.source.TimeWindow(57000.0, 1.0)
    with pytest.raises(ValueError, match="whole seasons"):
        values.fit(Trial(trial.background, (None,), (0,), window=window))


SPECTRA = template_oracle.spectra()


def by_pixel(analysis: Any, **kw: Any) -> TemplateValues:
    options = LikelihoodOptions("flux", flux=SPECTRA.total)
    return TemplateValues(LikelihoodModel(analysis, options), SPECTRA.shares, spectra=SPECTRA, by_pixel=True, **kw)


@pytest.mark.slow
def test_with_a_spectrum_in_each_pixel_s_is_its_signal_in_space_and_energy() -> None:
    season, given = template_oracle.two()[1], template_oracle.many_spectra()
    events = season.data[::50]
    events = events[events["sigma"] > np.radians(1.2)]  # the oracle's pixels are 0.5° wide
    slow = template_oracle.signal_of_pixels(season, given, events) / season.background(events["sindec"])
    model = LikelihoodModel(template_oracle.two(), LikelihoodOptions("flux", flux=given.total))
    error = {}
    for exact in (True, False):
        values = TemplateValues(model, given.shares, spectra=given, by_pixel=exact)
        own = values._of_events(1, events)
        w = np.empty(len(events))
        w[own.order] = values._terms(1, own, events["ra"]) + own.taken
        error[exact] = np.abs(w - slow) / slow.max()
    assert 2 < len(TemplateValues(model, given.shares, spectra=given)._components) < 12
    # ln R is interpolated between cells, for each pixel's spectrum there and for a few spectra here
    assert np.median(error[True]) < 1e-3
    assert error[True].max() < 0.05
    # One energy term for all pixels is another likelihood
    assert error[False].max() > 0.2


def test_its_acceptance_is_the_sum_over_pixels_and_energies() -> None:
    import healpy

    theta, _ = healpy.pix2ang(8, np.arange(768))
    analysis = template_oracle.two()
    slow = [(SPECTRA.flux.T * season.acceptance.in_bins(SPECTRA, np.pi / 2 - theta)).sum() for season in analysis]
    # ln A is interpolated in declination, energy by energy there and for whole spectra here
    assert np.exp(by_pixel(analysis).log_acceptance()[:, 0]) == pytest.approx(slow, rel=1e-2)
    assert by_pixel(analysis).expected(np.array([1.0, 0.5])) == pytest.approx(slow[0] + 0.5 * slow[1], rel=1e-2)


def test_pixels_that_share_a_spectrum_are_an_ordinary_template() -> None:
    spectrum = np.array([1.0, 1e-3, 1e-6])
    same = cy.hyp.PixelSpectra(np.outer(FLUX, spectrum), [1e3, 1e4, 1e5, 1e6])
    model = LikelihoodModel(template_oracle.one(), LikelihoodOptions("flux", flux=same.total))
    trial = made(template_oracle.one(), 4, 100)
    one = TemplateValues(model, FLUX).fit(trial)
    other = TemplateValues(model, same.shares, spectra=same, by_pixel=True).fit(trial)
    assert one[0] > 1
    assert other[:2] == pytest.approx(one[:2], rel=1e-5)


@pytest.mark.parametrize("sigsub", [False, True])
def test_its_fit_is_the_maximum_over_ns(sigsub: bool) -> None:
    values, trial = by_pixel(template_oracle.one(), sigsub=sigsub), made(template_oracle.one(), 5, 300)
    events = cy.utils.Events.concatenate(list(trial.evss[0]))
    own = values._of_events(0, events)
    z = values._terms(0, own, np.mod(events["ra"], 2 * np.pi)) / len(events)
    mean = np.zeros(len(events))
    if sigsub:
        # W̃ is W averaged over right ascension
        around = np.mean([values._terms(0, own, np.full(len(events), ra)) + own.taken for ra in RING], axis=0)
        assert own.mean == pytest.approx(around, rel=0.01, abs=1e-3)
        assert own.mean is not None
        mean = (own.mean - own.taken) / len(events)
        # What is taken from W is the signal's share of the cell over that of the season's events
        assert values._own_events[0].taken.mean() == pytest.approx(1)
        assert own.taken.max() > 1.2
    slow = minimize_scalar(
        lambda n: -(np.log1p(n * z) - np.log1p(n * mean)).sum(),
        bounds=(0, 0.999 * len(events) / own.taken.max()),
        method="bounded",
    )
    ts, ns, _, _ = values.fit(trial)
    assert ts == pytest.approx(-2 * slow.fun, rel=1e-6)
    assert ns == pytest.approx(slow.x, rel=1e-3)


@pytest.mark.parametrize("make", [by_pixel, lambda analysis: TemplateValues(by_pixel(analysis).model, FLUX)])
def test_terms_of_the_core_are_those_of_the_values(make: Any) -> None:
    analysis = template_oracle.two()
    values = make(analysis)
    for k in (0, 1):
        events = analysis[k].data
        own = values._of_events(k, events)
        found = values.smeared.values(own.places, events["ra"][own.order]) * values._parts_of_flux[1][:, k, :1]
        slow = np.maximum((found * own.weight).sum(axis=0), 0.0) - own.taken
        assert np.allclose(values._terms(k, own, events["ra"], 0.25), 0.25 * slow, rtol=1e-6, atol=1e-7)
