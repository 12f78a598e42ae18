"""The compiled core against the oracle, and what must not change a result."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import core_sky
import nusky as cy
import oracle
from core_sky import NODES, made_up, patch, same_bits
from nusky import _core
from nusky.analysis.season import SubAnalysis
from nusky.analysis.set_up import set_up
from nusky.data.dataset import Dataset
from nusky.trial.status import Status

F64 = NDArray[np.float64]


def rounding(ts: F64) -> F64:
    """What single-precision sums leave open, and what the promise calls typical."""
    return np.asarray(1e-6 * ts + 1e-5)


# ---- against the oracle -------------------------------------------------------------------------------------------


def hardest(ts: F64, ra: F64, dec: F64, rng: np.random.Generator) -> NDArray[np.int64]:
    """The hottest, those that just rise above 0, those next to the poles, and some at random."""
    order = np.argsort(ts)[::-1]
    barely = np.flatnonzero((ts > 0) & (ts < 0.02))
    poles = np.argsort(np.abs(dec))[::-1][:12]
    seam = np.argsort(np.minimum(ra, 2 * np.pi - ra))[:12]
    groups = (order[:40], rng.choice(barely, min(30, len(barely)), replace=False), poles, seam, rng.choice(len(ts), 50))
    return np.unique(np.concatenate(groups))


def check_season(season: SubAnalysis, injected: int) -> None:
    """Fits of a season, some of its events moved onto one point, against the oracle at some 140 directions."""
    rng = np.random.default_rng(11)
    source_ra, source_dec = 2.0, 0.1
    data = season.data
    near = np.flatnonzero(np.abs(data.dec - source_dec) < np.radians(3))
    ra = 2 * np.pi * rng.random(len(data))
    ra[near[np.argsort(data["log10energy"][near])[-injected:]]] = source_ra  # a bright, hard source
    n = float(len(data))
    nodes = season.acceptance.gamma_nodes
    core_columns = _core.EventColumns(
        data.dec, data.sigma, season.background_density, season.log_energy_ratio, np.array(nodes)
    )
    index = _core.EventIndex([(core_columns, ra, 0, None, None)], np.array([n]))
    likelihood = core_sky.likelihood(1, np.array(nodes))
    src_ra, src_dec = core_sky.whole_sky(20_000)
    src_ra = np.concatenate([src_ra, [0.0, 3.0, source_ra], source_ra + 0.01 * rng.standard_normal(40)])
    src_dec = np.concatenate(
        [src_dec, [-np.pi / 2, np.pi / 2, source_dec], source_dec + 0.01 * rng.standard_normal(40)]
    )
    events = oracle.Season(ra, data.dec, data.sigma, season.background_density, season.log_energy_ratio)
    for gamma in (None, 2.37):
        ts, ns, fitted, status = _core.scan(
            likelihood, index, _core.Directions(src_ra, src_dec), gamma=gamma, n_threads=2
        )
        assert not np.isin(status, [Status.NOT_CONVERGED, Status.NOT_SCANNED]).any()
        assert ts.max() > 30
        rows = hardest(ts, src_ra, src_dec, rng)
        if gamma is not None:
            rows = np.union1d(rows[::4], np.argmax(ts))
        expected = [
            oracle.fit([events], src_ra[i], src_dec[i], gamma_nodes=np.array(nodes), gamma=gamma, n_grid=61)
            for i in rows
        ]
        expected_ts = np.array([fit.ts for fit in expected])
        difference = np.abs(ts[rows] - expected_ts)
        worst = int(np.argmax(difference))
        assert difference.max() <= 1e-3, (rows[worst], expected[worst], ts[rows[worst]])
        assert np.mean(difference <= rounding(expected_ts)) >= 0.99
        assert rows[np.argmax(expected_ts)] == np.argmax(ts)
        sure = expected_ts > 1.0
        np.testing.assert_allclose(ns[rows][sure], np.array([fit.ns for fit in expected])[sure], rtol=2e-3)
        np.testing.assert_allclose(fitted[rows][sure], np.array([fit.gamma for fit in expected])[sure], atol=2e-3)


def test_on_the_synthetic_season_every_fit_is_the_oracles() -> None:
    check_season(set_up(cy.selections.demo.read("synthetic-v1", "IC86_2011")), injected=20)


@pytest.mark.slow
def test_on_the_real_season_every_fit_is_the_oracles(shared_data: pathlib.Path) -> None:
    from nusky.releases import read_ic86_first_year

    season: Dataset = read_ic86_first_year(shared_data / "icecube_ic86_2011")
    check_season(set_up(season), injected=20)


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("factor", [False, True])
def test_several_seasons_with_chosen_rows_and_factors_are_the_oracles(extended: bool, factor: bool) -> None:
    rng = np.random.default_rng(5)
    seasons = [made_up(1500, 1, clump=12), made_up(200, 2), made_up(15, 3)]
    parts: list[Any] = []
    expected_seasons = []
    for k, events in enumerate(seasons):
        rows = np.sort(rng.choice(len(events.ra), 2 * len(events.ra) // 3, replace=False))
        if k == 0:
            rows = np.concatenate([np.arange(12), rows])  # some events twice: a row may be drawn again
        weight = rng.uniform(0.0, 3.0, len(rows)) if factor else None
        ra = rng.uniform(0, 2 * np.pi, len(rows))
        ra[:12] = events.ra[rows[:12]]
        parts.append((core_sky.columns(events), ra, k, rows, weight))
        some = events[rows]
        n = 0.4 * len(rows) if extended else float(len(rows) + 3)
        expected_seasons.append(
            oracle.Season(ra, some.dec, some.sigma, some.background, some.log_energy_ratio, n, weight)
        )
    n_events = np.array([season.n_events for season in expected_seasons])
    index = _core.EventIndex(parts, n_events)
    sindec, table = core_sky.log_acceptance(3)
    ra, dec = core_sky.whole_sky(40)
    ra, dec = np.append(ra, [1.0, 1.01, 0.0]), np.append(dec, [0.3, 0.29, np.pi / 2])
    ts, *_ = _core.scan(core_sky.likelihood(3, extended=extended), index, _core.Directions(ra, dec))
    fits = [
        oracle.fit(
            expected_seasons,
            a,
            d,
            gamma_nodes=NODES,
            sindec_nodes=sindec,
            log_acceptance=table,
            extended=extended,
            n_grid=61,
        )
        for a, d in zip(ra, dec, strict=True)
    ]
    expected = np.array([fit.ts for fit in fits])
    assert np.abs(ts - expected).max() <= 1e-3
    assert np.all(np.abs(ts - expected) <= 2 * rounding(expected))
    assert expected.max() > 20


def test_an_extension_widens_every_event() -> None:
    events = made_up(800, 4, clump=15)
    part = (core_sky.columns(events, extension=0.02, cut_n_sigma=4.0), events.ra, 0, None, None)
    index = _core.EventIndex([part], np.array([800.0]))
    ra, dec = np.array([1.0, 1.02, 4.0]), np.array([0.3, 0.31, -0.5])
    ts, *_ = _core.scan(core_sky.likelihood(), index, _core.Directions(ra, dec))
    season = oracle.Season(events.ra, events.dec, events.sigma, events.background, events.log_energy_ratio)
    for i in range(3):
        expected = oracle.fit([season], ra[i], dec[i], gamma_nodes=NODES, extension=0.02, cut_n_sigma=4.0, n_grid=121)
        assert ts[i] == pytest.approx(expected.ts, rel=1e-6, abs=1e-5)
    assert ts[0] > 10


# ---- what must not change a result --------------------------------------------------------------------------------

skies = st.builds(
    made_up,
    n=st.integers(1, 1500),
    seed=st.integers(0, 2**32 - 1),
    nodes=st.sampled_from([NODES, np.linspace(1, 4, 2), np.array([1.0, 1.2, 2.0, 3.9])]),
    widest=st.sampled_from([1.0, 5.0, 60.0]),
    clump=st.just(0),
)
few = settings(max_examples=15, deadline=None, derandomize=True)


def scan(events: core_sky.Events, directions: _core.Directions, **options: Any) -> core_sky.Fits:
    return _core.scan(core_sky.likelihood(1, events.nodes), core_sky.index(events), directions, **options)


def assert_only_rounding(a: core_sky.Fits, b: core_sky.Fits) -> None:
    assert np.all(np.abs(a[0] - b[0]) <= 2 * rounding(a[0]))


@few
@given(events=skies, seed=st.integers(0, 100))
def test_the_order_of_events_changes_nothing_but_rounding(events: core_sky.Events, seed: int) -> None:
    directions = patch(2).directions()
    order = np.random.default_rng(seed).permutation(len(events.ra))
    assert_only_rounding(scan(events, directions), scan(events[order], directions))


@few
@given(events=skies, turn=st.floats(-20, 20))
def test_a_common_rotation_in_right_ascension_changes_nothing_but_rounding(
    events: core_sky.Events, turn: float
) -> None:
    tiles = patch(2)
    turned = core_sky.replace(events, ra=events.ra + turn)
    assert_only_rounding(scan(events, tiles.directions()), scan(turned, tiles.directions(turn=turn)))


@few
@given(events=skies, gamma=st.sampled_from([None, 2.3]))
def test_the_number_of_threads_changes_no_bit(events: core_sky.Events, gamma: float | None) -> None:
    directions = patch(5).directions()
    one = scan(events, directions, n_threads=1, gamma=gamma)
    for n_threads in (2, 0, 1_000_000):
        assert same_bits(one, scan(events, directions, n_threads=n_threads, gamma=gamma))


@few
@given(events=skies, seed=st.integers(0, 100), n=st.integers(1, 144), gamma=st.sampled_from([None, 2.3]))
def test_any_subset_of_directions_in_any_order_has_the_bits_of_the_whole(
    events: core_sky.Events, seed: int, n: int, gamma: float | None
) -> None:
    tiles = patch(3)
    whole = scan(events, tiles.directions(), gamma=gamma)
    rows = np.random.default_rng(seed).permutation(144)[:n]
    part = scan(events, tiles.directions(rows), gamma=gamma)
    assert same_bits(part, tuple(np.ascontiguousarray(a[rows]) for a in whole))  # type: ignore[arg-type]


@few
@given(events=skies)
def test_other_tiles_change_nothing_but_rounding(events: core_sky.Events) -> None:
    tiles = patch(3)
    assert_only_rounding(scan(events, tiles.directions()), scan(events, _core.Directions(tiles.ra, tiles.dec)))


@few
@given(events=skies)
def test_events_that_no_direction_can_see_need_not_be_given(events: core_sky.Events) -> None:
    tiles = patch(2)
    far = np.array(
        [
            oracle.separation(tiles.ra, tiles.dec, a, d).min() > min(np.pi, 5 * s)
            for a, d, s in zip(events.ra, events.dec, events.sigma, strict=True)
        ]
    )
    assert_only_rounding(scan(events, tiles.directions()), scan(events[~far], tiles.directions()))


@few
@given(events=skies)
def test_fits_keep_their_contract(events: core_sky.Events) -> None:
    ts, ns, gamma, status = scan(events, patch(3).directions())
    assert np.all(ts >= 0)
    assert np.all((ns >= 0) & (ns <= events.n_events))
    empty = np.isin(status, [Status.NO_EXCESS, Status.NO_EVENTS])
    assert np.all(ts[empty] == 0)
    assert np.all(ns[empty] == 0)
    assert np.all(np.isnan(gamma[empty]))
    assert np.all((gamma[~empty] >= events.nodes[0]) & (gamma[~empty] <= events.nodes[-1]))
    assert np.all(ts[~empty] > 0)
    for fixed in (events.nodes[0], 2.5, events.nodes[-1]):
        assert np.all(scan(events, patch(3).directions(), gamma=float(fixed))[0] <= ts + 2 * rounding(ts))


# ---- the hottest direction ----------------------------------------------------------------------------------------


@st.composite
def prior_terms(draw: st.DrawFn) -> F64:
    """Flat, a hill, a single direction, noise with holes: (4, 144)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width, depth = draw(st.sampled_from([0.01, 0.05, 1.0])), draw(st.sampled_from([-2.0, -10.0, -np.inf]))
    tiles = patch(3)
    psi = oracle.separation(tiles.ra, tiles.dec, *rng.choice(np.transpose([tiles.ra, tiles.dec])))
    hill = np.maximum(-((psi / width) ** 2), depth)
    single = np.full(144, -np.inf)
    single[rng.integers(144)] = 0.0
    noise = np.where(rng.random(144) < 0.5, -np.inf, -9 * rng.random(144))
    return np.stack([np.zeros(144), hill, single, noise])


@few
@given(events=skies, terms=prior_terms(), n_threads=st.sampled_from([1, 2]), gamma=st.sampled_from([None, 2.3]))
def test_the_hottest_direction_has_the_bits_of_the_whole_map(
    events: core_sky.Events, terms: F64, n_threads: int, gamma: float | None
) -> None:
    directions, index = patch(3).directions(), core_sky.index(events)
    likelihood = core_sky.likelihood(1, events.nodes)
    ts, ns, fitted, status = _core.scan(likelihood, index, directions, gamma=gamma)
    total = ts + terms
    search = _core.SearchPlan(directions, terms)
    for prune in (True, False):
        table = _core.hottest(likelihood, index, search, gamma=gamma, n_threads=n_threads, prune=prune)
        for row, value in zip(table, total, strict=True):
            if not np.isfinite(value).any():
                assert row["direction"] == -1
                continue
            best = int(np.argmax(value))  # the lowest of equal ones
            expected = (best, value[best], ts[best], ns[best], fitted[best], status[best])
            found = (row[name] for name in ("direction", "ts_prior", "ts", "ns", "gamma", "status"))
            np.testing.assert_array_equal(list(found), expected)


# ---- instruction sets ---------------------------------------------------------------------------------------------


@pytest.fixture
def level() -> Any:
    """Gives back the level that was in use."""
    before = _core.simd_level()
    yield
    _core.set_simd_level(before)


@pytest.mark.usefixtures("level")
def test_every_instruction_set_gives_the_same_fits() -> None:
    events, directions = made_up(5000, 8, clump=25), patch(10).directions()
    fits = {}
    for name in _core.simd_levels().split():
        _core.set_simd_level(name)
        assert _core.simd_level() == name
        fits[name] = scan(events, directions)
    assert fits
    names = list(fits)
    for name in names[1:]:
        assert np.all(np.abs(fits[name][0] - fits[names[0]][0]) <= rounding(fits[name][0]))
    if {"avx2", "avx512"} <= set(names):
        assert same_bits(fits["avx2"], fits["avx512"])


@pytest.mark.usefixtures("level")
def test_an_unknown_instruction_set_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=rf"avx9.*{_core.simd_levels()}"):
        _core.set_simd_level("avx9")
