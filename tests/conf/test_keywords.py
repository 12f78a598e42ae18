"""Nothing is accepted that changes the question: every keyword acts, or has a reason why it cannot matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.conf.keywords import INJECTION, KEYWORDS, NOT_NEEDED, keys_of
from seasons import one_season, season, two_seasons
from simulated_season import simulated_analysis

NSIDE = 4
GRID = np.stack(cy.trial.SkyScanner.get_healpix_grid(NSIDE))
SRC = cy.sources(*GRID[:, 80])  # a pixel of the scans
PRIOR = 1e-3 + np.exp(-np.linspace(0, 8, 12 * NSIDE**2))
OTHER = PRIOR[::-1].copy()
START = float(np.median(season().data["mjd"]))
WINDOW = cy.sources(*GRID[:, 80], mjd=START, t_100=20.0)
CALLS = ("get_trial_runner", "get_sky_scan_trial_runner", "get_spatial_prior_trial_runner")
SOFT = cy.hyp.PowerLawFlux(3.5)
MODEL = cy.pdf.CustomFluxEnergyPDFRatioModel

# keyword → (settings before, settings with it): the numbers of a trial must differ
Change = tuple[dict[str, Any], dict[str, Any]]
ACTS: dict[str, Change] = {
    "ana": ({}, {"ana": two_seasons()}),
    "flux": ({}, {"flux": SOFT}),
    "inj_conf": ({}, {"inj_conf": {"flux": SOFT}}),
    "gamma": ({}, {"gamma": 2.0}),
    "energy": ({}, {"energy": False}),
    "CustomFluxEnergyPDFRatioModel": (
        {"energy": "customflux", "flux": cy.hyp.PowerLawFlux(2.0)},
        {MODEL: {"flux": SOFT}},
    ),
    "fitter_args": ({}, {"fitter_args": {"gamma": 3.0}}),
    "cut_n_sigma": ({}, {"cut_n_sigma": 1.0}),
    "extension": ({}, {"extension": 0.05}),
    "sindec_bandwidth": ({}, {"sindec_bandwidth": 0.5}),
    "randomize": (
        {"dec_rand_kwargs": None},
        {"randomize": ["ra", "dec"], "dec_rand_kwargs": {"randomization_width": 0.1}},
    ),
    "bg_weight_names": ({"ana": simulated_analysis(800, 8_000)}, {"bg_weight_names": ["conv", "astro"]}),
    "update_bg": ({}, {"update_bg": True}),
    "dec_rand_kwargs": (
        {"randomize": ["ra", cy.inj.DecRandomizer], "dec_rand_kwargs": {"randomization_width": 0.1}},
        {"dec_rand_kwargs": {"randomization_width": 0.3}},
    ),
    "dec_rand_pole_exlusion": (
        {"randomize": ["ra", cy.inj.DecRandomizer], "dec_rand_kwargs": {"randomization_width": 0.1}},
        {"dec_rand_pole_exlusion": 1.4},
    ),
}
# Of a source, a stack or a template only
OF_POINTS: dict[str, Change] = {"sigsub": ({}, {"sigsub": True})}
WITH_WINDOW: dict[str, Change] = {
    "use_grl": ({"use_grl": False}, {}),
    "scramble": ({"use_grl": False}, {"scramble": "time"}),
    "off_days": ({"use_grl": False}, {"off_days": 20.0}),
}
# The small season has no good-run list; its events are many enough for a flare by chance at a low threshold.
FLARE = {"time": "utf", "box": True, "use_grl": False, "seeder": cy.seeding.UTFSeeder(threshold=2.0), "prior": None}
FLARED = {**FLARE, "sig": "tw", "sig_kw": {"t0": START, "dt": 2.0}}
OF_FLARES: dict[str, Change] = {
    "time": ({}, FLARE),
    "sig": (FLARE, {"sig": "tw", "sig_kw": {"t0": START, "dt": 2.0}}),
    "sig_kw": (FLARED, {"sig_kw": {"t0": START, "dt": 20.0}}),
    "box": (FLARED, {"box": False}),
    "box_mode": (FLARE, {"box_mode": "post"}),
    "dt_min": (FLARED, {"dt_min": 50.0}),
    "dt_max": (FLARE, {"dt_max": 2.0}),
    "seeder": (FLARE, {"seeder": cy.seeding.UTFSeeder(threshold=1e6)}),
    "prior": ({key: value for key, value in FLARE.items() if key != "prior"}, {"prior": None}),
}
EDGES = START + np.arange(-60.0, 61.0, 5.0)
BRIGHT = 1.0 + np.sin(np.arange(len(EDGES) - 1.0) ** 2)
CURVE = {"time": "lc", "use_grl": False, "lcs": (EDGES, BRIGHT), "range_lag": (-5.0, 5.0)}
OF_FLARES |= {
    "lcs": (CURVE, {"lcs": (EDGES, BRIGHT[::-1])}),
    "range_thresh": (CURVE, {"range_thresh": (0.0, 0.1)}),
    "range_lag": (CURVE, {"range_lag": (0.0, 0.0)}),
    "n_seeds_thresh": (CURVE, {"n_seeds_thresh": 3}),
    "n_seeds_lag": (CURVE, {"n_seeds_lag": 3}),
    "threshs": ({**CURVE, "sig": "lc"}, {"threshs": 0.5}),
    "lags": ({**CURVE, "sig": "lc"}, {"lags": 5.0}),
    "extended": (FLARED, {"extended": True}),
}
OF_MAPS: dict[str, Change] = {
    "nside": ({}, {"nside": 8}),
    "min_dec": ({}, {"min_dec": 0.5}),
    "max_dec": ({}, {"max_dec": -0.5}),
    "pixmask": ({}, {"pixmask": np.arange(12 * NSIDE**2) > 150}),
    "cone": ({}, {"cone": (4.0, -0.8, 0.4)}),
    "refine": ({}, {"refine": True}),
    "refine_max": ({}, {"refine_max": True}),
}
OF_PRIORS: dict[str, Change] = {
    "llh_priors": ({}, {"llh_priors": OTHER}),
    "nest": ({}, {"nest": True}),
    "prior_policy": ({}, {"prior_policy": cy.PriorPolicy(weight=1.0)}),
    "prior_weight": ({}, {"prior_weight": 1.0}),
    "frame": ({}, {"frame": "galactic"}),
    "containment": ({}, {"containment": 0.1}),
    "combine": ({"llh_priors": [PRIOR, OTHER]}, {"combine": "sum"}),
}
# Read for meaning only, tested where they are used: no change of value is both accepted and different here.
ELSEWHERE = {
    "src": "the position: test_point_source, test_sky_scan",
    "src_tr": "the window: tests/end_to_end/test_transient_runners.py",
    "src_kw": "the window: tests/end_to_end/test_transient_runners.py",
    "ts_to_p": "mlog10p only: test_map_runner",
    "space": "names the runner; anything else is refused",
    "template": "tests/conf/test_template.py",
    "bins_energy": "tests/conf/test_template.py",
    "TRUTH": "one value",
    "rates_by": "one value",
    "func": "one value",
    "features": "one value",
    "kind": "one value",
    "dec_rand_method": "one value",
    "prior_zero": "zeros of a prior: tests/priors",
    "prior_floor": "pixels of little probability: tests/pixels/test_of_priors.py",
    "pixels": "tests/pixels/test_multi_order.py",
    "min_nside": "tests/pixels/test_multi_order.py",
    "max_nside": "tests/pixels/test_multi_order.py",
    **dict.fromkeys(("multiflare", "threshold", "max_dt", "ts_min"), "tests/hypotheses/test_multiflare.py"),
}


def numbers(call: str, settings: dict[str, Any]) -> Any:
    given: dict[str, Any] = {"ana": one_season(), "src": SRC, "cut_n_sigma": 5.0}
    if call != CALLS[0]:
        given |= {"nside": NSIDE}
    if call == CALLS[2]:
        del given["src"]
        given |= {"llh_priors": PRIOR, "nside": None}
    tr = getattr(cy, call)({**given, **settings})
    # Several seeds: where a source happens to lie on the peak of the prior, its weight and its limits do not matter
    fits = [tr.get_one_fit(30, seed=seed) for seed in (7, 8, 9)]
    return [float(x) for fit in fits for x in (fit.ts_raw, *np.nan_to_num(np.asarray(fit)), fit.ra, fit.dec)]


CASES = [
    (call, key, change)
    for table, calls in ((ACTS, CALLS), (OF_POINTS, CALLS[:1]), (OF_MAPS, CALLS[1:]), (OF_PRIORS, CALLS[2:]))
    for key, change in table.items()
    for call in calls
    if (key, call) not in {("nside", CALLS[2])}  # the priors' own
]


@pytest.mark.parametrize(("call", "key", "change"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_a_keyword_acts(call: str, key: str, change: Change) -> None:
    before, after = change
    assert numbers(call, before) != numbers(call, {**before, **after})


@pytest.mark.parametrize("key", sorted(WITH_WINDOW))
def test_a_keyword_of_time_windows_acts(key: str) -> None:
    before, after = WITH_WINDOW[key]
    if key == "use_grl":
        with pytest.raises(ValueError, match="no good-run list"):
            numbers(CALLS[0], {"src": WINDOW, **after})
        return
    assert numbers(CALLS[0], {"src": WINDOW, **before}) != numbers(CALLS[0], {"src": WINDOW, **before, **after})


@pytest.mark.parametrize("key", sorted(OF_FLARES))
def test_a_keyword_of_flares_acts(key: str) -> None:
    before, after = OF_FLARES[key]
    assert numbers(CALLS[0], before) != numbers(CALLS[0], {**before, **after})


@pytest.mark.parametrize("key", sorted(NOT_NEEDED))
@pytest.mark.parametrize("call", CALLS)
def test_a_keyword_that_is_not_needed_changes_nothing(call: str, key: str) -> None:
    if key in keys_of(call):
        value = {"mp_cpus": 2, "logging": False}.get(key, "anything")
        assert numbers(call, {key: value}) == numbers(call, {})
        assert len(KEYWORDS[key].what) > 20


def test_every_keyword_is_looked_at() -> None:
    seen = {*ACTS, *OF_POINTS, *WITH_WINDOW, *OF_FLARES, *OF_MAPS, *OF_PRIORS, *ELSEWHERE, *NOT_NEEDED}
    assert set(KEYWORDS) == seen
    assert set(INJECTION) <= {*KEYWORDS, "in_pixel", "by", "priors", "t0", "dt", "threshs", "lags"}


INJECTED: dict[str, tuple[str, ...]] = {call: tuple(sorted(keys_of(call, INJECTION))) for call in CALLS}


@pytest.mark.parametrize(
    ("call", "injected"),
    [
        (CALLS[0], {"flux": SOFT}),
        (CALLS[0], {"sindec_bandwidth": 0.5}),
        (CALLS[0], {"extension": 0.1}),
        (CALLS[1], {"src": cy.sources(*GRID[:, 90])}),
        (CALLS[2], {"priors": OTHER}),
        (CALLS[2], {"priors": PRIOR, "nest": True}),
        (CALLS[2], {"in_pixel": True}),
        (CALLS[2], {"by": "flux"}),
    ],
)
def test_a_setting_of_the_injected_signal_acts(call: str, injected: dict[str, Any]) -> None:
    assert set(injected) <= set(INJECTED[call])
    assert numbers(call, {"inj_conf": injected}) != numbers(call, {})
