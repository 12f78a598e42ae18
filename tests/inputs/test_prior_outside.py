"""Probability of a prior outside what is fitted: in the report, the fit, the provenance and a warning."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.pixels import full_sky, select_pixels
from small_analysis import small_analysis

NSIDE = 16
SKY = full_sky(NSIDE)


def bump(ra: float, dec: float, width: float = 0.1) -> np.ndarray:
    cosine = np.sin(SKY.dec) * np.sin(dec) + np.cos(SKY.dec) * np.cos(dec) * np.cos(SKY.ra - ra)
    return np.exp((cosine - 1) / width**2)


HIGH, LOW = bump(1.7, np.radians(85)), bump(1.0, 0.0)


@pytest.fixture(scope="module")
def ana() -> Any:
    return small_analysis("A")


def runner(ana: Any, prior: Any, **options: Any) -> Any:
    return cy.get_spatial_prior_trial_runner(ana=ana, llh_priors=prior, mp_cpus=1, **options)


LIMITS = {
    "max_dec": {"max_dec": np.radians(80)},
    "min_dec": {"min_dec": np.radians(84)},
    "cone": {"cone": (1.7, np.radians(85), 0.1)},
    "mask": {"pixmask": SKY.dec < np.radians(82)},
    "containment": {"containment": 0.6},
    "floor": {"prior_floor": 0.5},
    "cells": {"max_dec": np.radians(80), "pixels": "prior", "min_nside": 8},
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_share_outside_is_said_everywhere(ana: Any, name: str) -> None:
    with pytest.warns(UserWarning, match=r"% of the probability of llh_priors\[0\] lies outside"):
        made = runner(ana, HIGH, **LIMITS[name])
    p = HIGH / HIGH.sum()
    if name == "cells":
        want = p[SKY.dec > np.radians(80)].sum()
    else:
        kept = select_pixels(NSIDE, prior=HIGH, **LIMITS[name])
        want = 1 - p[kept.pixels].sum()
    (outside,) = made.prior_outside
    assert outside == pytest.approx(want, rel=0.02 if name == "cells" else 1e-9)
    assert f"{100 * outside:.3g} % of the prior outside" in made.pixels.describe()
    fit = made.get_one_fit(2, seed=1)
    assert fit.prior_outside == outside
    assert fit.as_dict()["prior_outside"] == outside
    assert made.provenance(made.get_one_trial(2, seed=1))["prior_outside"] == [outside]


def test_nothing_is_said_where_hardly_anything_is_outside(ana: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for options in ({}, {"max_dec": np.radians(80)}, {"containment": 0.995}):
            made = runner(ana, LOW, **options)
            assert made.prior_outside[0] < 0.01
    assert "of the prior outside" not in runner(ana, LOW).pixels.describe()


def test_of_several_priors_the_worst_is_named(ana: Any) -> None:
    with pytest.warns(UserWarning, match=r"llh_priors\[1\] lies outside .*\(1 of 2 priors: more than 1 %\)"):
        made = runner(ana, [LOW, HIGH], max_dec=np.radians(80))
    assert made.prior_outside[0] < 1e-6 < made.prior_outside[1]


@pytest.mark.parametrize("gone", ["negative", "nan", "unseen", "masked"])
def test_what_was_set_to_0_in_an_array_is_in_the_fit(ana: Any, gone: str) -> None:
    mark = {"negative": -1.0, "nan": np.nan, "unseen": -1.6375e30, "masked": 1e9}[gone]
    hidden = np.arange(SKY.npix) < 4
    prior: Any = np.where(hidden, mark, LOW)
    if gone == "masked":
        prior = np.ma.array(prior, mask=hidden)
    fit = runner(ana, prior).get_one_fit(2, seed=1)
    assert fit.prior_map is not None
    assert fit.prior_map["repaired"] == {gone: 4}
