"""float32 rounds π/2, 2π and 1 up: such a value is the limit, wherever it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.dists import TSD, BinnedTSD, ts_to_p
from nusky.priors import gaussian
from nusky.sensitivity import DeclinationTSDs, declination_tsds
from seasons import one_season

POLE, TURN, ONE = np.float32(np.pi / 2), np.float32(2 * np.pi), np.float32(1) + np.float32(1e-7)
TSDS = [TSD([1.0], n_zero=9)] * 2


def scan_runner() -> Any:
    return cy.get_sky_scan_trial_runner(ana=one_season(), nside=4, src=cy.sources(1.0, 0.2), mp_cpus=1)


CASES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "acceptance": (lambda: one_season()[0].acceptance(POLE, 2.0), lambda: one_season()[0].acceptance(np.pi / 2, 2.0)),
    "acceptance, gamma": (
        lambda: one_season()[0].acceptance(0.1, np.float32(4) + np.float32(5e-7)),
        lambda: one_season()[0].acceptance(0.1, 4.0),
    ),
    "fixed gamma": (
        lambda: (
            cy.get_trial_runner(
                ana=one_season(), src=cy.sources(1.0, 0.2), gamma=np.float32(4) + np.float32(5e-7)
            ).model.fixed_gamma
        ),
        lambda: 4.0,
    ),
    "get_acc_total": (
        lambda: scan_runner().get_acc_total(gamma=2, dec=POLE),
        lambda: scan_runner().get_acc_total(gamma=2, dec=np.pi / 2),
    ),
    "ts_to_p": (lambda: ts_to_p({-90: TSDS[0], 90: TSDS[0]}, np.float32(90.00001), 0.0), lambda: 1.0),
    "DeclinationTSDs": (lambda: DeclinationTSDs([-POLE, POLE], TSDS).dec, lambda: [-np.pi / 2, np.pi / 2]),
    "p of DeclinationTSDs": (lambda: DeclinationTSDs([-np.pi / 2, np.pi / 2], TSDS)(POLE, 0.0), lambda: 1.0),
    "declination_tsds": (
        lambda: declination_tsds(scan_runner(), 2, dec=[-POLE, POLE], seed=1, n_ra=1, mp_cpus=1).dec,
        lambda: [-np.pi / 2, np.pi / 2],
    ),
    "isf": (lambda: TSDS[0].isf(ONE), lambda: TSDS[0].isf(1.0)),
    "isf of a histogram": (lambda: BinnedTSD([1.0]).isf(ONE), lambda: BinnedTSD([1.0]).isf(1.0)),
    "gaussian prior": (lambda: gaussian(TURN, POLE, fwhm=0.5).peak, lambda: gaussian(0.0, np.pi / 2, fwhm=0.5).peak),
    "declination limits": (lambda: len(cy.select_pixels(8, min_dec=-POLE, max_dec=POLE)), lambda: 768),
    "containment": (lambda: len(cy.select_pixels(2, prior=np.arange(1, 49), containment=ONE)), lambda: 48),
    "cone": (lambda: len(cy.select_pixels(8, cone=(TURN, POLE, np.float32(np.pi)))), lambda: 768),
    "source": (lambda: cy.sources(TURN, POLE).dec, lambda: [np.pi / 2]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_float32_rounds_beyond_a_limit_is_the_limit(name: str) -> None:
    rounded, exact = CASES[name]
    np.testing.assert_allclose(rounded(), exact(), rtol=1e-12)


def test_a_position_at_the_pole_is_looked_up() -> None:
    runner = scan_runner()
    found = runner.get_localization(runner.get_one_trial(8, seed=1), nside=8)
    assert found.contains(TURN, POLE, 0.5) == found.contains(0.0, np.pi / 2, 0.5)
    np.testing.assert_array_equal(found.ts_at(0.0, POLE), found.ts_at(0.0, np.pi / 2))
