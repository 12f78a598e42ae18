"""A fixed spectrum, or none: possible in every search, and said in every result."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.trial.fit import Fit
from seasons import two_seasons

NSIDE = 8
PRIOR = np.exp((healpy.ang2vec(np.pi / 2 - 0.3, 3.0) @ np.array(healpy.pix2vec(NSIDE, np.arange(768))) - 1) / 0.3**2)
SRC = cy.sources(3.0, 0.3)
SEARCHES: dict[str, Any] = {
    "source": lambda **o: cy.get_trial_runner(ana=two_seasons(), src=SRC, **o),
    "scan": lambda **o: cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=NSIDE, src=SRC, **o),
    "scan, refined": lambda **o: cy.get_sky_scan_trial_runner(ana=two_seasons(), nside=NSIDE, src=SRC, refine=32, **o),
    "prior": lambda **o: cy.get_spatial_prior_trial_runner(ana=two_seasons(), llh_priors=PRIOR, **o),
    "prior, refined": lambda **o: cy.get_spatial_prior_trial_runner(
        ana=two_seasons(), llh_priors=PRIOR, refine=32, **o
    ),
    "priors, summed": lambda **o: cy.get_spatial_prior_trial_runner(
        ana=two_seasons(), llh_priors=[PRIOR, PRIOR[::-1]], combine="sum", **o
    ),
    "cells": lambda **o: cy.get_spatial_prior_trial_runner(
        ana=two_seasons(), llh_priors=PRIOR, pixels="prior", min_nside=4, **o
    ),
}
MODES: dict[str, tuple[dict[str, Any], str, float | None]] = {
    "fixed": ({"gamma": 2.3}, "fixed", 2.3),
    "fixed as csky does": ({"fitter_args": {"gamma": 2.3}}, "fixed", 2.3),
    "off": ({"energy": False}, "off", None),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("search", SEARCHES)
def test_every_search_says_what_was_done_to_gamma(search: str, mode: str, tmp_path: pathlib.Path) -> None:
    options, energy, gamma = MODES[mode]
    runner = SEARCHES[search](**options)
    fit = runner.get_one_fit(10, seed=1)
    assert (fit.energy, fit.gamma_fixed) == (energy, gamma)
    assert "gamma" not in fit.columns
    assert ("no energy term" if energy == "off" else "gamma fixed at 2.3") in repr(fit)
    if fit.ns > 0 and gamma is not None:
        assert fit.gamma == gamma
    fit.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").energy == energy
    trials = runner.get_many_fits(2, 10, seed=1)
    assert "gamma" not in (trials.dtype.names or ())
    assert trials[0].tolist() == tuple(np.asarray(fit).tolist())
    said = json.loads(json.dumps(trials.config))["likelihood"]
    assert (said["energy"], said["gamma"]) == (energy != "off", gamma)
    if search == "source":
        return
    scan = runner.get_one_scan(10, seed=1)
    assert scan.shape[0] == 3
    assert ("no energy term" if energy == "off" else "gamma fixed at 2.3") in repr(scan)
    scan.save(tmp_path / "scan.npz")
    kept = cy.SkyScan.read(tmp_path / "scan.npz").provenance
    assert (kept["energy"], kept["gamma_fixed"]) == (energy, gamma)
    where = runner.get_localization(runner.get_one_trial(10, seed=1), nside=32)
    assert (where.provenance["energy"], where.provenance["gamma_fixed"]) == (energy, gamma)
    hot = where.gamma[where.best]
    assert hot == gamma if gamma is not None else np.isnan(hot)


def test_what_is_fitted_changes_what_is_found_and_the_configuration() -> None:
    search = SEARCHES["prior"]
    free, fixed, off = search(), search(gamma=3.5), search(energy=False)
    trial = free.get_one_trial(10, seed=3)
    ts = [runner.get_one_fit_from_trial(trial).ts for runner in (free, fixed, off)]
    assert ts[0] > ts[1] > 0
    assert ts[0] > ts[2] > 0
    assert len({runner.config_hash for runner in (free, fixed, off)}) == 3
