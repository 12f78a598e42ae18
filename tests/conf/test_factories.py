"""Settings from three places, csky's keys, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.conf import keywords
from seasons import one_season, two_seasons

SRC = cy.sources(1.0, 0.2)


@pytest.fixture(autouse=True)
def fresh_conf() -> Iterator[None]:
    before = dict(cy.CONF)
    cy.CONF.clear()
    yield
    cy.CONF.clear()
    cy.CONF.update(before)


def test_conf_starts_without_threads_and_without_analysis() -> None:
    import subprocess

    done = subprocess.run([sys.executable, "-c", "import nusky; print(nusky.CONF)"], capture_output=True, text=True)
    assert done.stdout == "{}\n"


def test_keywords_win_over_conf_and_conf_over_the_session() -> None:
    cy.CONF.update(ana=one_season(), gamma=2.0, mp_cpus=1)
    assert cy.get_trial_runner(src=SRC).likelihood.gamma == 2.0
    assert cy.get_trial_runner({"gamma": 2.5}, src=SRC).likelihood.gamma == 2.5
    tr = cy.get_trial_runner({"gamma": 2.5, "ana": two_seasons()}, src=SRC, gamma=3.0)
    assert tr.likelihood.gamma == 3.0
    assert tr.analysis is two_seasons()
    assert tr.mp_cpus == 1


def test_the_injected_spectrum_is_that_of_inj_conf_then_flux_then_e_to_the_minus_two() -> None:
    cy.CONF["ana"] = one_season()
    assert cy.get_trial_runner(src=SRC).injection.flux == cy.hyp.PowerLawFlux(2)
    assert cy.get_trial_runner(src=SRC, flux=cy.hyp.PowerLawFlux(2.5)).injection.flux.gamma == 2.5
    both = cy.get_trial_runner(inj_conf={"flux": cy.hyp.PowerLawFlux(3)}, src=SRC, flux=cy.hyp.PowerLawFlux(2.5))
    assert both.injection.flux.gamma == 3.0


def test_keys_for_another_runner_may_stay_in_the_session_but_not_in_a_call() -> None:
    cy.CONF.update(ana=one_season(), nside=8)
    assert cy.get_trial_runner(src=SRC).likelihood.mode == "fit"
    assert cy.get_sky_scan_trial_runner().pixels.nside == 8
    with pytest.raises(TypeError, match="unknown keyword 'nside'"):
        cy.get_trial_runner(src=SRC, nside=8)


@pytest.mark.parametrize("key", sorted(set(keywords.NOT_NEEDED) & keywords.keys_of("get_trial_runner") - {"mp_cpus"}))
def test_keys_of_csky_that_are_not_needed_are_accepted(key: str) -> None:
    cy.get_trial_runner(conf={key: ["energy"]}, ana=one_season(), src=SRC)
    cy.get_trial_runner(ana=one_season(), src=SRC, **{key: True})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": "template"}, "space='template' is not supported without template="),
        ({"time": "lc"}, "time='lc'"),
        ({"time": "utf"}, "box=None: say box=True"),
        ({"time": "utf", "box": True, "prior": "mine"}, "prior=None takes the penalty away"),
        ({"time": "utf", "box": False, "box_mode": "pre"}, "a Gaussian flare is around its t0"),
        ({"dt_max": 3.0}, "dt_max=3.0 is that of a flare: add time='utf'"),
        ({"sig": "tw"}, "sig='tw' needs t0 and dt"),
        ({"sig": "tw", "sig_kw": {"t0": 55700.0, "dt": -1.0}}, "dt=-1.0 must be days above 0"),
        ({"update_bg": 1}, "update_bg=1"),
        ({"inj_conf": {"sig": "transient"}}, "inj_conf sig='transient' .* needs a time window"),
        ({"sigsub": "yes"}, "sigsub='yes'"),
        ({"box": True}, "box=True"),
        ({"TRUTH": True}, r"ask get_one_fit\(TRUTH=True\)"),
        ({"randomize": ["ra", "dec"], "dec_rand_method": "gaussian_fixed"}, "need dec_rand_kwargs"),
        ({"randomize": ["mjd"]}, "mjd is not there, only 'ra'"),
        ({"randomize": "dec"}, "needs new right ascensions"),
        ({"dec_rand_method": "gaussian_fixed"}, "dec_rand_method needs randomize"),
        ({"energy": "customflux"}, "energy='customflux' needs the spectrum"),
    ],
)
def test_models_the_runners_do_not_have_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cy.get_trial_runner(settings, ana=one_season(), src=SRC)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time": "utf", "box": True, "seeder": 3}, "seeder must be seeding.UTFSeeder"),
        ({"sig": "tw", "sig_kw": {"t0": 55700.0, "length": 1.0}}, "sig_kw has the unknown key 'length'"),
        ({"sig": "tw", "sig_kw": {"t0": 55700.0, "dt": [1.0, 2.0]}}, "dt must be a number"),
    ],
)
def test_settings_of_flares_of_another_kind_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        cy.get_trial_runner(settings, ana=one_season(), src=SRC)


def test_the_values_of_csky_that_mean_the_same_are_accepted() -> None:
    settings = {"space": "ps", "time": None, "energy": "fit", "sigsub": False, "randomize": ["ra"], "extended": False}
    assert cy.get_trial_runner(settings, ana=one_season(), src=SRC).likelihood.mode == "fit"
    assert cy.get_trial_runner({"energy": False}, ana=one_season(), src=SRC).likelihood.mode == "off"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"min_dek": 0.0}, TypeError, "unknown keyword 'min_dek'; did you mean min_dec"),
        ({"conf": {"ext_keep": 1}}, TypeError, "unknown conf 'ext_keep'; did you mean extra_keep"),
        ({"conf": 5}, TypeError, "conf must be a dictionary"),
        ({"inj_conf": {"fluks": 1}}, TypeError, "unknown inj_conf key 'fluks'; did you mean flux"),
        ({"inj_conf": {"flux": 2}}, TypeError, "flux must be a flux"),
        ({"inj_conf": {"sig": "tw"}}, ValueError, "sig='tw' needs t0 and dt"),
        ({"inj_conf": {"by": "flux"}}, TypeError, "unknown inj_conf key 'by'"),
        ({"inj_conf": 5}, TypeError, "inj_conf must be a dictionary"),
        ({"fitter_args": {"ns": 3}}, TypeError, "unknown fitter_args 'ns'"),
        ({"gamma": "soft"}, TypeError, "gamma must be a number"),
        ({"cut_n_sigma": np.inf}, ValueError, "cut_n_sigma"),
        ({"cut_n_sigma": "5"}, TypeError, "cut_n_sigma must be a number"),
        ({"extension": 1.0}, ValueError, "at most 20 degrees"),
        ({"ana": 5}, TypeError, r"ana must come from nusky\.get_analysis"),
        ({"ana": None}, ValueError, r"set nusky\.CONF\['ana'\]"),
    ],
)
def test_mistakes_are_named_with_what_was_meant(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    call = {"ana": one_season(), "nside": 8} | arguments
    with pytest.raises(error, match=message):
        cy.get_sky_scan_trial_runner(**call)


def test_a_point_source_needs_a_source() -> None:
    with pytest.raises(ValueError, match="needs a source"):
        cy.get_trial_runner(ana=one_season())
    with pytest.raises(ValueError, match="in time windows signal is injected where it is fitted"):
        cy.get_trial_runner(ana=one_season(), src=SRC, time="utf", box=True, inj_conf={"src": cy.sources(2.0, 0.3)})
    with pytest.raises(TypeError, match=r"inj_conf\['src'\] must come from nusky.sources"):
        cy.get_trial_runner(ana=one_season(), src=SRC, inj_conf={"src": (2.0, 0.3)})
    own, same = (cy.get_trial_runner(ana=one_season(), src=SRC, inj_conf=conf) for conf in ({}, {"src": SRC}))
    assert own.config() == same.config()


def test_an_unknown_key_in_the_session_is_named_too() -> None:
    cy.CONF.update(ana=one_season(), mp_cpu=3)
    with pytest.raises(TypeError, match="unknown CONF 'mp_cpu'; did you mean mp_cpus"):
        cy.get_trial_runner(src=SRC)
