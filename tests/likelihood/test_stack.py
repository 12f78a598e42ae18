"""Stacks whose sources have spectra of their own: the energy term, the signal and the fluxes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import nusky as cy
import oracle
from nusky.executors import read_spec, write_spec
from nusky.hypotheses import StackingTrialRunner
from seasons import one_season, two_seasons
from transient_season import timed_analysis

SRC = cy.sources([1.0, 2.5, 4.0], [0.0, 0.5, -0.4], weight=[1.0, 2.0, 1.5], extension=[0.0, 0.01, 0.0])
HARD, SOFT = cy.hyp.PowerLawFlux(1.8, norm=1e-3), cy.hyp.PowerLawFlux(3.2)
FLUXES = [HARD, SOFT, HARD]


def runner(analysis: Any = None, flux: Any = FLUXES, **options: Any) -> StackingTrialRunner:
    given = {"energy": "customflux", **options}
    made = cy.get_trial_runner(ana=analysis or two_seasons(), src=SRC, flux=flux, **given)
    assert isinstance(made, StackingTrialRunner)
    return made


def slow_fit(analysis: Any, trial: Any) -> tuple[float, float]:
    """TS and n_s from the formula, one source after the other."""
    accepted = np.array(
        [[float(a.acceptance.for_flux(f)(d)) for f, d in zip(FLUXES, SRC.dec, strict=True)] for a in analysis]
    )
    weighted = accepted * SRC.weight
    share = weighted.sum(axis=1) / weighted.sum()
    ratios = []
    for k, parts in enumerate(trial.evss):
        found = []
        for events in parts:
            w = np.zeros(len(events))
            for j, flux in enumerate(FLUXES):
                sigma = np.hypot(events["sigma"], SRC.extension[j])
                psi = oracle.separation(events["ra"], events["dec"], SRC.ra[j], SRC.dec[j])
                space = np.where(psi <= 5 * sigma, oracle.spatial_pdf(psi, sigma), 0.0)
                log_r = analysis[k].ratio_of_flux(flux)(events)[:, 0]
                w += weighted[k, j] / weighted[k].sum() * space * np.exp(log_r)
            found.append(w / np.asarray(analysis[k].background(events["sindec"])))
        ratios.append(np.concatenate(found))

    def minus(n: float) -> float:
        total = 0.0
        for k, w in enumerate(ratios):
            total += np.log1p(n * share[k] / trial.n_events[k] * (w - 1.0)).sum()
        return -2.0 * float(total)

    best = minimize_scalar(minus, bounds=(0.0, 300.0), method="bounded", options={"xatol": 1e-6})
    return max(0.0, -float(best.fun)), float(best.x)


def test_a_fit_is_the_maximum_of_the_formula() -> None:
    tr = runner()
    for n_sig, seed in ((0, 1), (25, 2), (60, 3)):
        trial = tr.get_one_trial(n_sig, seed=seed)
        ts, ns = slow_fit(two_seasons(), trial)
        fit = tr.get_one_fit_from_trial(trial)
        assert fit.ts == pytest.approx(ts, abs=1e-3)
        assert fit.columns == ("ts", "ns")
        if ts > 1:
            assert fit.ns == pytest.approx(ns, rel=1e-3)
            L = tr.get_one_llh_from_trial(trial)
            assert -2 * L.get_minus_llh_ratio(fit.ns) == pytest.approx(ts, abs=1e-3)
            assert L.carrying()[:3].ts.min() > 0
    assert tr.get_many_fits(4, 25, seed=2, mp_cpus=2).ts[0] == tr.get_one_fit(25, seed=2).ts


def test_equal_spectra_are_one_spectrum() -> None:
    one, three = runner(flux=SOFT), runner(flux=[SOFT, SOFT, SOFT])
    for n_sig in (0, 30):
        trial = one.get_one_trial(n_sig, seed=4)
        assert three.get_one_fit_from_trial(trial).ts == pytest.approx(one.get_one_fit_from_trial(trial).ts, abs=1e-3)
    assert [len(e) if e is not None else 0 for e in three.get_one_trial(30, seed=4).injected] == [
        len(e) if e is not None else 0 for e in one.get_one_trial(30, seed=4).injected
    ]
    np.testing.assert_allclose(three.sig_injs[0].probs, one.sig_injs[0].probs)
    assert three.to_E2dNdE(7, E0=3, unit=1e3) == pytest.approx(one.to_E2dNdE(7, E0=3, unit=1e3))


def test_each_source_shines_with_its_own_spectrum() -> None:
    tr = runner(one_season())
    accepted = np.array(
        [float(one_season()[0].acceptance.for_flux(f)(d)) for f, d in zip(FLUXES, SRC.dec, strict=True)]
    )
    expected = SRC.weight * accepted / (SRC.weight * accepted).sum()
    parts = [tr.get_one_trial(100, seed=seed).injected[0] for seed in range(20)]
    ra = np.concatenate([part["ra"] for part in parts])
    energy = np.concatenate([part["log10energy"] for part in parts])
    at = np.argmin(np.abs(np.angle(np.exp(1j * (ra[:, None] - SRC.ra)))), axis=1)
    counts = np.bincount(at, minlength=3) / len(ra)
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected / len(ra)) + 0.01)
    assert energy[at == 0].mean() > energy[at == 1].mean() + 0.3
    probs = tr.sig_injs[0].probs
    assert probs.sum() == pytest.approx(1)
    rows = np.concatenate([part["idx"] for part in parts])
    assert probs[rows].min() > 0
    assert tr.sig_injs[0].flux == tuple(FLUXES)


def test_fluxes_are_multiples_of_their_sum() -> None:
    tr = runner()
    share = SRC.weight / SRC.weight.sum()
    total = sum(s * f(1e4) for s, f in zip(share, FLUXES, strict=True))
    norm = tr.to_model_norm(12)
    assert norm == pytest.approx(12 / tr.sig_inj_acc_total)
    assert tr.to_dNdE(12, E0=10, unit=1e3) == pytest.approx(norm * total * 1e3)
    assert tr.to_ns(tr.to_E2dNdE(12, E0=10, unit=1e3), E0=10, unit=1e3) == pytest.approx(12)
    each = tr.per_source(tr.to_dNdE(12, E0=10, unit=1e3), E0=10, unit=1e3)
    assert each == pytest.approx([norm * s * f(1e4) * 1e3 for s, f in zip(share, FLUXES, strict=True)])
    assert sum(one.acc_total for one in tr.sig_injs) == pytest.approx(tr.sig_inj_acc_total)
    # of one spectrum for all, it is what it is without
    assert tr.get_acc_total(gamma=2.5) == pytest.approx(runner(flux=SOFT).get_acc_total(gamma=2.5))


def test_spectra_of_the_signal_leave_the_fit_as_it_is(tmp_path: Path) -> None:
    free = cy.get_trial_runner(ana=two_seasons(), src=SRC, flux=FLUXES)
    plain = cy.get_trial_runner(ana=two_seasons(), src=SRC)
    assert free.energy_spectra is None
    trial = free.get_one_trial(20, seed=1)
    assert free.get_one_fit_from_trial(trial).ts == plain.get_one_fit_from_trial(trial).ts
    assert free.get_many_fits(3, 20, seed=1).ts[0] == free.get_one_fit(20, seed=1).ts
    fixed = cy.get_trial_runner(
        ana=two_seasons(), src=SRC, flux=FLUXES, energy="customflux", inj_conf={"flux": [SOFT] * 3, "src": SRC}
    )
    assert (fixed.spectra, fixed.energy_spectra) == ((SOFT,) * 3, tuple(FLUXES))
    again = read_spec(write_spec(fixed, tmp_path)[0])
    assert again.config() == fixed.config() != runner().config()
    assert again.get_one_fit(5, seed=3).ts == fixed.get_one_fit(5, seed=3).ts
    assert cy.hyp.from_json(fixed.injection.flux.to_json()) == fixed.injection.flux


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flux": [SOFT, HARD]}, "flux holds 2 spectra for 3 sources: give one, or one for each"),
        ({"sigsub": True}, "one energy term for all sources"),
        ({"inj_conf": {"flux": [SOFT, HARD]}}, "flux holds 2 spectra for 3 sources"),
        ({"src": cy.sources(1.0, 0.1), "flux": [SOFT, HARD]}, "flux holds 2 spectra; give one for all sources"),
    ],
)
def test_spectra_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cy.get_trial_runner(**{"ana": two_seasons(), "src": SRC, "flux": FLUXES, "energy": "customflux", **options})


def test_time_windows_are_refused() -> None:
    bursts = cy.sources([1.0, 2.0], 0.1, mjd=[56_010.1, 56_020.1], t_100=0.5)
    with pytest.raises(ValueError, match="those of whole seasons"):
        cy.get_trial_runner(ana=timed_analysis(), src=bursts, flux=[SOFT, HARD])
