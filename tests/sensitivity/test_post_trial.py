from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.dists import TSD, post_trial_p
from nusky.sensitivity.declinations import DeclinationTSDs
from nusky.sensitivity.post_trial import REGIONS, hottest_spots
from nusky.source.positions import sources
from nusky.store.prior_search import pixel_centres
from nusky.store.scans import ScanLibrary
from small_analysis import small_analysis
from small_library import NPIX, NSIDE, prior_runner, scan_runner, some_priors


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_analysis("one").save(tmp_path_factory.mktemp("ana"))


@pytest.fixture(scope="module")
def sstr(ana: Any) -> Any:
    return scan_runner(ana)


@pytest.fixture(scope="module")
def library(sstr: Any, tmp_path_factory: pytest.TempPathFactory) -> ScanLibrary:
    made = ScanLibrary(tmp_path_factory.mktemp("library") / "scans", sstr)
    made.add(sstr, range(12), seed=5, chunk=5)
    return made


@pytest.mark.filterwarnings("ignore:p is interpolated between:UserWarning")
def test_searches_of_many_scans_say_how_far_they_are_if_asked(
    sstr: Any, library: ScanLibrary, capsys: pytest.CaptureFixture[str]
) -> None:
    sky = DeclinationTSDs([-1.3, 1.3], [TSD([1.0], n_zero=9)] * 2)
    library.fit(None)
    hottest_spots(sstr.get_one_scan(seed=1), library)
    assert capsys.readouterr().out == ""
    library.fit([np.ones(NPIX)] * 2, logging=True)
    hottest_spots(sstr.get_one_scan(seed=1), library, ts_to_p=sky, regions={"all": (None, None)}, logging=True)
    assert capsys.readouterr().out.splitlines() == [
        "Searching 12 scans with 2 priors:",
        "12/12 scans complete.",
        "Searching 12 scans for the smallest p:",
        "12/12 scans complete.",
    ]


def test_the_post_trial_p_counts_background_spots_as_hot(library: ScanLibrary, sstr: Any) -> None:
    truth = sstr.get_one_scan(TRUTH=True)
    background = library.fit(None)["ts"][:, 0]
    spots = hottest_spots(truth, library)
    assert set(spots) == set(REGIONS)
    whole = spots["whole sky"]
    assert whole.TRUTH is True
    assert whole.ts == truth.ts.max()
    assert whole.pixel == truth.ts.argmax()
    assert whole.p.p == (1 + np.sum(background >= truth.ts.max())) / 13
    assert max(spots["north"].ts, spots["south"].ts) == whole.ts
    assert np.degrees(spots["north"].dec) >= -5 >= np.degrees(spots["south"].dec)
    assert "whole sky: TS = " in str(whole)


def test_with_a_prior_the_spot_of_the_real_sky_is_that_of_the_prior_search(
    ana: Any, sstr: Any, library: ScanLibrary
) -> None:
    prior = some_priors()[1]
    sptr = prior_runner(ana, prior)
    fit = sptr.get_one_fit(TRUTH=True)
    spot = hottest_spots(sstr.get_one_scan(TRUTH=True), library, prior)["whole sky"]
    assert (spot.ts, spot.pixel, spot.ra, spot.dec) == (fit.ts, fit.pixel, fit.ra, fit.dec)
    assert spot.p == post_trial_p(fit, library.fit(prior)[:, 0])
    assert spot.p == post_trial_p(fit, sptr.get_many_fits(12, seed=5))
    # a scan made by the prior runner is the same scan
    assert hottest_spots(sptr.get_one_scan(TRUTH=True), library, prior)["whole sky"] == spot


def test_local_p_decides_where_it_is_given(sstr: Any, library: ScanLibrary) -> None:
    def ts_to_p(dec: np.ndarray, ts: np.ndarray) -> np.ndarray:
        return np.exp(-ts * (2 + np.sin(dec)))  # the north is more significant at equal TS

    scan = sstr.get_one_scan(seed=123)
    spot = hottest_spots(scan, library, ts_to_p=ts_to_p)["whole sky"]
    _, dec = pixel_centres(NSIDE, np.arange(NPIX))
    mlog10p = np.where(scan.ts > 0, scan.ts * (2 + np.sin(dec)) / np.log(10), 0)
    assert spot.pixel == mlog10p.argmax()
    assert spot.mlog10p == pytest.approx(mlog10p.max())
    background = library.hottest_by_p(ts_to_p)["mlog10p"]
    assert spot.p.p == (1 + np.sum(background >= spot.mlog10p)) / 13
    with pytest.raises(ValueError, match="prior= or ts_to_p=, not both"):
        hottest_spots(scan, library, np.ones(NPIX), ts_to_p=ts_to_p)


def test_p_of_hottest_spots_of_background_is_uniform_over_the_library(library: ScanLibrary) -> None:
    ts = library.fit(None)["ts"][:, 0]
    p = sorted(post_trial_p(ts[i], np.delete(ts, i)).p for i in range(12))
    np.testing.assert_allclose(p, np.arange(1, 13) / 12)


def test_a_fit_is_not_compared_with_trials_of_another_search(ana: Any) -> None:
    one, two = (conf.get_trial_runner(src=sources(1.0, d), ana=ana) for d in (0.1, 0.2))
    assert post_trial_p(one.get_one_fit(seed=1), one.get_many_fits(9, seed=2)).n_trials == 9
    with pytest.raises(ValueError, match="their hottest spots cannot be compared"):
        post_trial_p(one.get_one_fit(seed=1), two.get_many_fits(9, seed=2))


def test_a_scan_of_other_pixels_is_refused(ana: Any, library: ScanLibrary) -> None:
    other = conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana)
    with pytest.raises(ValueError, match=r"pixels\.hash"):
        hottest_spots(other.get_one_scan(seed=1), library)
    with pytest.raises(ValueError, match="scan with the runner the library was made with"):
        library.take(other.get_one_scan(seed=1))
