from __future__ import annotations

import itertools
import pathlib
import time

import numpy as np
import pytest
from scipy import stats

from nusky import selections
from nusky.data.dataset import Dataset
from nusky.data.good_runs import count_outside
from nusky.releases import read_ic86_first_year
from nusky.response import AreaTable
from nusky.selections import DataRepository, PSDataSpecs, resolve
from nusky.selections.synthetic import effective_area, fingerprint, synthetic_season
from nusky.sphere.rotation import separation
from nusky.sphere.sidereal import local_azimuth


@pytest.fixture(scope="module")
def season() -> Dataset:
    return synthetic_season()


def test_it_has_the_tutorials_size_and_says_it_is_synthetic(season: Dataset) -> None:
    assert len(season.data) == 136_244
    assert season.livetime == 332.61
    assert "synthetic" in season.key
    assert "synthetic" in season.version
    assert season.notes[0].startswith("synthetic: ")
    assert 300_000 < len(season.sim) < 600_000


def test_every_call_gives_the_same_bits(season: Dataset) -> None:
    again = synthetic_season()
    for part in ("data", "sim", "grl"):
        for column in getattr(season, part).columns:
            np.testing.assert_array_equal(getattr(again, part)[column], getattr(season, part)[column])
    assert again.fingerprint == season.fingerprint == fingerprint()


def test_these_are_the_events_of_version_one(season: Dataset) -> None:
    """Sums over all events: other numbers need a new version. Elementary functions may differ in their last bits."""
    sums = {name: float(season.data[name].sum()) for name in ("ra", "sindec", "log10energy", "sigma")}
    sums["oneweight"] = float(np.log(season.sim.oneweight).sum())
    assert sums == pytest.approx(GOLDEN, rel=1e-9)


GOLDEN = {
    "ra": 428507.59575892007,
    "sindec": -10845.856496975444,
    "log10energy": 509209.0250808592,
    "sigma": 2508.305939133947,
    "oneweight": 6885762.674293882,
}


def test_it_is_made_within_seconds() -> None:
    start = time.process_time()
    synthetic_season()
    assert time.process_time() - start < 6.0  # 0.5 s on an idle core; a guard, no benchmark


def test_times_lie_in_the_good_runs_at_constant_rate(season: Dataset) -> None:
    grl = season.grl
    assert grl is not None
    assert np.sum(grl.stop - grl.start) == pytest.approx(season.livetime, abs=1e-9)
    assert np.all(grl.start[1:] > grl.stop[:-1])
    assert count_outside(grl, season.data.mjd) == 0
    assert np.all(np.diff(season.data.mjd) >= 0)
    length = grl.stop - grl.start
    elapsed = season.data.mjd - np.repeat(grl.start, np.bincount(season.data.run - 1, minlength=len(grl)))
    elapsed += np.concatenate([[0], np.cumsum(length)])[season.data.run - 1]
    assert stats.kstest(elapsed / season.livetime, "uniform").pvalue > 1e-3
    assert len(np.unique(season.data.mjd)) == len(season.data)  # fractional: no ties for transients


def test_runs_and_events_are_numbered(season: Dataset) -> None:
    grl, data = season.grl, season.data
    assert grl is not None
    run = np.searchsorted(grl.start, data.mjd, side="right") - 1
    np.testing.assert_array_equal(grl.run[run], data.run)
    pairs = np.column_stack([data.run, data.event])
    assert len(np.unique(pairs, axis=0)) == len(data)


def test_right_ascension_is_uniform_and_azimuth_has_six_sides(season: Dataset) -> None:
    data = season.data
    assert stats.kstest(data.ra / (2 * np.pi), "uniform").pvalue > 1e-3
    assert np.all((data.ra >= 0) & (data.ra < 2 * np.pi))
    n = len(data)
    harmonic = 2 * np.abs(np.mean(np.exp(6j * data.azimuth)))
    assert harmonic == pytest.approx(0.1, abs=4 * np.sqrt(2 / n))
    np.testing.assert_allclose(data.zenith, data.dec + np.pi / 2, rtol=1e-12)


def test_azimuth_and_right_ascension_agree_through_the_earths_rotation(season: Dataset) -> None:
    data = season.data
    difference = np.angle(np.exp(1j * (local_azimuth(data.ra, data.mjd) - data.azimuth)))
    assert np.abs(difference).max() < 1e-8
    # A sidereal day later the same azimuth is the same right ascension.
    day = 1 / 1.00273781191135448
    assert local_azimuth(1.0, 55700.0 + day) == pytest.approx(float(local_azimuth(1.0, 55700.0)), abs=1e-8)


def test_the_rotation_is_the_one_of_astropy() -> None:
    from astropy.time import Time

    mjd = np.array([54562.379, 55694.5, 56062.25, 58000.0])
    era = Time(mjd, format="mjd", scale="ut1").earth_rotation_angle(0).rad
    np.testing.assert_allclose(
        np.angle(np.exp(1j * (local_azimuth(0.3, mjd) - (era + np.pi / 2 - 0.3)))), 0.0, atol=1e-7
    )


def test_the_azimuth_relation_is_that_of_ic40(shared_data: pathlib.Path) -> None:
    path = shared_data / "icecube_ps10_subset" / "events" / "IC40_exp.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    rows = np.loadtxt(path, skiprows=1)
    rows = rows[np.abs(rows[:, 4]) < 60]
    difference = local_azimuth(np.radians(rows[:, 3]), rows[:, 0]) - np.radians(rows[:, 5])
    assert np.degrees(np.abs(np.angle(np.exp(1j * difference)))).max() < 0.11


def test_the_simulation_stands_for_the_analytic_area(season: Dataset) -> None:
    log_edges, sindec_edges = np.linspace(2, 9, 71), np.linspace(-1, 1, 101)
    x, s = 0.5 * (log_edges[1:] + log_edges[:-1]), 0.5 * (sindec_edges[1:] + sindec_edges[:-1])
    table = AreaTable(10**log_edges, sindec_edges, effective_area(x[:, None], s[None, :]))
    bands = np.linspace(-1, 1, 21)
    for gamma in (1.5, 2.0, 3.0, 3.5):
        weight = season.sim.oneweight * season.sim.true_energy**-gamma
        found, _ = np.histogram(np.sin(season.sim.true_dec), bands, weights=weight)
        expected = [table.integral(gamma, lo, hi) for lo, hi in itertools.pairwise(bands)]
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_offsets_and_errors_of_the_simulation_agree(season: Dataset) -> None:
    sim = season.sim
    psi = separation(sim.ra, sim.dec, sim.true_ra, sim.true_dec)
    pull = 0.5 * (psi / sim.sigma)[::20] ** 2
    assert stats.kstest(pull, "expon").pvalue > 1e-3


def test_columns_stay_in_their_ranges(season: Dataset) -> None:
    for events in (season.data, season.sim):
        assert events.sigma.min() >= np.radians(0.2)
        assert events.sigma.max() < np.pi
        assert np.all(np.abs(events.dec) <= np.pi / 2)
        assert events.log10energy.min() > -1
        assert events.log10energy.max() < 10
    assert season.data.log10energy.max() < season.log10energy_bins[-1]
    assert season.data.log10energy.min() > season.log10energy_bins[0]
    assert synthetic_season(min_sigma=0.01).data.sigma.min() == 0.01


@pytest.fixture(scope="module")
def real(shared_data: pathlib.Path) -> Dataset:
    return read_ic86_first_year(shared_data / "icecube_ic86_2011")


def test_it_is_shaped_like_the_real_season(season: Dataset, real: Dataset) -> None:
    edges = np.linspace(-1, 1, 21)
    ours, theirs = (np.histogram(one.data.sindec, edges)[0] / len(one.data) for one in (season, real))
    np.testing.assert_allclose(ours, theirs, rtol=0.1)
    for lo, hi in itertools.pairwise(edges[1:-1]):  # all but the two polar bands
        a, b = (one.data[(one.data.sindec >= lo) & (one.data.sindec < hi)] for one in (season, real))
        np.testing.assert_allclose(
            np.quantile(a.log10energy, [0.05, 0.5, 0.95]), np.quantile(b.log10energy, [0.05, 0.5, 0.95]), atol=0.25
        )
        # The release rounds σ to 0.1°, so half of that comes on top.
        np.testing.assert_allclose(np.degrees(np.median(a.sigma)), np.degrees(np.median(b.sigma)), rtol=0.25, atol=0.05)


def test_its_acceptance_is_like_the_published_one(season: Dataset, real: Dataset) -> None:
    edges = np.array([-1, -0.6, -0.3, -0.1, 0, 0.3, 0.6, 1])
    for gamma in (2.0, 2.5, 3.0):
        ours, theirs = (
            np.histogram(np.sin(s.sim.true_dec), edges, weights=s.sim.oneweight * s.sim.true_energy**-gamma)[0]
            for s in (season, real)
        )
        np.testing.assert_allclose(ours, theirs, rtol=0.2)


def test_it_is_no_copy_of_the_real_events(season: Dataset, real: Dataset) -> None:
    def rounded(one: Dataset) -> set[tuple[int, ...]]:
        columns = (np.degrees(one.data.ra) * 10, np.degrees(one.data.dec) * 10, one.data.log10energy * 10)
        return set(zip(*(np.rint(c).astype(int).tolist() for c in columns), strict=True))

    # By chance about N·N'/(cells) of the rounded triplets coincide; a copy would share nearly all.
    shared = len(rounded(season) & rounded(real)) / len(real.data)
    assert shared < 0.05


def test_the_demo_is_named_synthetic_and_answers_to_the_tutorials_season() -> None:
    demo = selections.demo
    assert isinstance(demo, DataRepository)
    version, specs = resolve(demo)
    assert version == "synthetic-v1"
    lines: list[str] = []
    season = demo.read(version, PSDataSpecs.ps_2011[0], log=lines.append)
    assert season.key == "IC86_2011_synthetic" == specs[0].key  # type: ignore[union-attr]
    assert "synthetic" in lines[0]
    assert demo.fingerprint(version, "IC86_2011") == season.fingerprint
    with pytest.raises(KeyError, match="hold only IC86_2011_synthetic"):
        demo.read(version, "IC40")
    with pytest.raises(ValueError, match="'synthetic-v1', not 'version-003-p02'"):
        demo.read("version-003-p02", "IC86_2011")
