"""Time windows on real events and uptimes, on the synthetic season, and on a release without times of day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nusky as cy
from nusky.analysis.analysis import Analysis
from nusky.source.window import TimeWindow
from nusky.sphere.sidereal import local_azimuth
from nusky.transients.on_time import OnTime, TransientOptions
from nusky.transients.uptime import season_uptime
from places import SHARED


@pytest.fixture(scope="module")
def ic40(tmp_path_factory: pytest.TempPathFactory) -> Analysis:

    path = SHARED / "data" / "icecube_ps10_subset"
    if not path.is_dir():
        pytest.skip(f"no public data at {path}; set NUSKY_SHARED to the folder that holds data/")
    return cy.get_analysis(cy.selections.PublicRelease(path), dir=tmp_path_factory.mktemp("ana"), logging=False)


def test_real_counts_in_windows_are_poisson_around_the_expected_background(ic40):
    up = season_uptime(ic40[0])
    assert up.days == pytest.approx(ic40[0].livetime)
    observed, expected = [], []
    for mjd in np.arange(up.start[0], up.stop[-1] - 0.5, 1.7):  # windows begin in runs, in gaps and between
        try:
            on = OnTime(ic40, TransientOptions(TimeWindow(mjd, 0.5))).seasons[0]
        except ValueError:
            continue
        observed.append(len(on.on))
        expected.append(on.n_background)
    observed, expected = np.array(observed), np.array(expected)
    assert len(expected) > 180
    assert expected.min() < 0.8 * expected.max()  # some windows lie over gaps
    assert observed.sum() == pytest.approx(expected.sum(), abs=4 * np.sqrt(expected.sum()))
    chi2 = ((observed - expected) ** 2 / np.maximum(expected, 1)).mean()
    assert chi2 == pytest.approx(1.0, abs=5 * np.sqrt(2 / len(expected)))


def test_right_ascension_and_time_give_the_published_azimuth_so_scrambled_times_keep_it(ic40):
    data = ic40[0].data
    central = np.abs(data.dec) < np.radians(60)
    away = np.angle(np.exp(1j * (local_azimuth(data.ra, data.mjd) - data.azimuth)))[central]
    assert np.degrees(np.abs(away)).max() < 0.3
    # six strings' symmetry shows in the azimuth of real events, and stays in scrambled times
    src = cy.sources(1.0, 0.3, mjd=54_750.0, t_100=0.02)
    tr = cy.get_trial_runner(src=src, ana=ic40, scramble="time")
    rows, azimuth = [], []
    for j in range(200):
        background = tr.draw_trial(1, j, 0, False).background[0]
        rows.append(background.rows)
        azimuth.append(local_azimuth(background.ra, background.mjd))
    rows, azimuth = np.concatenate(rows), np.concatenate(azimuth)
    kept = np.angle(np.exp(1j * (azimuth - data.azimuth[rows])))[np.abs(data.dec[rows]) < np.radians(60)]
    assert np.degrees(np.abs(kept)).max() < 0.3


@pytest.mark.parametrize("scramble", ["ra", "time"])
def test_a_follow_up_of_a_day_on_the_real_season(ic40, scramble):
    import healpy as hp

    x = np.array(hp.pix2vec(32, np.arange(hp.nside2npix(32))))
    prior = np.exp((hp.ang2vec(120.0, 35.0, lonlat=True) @ x - 1) / np.radians(8.0) ** 2)
    src = cy.sources(0, 0, mjd=54_750.0, t_100=1.0)
    tr = cy.get_spatial_prior_trial_runner(llh_priors=prior, src_tr=src, ana=ic40, scramble=scramble, containment=0.99)
    assert tr.on_time.n_background == pytest.approx(98, rel=0.1)
    truth = tr.get_one_fit(TRUTH=True)
    background = tr.get_many_fits(300, seed=1)
    p = np.mean(background.ts >= truth.ts)
    assert p > 0.001
    found = tr.get_one_fit(5, seed=1)
    assert found.ts > np.median(background.ts)


def test_a_window_outside_the_real_livetime_names_the_runs_around_it(ic40):
    with pytest.raises(ValueError, match=r"no season took data .* IC40 \(MJD 54562\.\d+ … 54971\.\d+\): the run"):
        cy.get_trial_runner(src=cy.sources(1.0, 0.3, mjd=58_000.0, t_100=1.0), ana=ic40)
    up = season_uptime(ic40[0])
    gap = int(np.argmax(up.start[1:] - up.stop[:-1]))
    start, length = up.stop[gap], up.start[gap + 1] - up.stop[gap]
    with pytest.raises(ValueError, match=r"the run before ends at .*, the next starts at"):
        cy.get_trial_runner(src=cy.sources(1.0, 0.3, mjd=start + length / 4, t_100=length / 2), ana=ic40)


def test_the_first_year_release_has_no_times_for_short_windows(shared_data):
    ana = cy.get_analysis(cy.selections.PublicRelease(shared_data / "icecube_ic86_2011"), logging=False)
    short, long = (cy.sources(1.0, 0.3, mjd=55_800.0, t_100=t) for t in (1000 / 86_400, 20.0))
    with pytest.raises(ValueError, match="no good-run list"):
        cy.get_trial_runner(src=short, ana=ana)
    with pytest.raises(ValueError, match=r"to 1 day only \(MJD are whole numbers\).*at least 10 days"):
        cy.get_trial_runner(src=short, ana=ana, use_grl=False)
    tr = cy.get_trial_runner(src=long, ana=ana, use_grl=False)
    on = tr.on_time.seasons[0]
    assert len(on.on) == pytest.approx(on.n_background, rel=0.15)
    assert tr.get_one_fit(20, seed=1).ts > 20


def test_a_gravitational_wave_follow_up_of_a_thousand_seconds_on_the_synthetic_season(tmp_path):
    """The bayestar map at nside 512 within 99.9 %: mostly empty trials, never an exception."""
    import reproject

    path = Path(reproject.__file__).parent / "healpix" / "tests" / "data" / "bayestar.fits.gz"
    if not path.is_file():
        pytest.skip("reproject's wheel has no bayestar map")
    ana = cy.get_analysis(cy.selections.demo, dir=tmp_path, logging=False)
    src = cy.sources(0, 0, mjd=55_800.1, t_100=1000 / 86_400)
    tr = cy.get_spatial_prior_trial_runner(llh_priors=cy.read_sky_map(path), containment=0.999, src_tr=src, ana=ana)
    assert len(tr.pixels) > 50_000
    trials = tr.get_many_fits(400, seed=1)
    shining = trials.ts > 0
    assert 0.05 < shining.mean() < 0.4
    cold = trials[~shining]
    peak = tr.priors[0].peak
    centre = tr.pixels.pixels == peak
    assert (cold.ra == tr.pixels.ra[centre]).mean() > 0.9  # nothing near the region: the prior's maximum
    assert (trials.ns[shining] > 0).all()
    with_signal = tr.get_many_fits(20, 2, seed=1)
    assert (with_signal.ts > 5).mean() > 0.8
