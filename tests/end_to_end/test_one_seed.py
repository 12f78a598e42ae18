"""One seed, one trial: what `get_one_trial` shows is what the oracle draws, and what every runner fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import nusky as cy
from nusky.injection import DecRandomization, seed_key
from philox import blocks, uniforms
from seasons import one_season, two_seasons
from transient_season import FIRST, timed_analysis

SEED = 21
KEY = seed_key(SEED)
SRC = {"ra": 1.0, "dec": 0.2}
WINDOW = {"mjd": FIRST + 20.3, "t_100": 0.5}
TIMED = timed_analysis(FIRST, FIRST + 20.5)


def bump(nside: int = 16, ra: float = 1.0, dec: float = 0.2) -> np.ndarray:
    import healpy

    x = np.array(healpy.pix2vec(nside, np.arange(12 * nside**2)))
    return np.exp((healpy.ang2vec(np.pi / 2 - dec, ra) @ x - 1) / 0.3**2)


def point(**kw: Any) -> Any:
    return cy.get_trial_runner(**{"ana": two_seasons(), "src": cy.sources(**SRC), **kw})


def sky(**kw: Any) -> Any:
    return cy.get_sky_scan_trial_runner(**{"ana": two_seasons(), "nside": 8, "src": cy.sources(**SRC), **kw})


def prior(**kw: Any) -> Any:
    return cy.get_spatial_prior_trial_runner(**{"ana": two_seasons(), "llh_priors": bump(), **kw})


IN_WINDOW = {"ana": TIMED, "src_tr": cy.sources(0, 0, **WINDOW)}
TAILS = {"ana": TIMED, "src_tr": cy.sources(0, 0, **WINDOW, sigma_t=0.05)}
MOVED = {"randomize": ["ra", cy.inj.DecRandomizer], "dec_rand_kwargs": {"randomization_width": 0.05}}
RUNNERS: dict[str, Any] = {
    "point": point,
    "point, fixed gamma": lambda: point(gamma=2.3),
    "point, extended": lambda: point(src=cy.sources(**SRC, extension=0.03)),
    "point, new declinations": lambda: cy.get_trial_runner(MOVED, ana=two_seasons(), src=cy.sources(**SRC)),
    "point, window": lambda: point(ana=TIMED, src=cy.sources(**SRC, **WINDOW)),
    "point, window with tails": lambda: point(ana=TIMED, src=cy.sources(**SRC, **WINDOW, sigma_t=0.05)),
    "point, new times": lambda: point(ana=TIMED, src=cy.sources(**SRC, **WINDOW), scramble="time"),
    "sky": sky,
    "sky, two sources": lambda: sky(src=cy.sources([1.0, 4.0], [0.2, -0.5])),
    "sky, window": lambda: sky(src=cy.sources(**SRC, **WINDOW), **IN_WINDOW),
    "prior": prior,
    "prior, refined": lambda: prior(refine=64),
    "prior, few pixels": lambda: prior(containment=0.5),
    "prior, inside pixels": lambda: prior(inj_conf={"in_pixel": True}),
    "prior, by flux": lambda: prior(inj_conf={"by": "flux"}),
    "two priors": lambda: prior(llh_priors=[bump(), bump(ra=4.0)]),
    "two priors, summed": lambda: prior(llh_priors=[bump(), bump(ra=4.0)], combine="sum"),
    "prior, window": lambda: prior(**IN_WINDOW),
    "prior, window with tails": lambda: prior(**TAILS),
    "prior, new times": lambda: prior(**IN_WINDOW, scramble="time"),
    "two priors, window": lambda: prior(llh_priors=[bump(), bump(ra=4.0)], **IN_WINDOW),
    "prior, window, refined": lambda: prior(refine=64, **IN_WINDOW),
    "prior, window, extended": lambda: prior(inj_conf={"extension": 0.03}, **IN_WINDOW),
}


@pytest.mark.parametrize("name", list(RUNNERS))
def test_batches_fit_the_events_that_one_trial_shows(name: str) -> None:
    tr = RUNNERS[name]()
    for n_sig, poisson in ((0, False), (3, False), (1.5, True)):
        rows = tr.get_many_fits(5, n_sig, poisson, seed=SEED)
        one = tr.get_one_fit_from_trial(tr.get_one_trial(n_sig, poisson, seed=SEED))
        np.testing.assert_array_equal(np.asarray(one), list(rows[0].tolist()))
        np.testing.assert_array_equal(np.asarray(tr.get_one_fit(n_sig, poisson, seed=SEED)), np.asarray(one))
        for j in (4, 1):  # any one of them alone, in any order
            fit = tr.get_one_fit_from_trial(tr.draw_trial(SEED, j, n_sig, poisson))
            np.testing.assert_array_equal(np.asarray(fit), list(rows[j].tolist()))
        assert tr.fit_trials([3, 0], n_sig, poisson, SEED).tobytes() == rows[[3, 0]].tobytes()


def test_the_background_of_whole_seasons_is_that_of_the_oracle() -> None:
    for make in (point, sky, prior):
        for k, background in enumerate(make().draw_trial(SEED, 6, 2, False).background):
            words = blocks(KEY, 6 // 4, "right_ascension", k, len(background))[:, 6 % 4]
            np.testing.assert_array_equal(background.ra, words * (2 * np.pi / 2**32))


def test_new_declinations_are_those_of_the_oracle() -> None:
    trial = RUNNERS["point, new declinations"]().draw_trial(SEED, 3, 0, False)
    for k, season in enumerate(two_seasons()):
        dec = season.data["dec"]
        uniform = uniforms(KEY, 3, "declination", k, len(dec))[:, 0]
        np.testing.assert_array_equal(trial.background[k].dec, DecRandomization(0.05).moved(dec, uniform))


def test_off_time_events_are_those_of_the_oracle() -> None:
    tr = RUNNERS["prior, window"]()
    for j in range(6):
        for k, background in enumerate(tr.draw_trial(SEED, j, 0, False).background):
            on = tr.on_time.seasons[k]
            n = int(stats.poisson.ppf(uniforms(KEY, j, "off_time_count", k, 1)[0, 0], on.n_background))
            choice, time = uniforms(KEY, j, "off_time", k, n).T
            np.testing.assert_array_equal(background.rows, on.off[np.floor(choice * len(on.off)).astype(int)])
            np.testing.assert_array_equal(background.mjd, on.uptime.at(time * on.uptime.days))
            words = blocks(KEY, j // 4, "right_ascension", k, n)[:, j % 4]
            np.testing.assert_array_equal(background.ra, words * (2 * np.pi / 2**32))


def test_injected_events_are_those_of_the_oracle() -> None:
    """Which simulated events: from the declination band, by weight, in the order of the true sin δ."""
    ana = one_season()
    sim = ana[0].sim
    sin_true = np.sin(sim["true_dec"])
    weight = sim["oneweight"] * cy.hyp.PowerLawFlux(2.0)(sim["true_energy"])
    for name, tr in (("point", point(ana=ana)), ("prior", prior(ana=ana))):
        trial = tr.draw_trial(SEED, 2, 9, False)
        dec = 0.2 if name == "point" else float(trial.dec[0])
        inside = np.flatnonzero(np.abs(sin_true - np.sin(dec)) < np.radians(1.0))
        inside = inside[np.argsort(sin_true[inside], kind="stable")]
        ends = np.cumsum(weight[inside]) / weight[inside].sum()
        choice = uniforms(KEY, 2, "signal", 0, 9)[:, 0]
        assert trial.injected[0]["idx"].tolist() == inside[np.searchsorted(ends, choice, side="right")].tolist()


def test_how_many_are_injected_and_where_are_those_of_the_oracle() -> None:
    tr = prior(ana=one_season(), inj_conf={"by": "count"})
    p = tr.priors[0].probability[tr.pixels.pixels]
    for j in range(5):
        trial = tr.draw_trial(SEED, j, 4.5, True)
        assert trial.n_injected == stats.poisson.ppf(uniforms(KEY, j, "signal_count", 0, 1)[0, 0], 4.5)
        row = np.searchsorted(np.cumsum(p) / p.sum(), uniforms(KEY, j, "source", 0, 1)[0, 0], side="right")
        assert (trial.ra[0], trial.dec[0]) == (tr.pixels.ra[row], tr.pixels.dec[row])
