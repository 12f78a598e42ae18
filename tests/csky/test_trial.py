"""Runners read from models and injectors built by hand."""

from __future__ import annotations

from typing import Any

import pytest

import nusky as cy
from nusky.csky import inj, llh, pdf
from nusky.csky.trial import get_trial_runner
from seasons import two_seasons

SRC = cy.sources(1.0, 0.1)


def get_llh(a: Any, src: Any = SRC, sigsub: bool = False, energy: bool = True, **_: Any) -> llh.LLHModel:
    space = pdf.PointSourceSpacePDFRatioModel(a, src, a.bg_space_param, a.acc_param, sigsub=sigsub)
    models = (space, a.energy_pdf_ratio_model) if energy else (space,)
    return llh.LLHModel(pdf.MultiPDFRatioModel(*models), len(a.data), sigsub=sigsub)


def get_injs(a: Any, model: Any, src: Any = SRC, gamma: float = 2.0, by: Any = inj.RARandomizer, **_: Any) -> Any:
    keep, selector = model.pdf_ratio_model.keep, inj.DecBandSelector(src, cut_n_sigma=3)
    truth = inj.DataInjector(a, selector(a.data), keep, randomizers=[])
    background = inj.DataInjector(a, selector(a.data), keep, randomizers=[by()])
    return truth, background, inj.PointSourceInjector(a, src, cy.hyp.PowerLawFlux(gamma), keep)


@pytest.mark.parametrize(
    ("llh_kw", "inj_kw", "settings"),
    [
        ({}, {}, {}),
        ({"sigsub": True}, {"cut_n_sigma": 3}, {"sigsub": True, "cut_n_sigma": 3}),
        ({"energy": False}, {"gamma": 3.0}, {"energy": False, "flux": cy.hyp.PowerLawFlux(3.0)}),
    ],
)
def test_it_is_the_runner_of_these_settings(llh_kw: Any, inj_kw: Any, settings: Any) -> None:
    ana = two_seasons()
    tr = get_trial_runner(ana, get_llh, get_injs, llh_kw=llh_kw, inj_kw=inj_kw, mp_cpus=1)
    assert tr.config() == cy.get_trial_runner(ana=ana, src=SRC, **settings).config()
    assert get_trial_runner({"src": SRC}, ana=ana).config() == cy.get_trial_runner(ana=ana, src=SRC).config()
    assert get_trial_runner(ana, {"src": SRC}, mp_cpus=1).config() == cy.get_trial_runner(ana=ana, src=SRC).config()


@pytest.mark.parametrize(
    ("llh_kw", "inj_kw", "message"),
    [
        ({}, {"by": inj.DecRandomizer}, "randomised by RARandomizer"),
        ({}, {"src": cy.sources(2.0, 0.1)}, "injected where it is fitted"),
    ],
)
def test_what_is_another_runner_is_refused(llh_kw: Any, inj_kw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        get_trial_runner(two_seasons(), get_llh, get_injs, llh_kw=llh_kw, inj_kw=inj_kw)


def test_models_of_another_season_are_refused() -> None:
    one, other = two_seasons()
    with pytest.raises(ValueError, match="bg_param must be"):
        pdf.PointSourceSpacePDFRatioModel(one, SRC, other.bg_space_param)
    space = pdf.PointSourceSpacePDFRatioModel(one, SRC)
    with pytest.raises(ValueError, match="energy term must be that of the season"):
        pdf.MultiPDFRatioModel(space, other.energy_pdf_ratio_model)
    with pytest.raises(ValueError, match="at most the season's"):
        pdf.MultiPDFRatioModel(one.energy_pdf_ratio_model)
    with pytest.raises(ValueError, match="has 6000 events"):
        llh.LLHModel(space, 3)
    with pytest.raises(ValueError, match="sigsub of the likelihood"):
        llh.LLHModel(space, 6000, sigsub=True)
    with pytest.raises(ValueError, match="data must be those of the season"):
        inj.DataInjector(one, other.data)
    with pytest.raises(TypeError, match=r"must give a csky.llh.LLHModel"):
        get_trial_runner(two_seasons(), lambda a: None, lambda a, m: None)
    with pytest.raises(ValueError, match="other sources than the first"):
        get_trial_runner(two_seasons(), other_sources, lambda a, m: (*get_injs(a, m)[:2], None))


def other_sources(a: Any) -> llh.LLHModel:
    return get_llh(a, cy.sources(1.0, 0.1))
