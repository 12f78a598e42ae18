from __future__ import annotations

import itertools
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.dists import TSD, post_trial_p
from nusky.dists.chi2_tsd import Chi2TSD
from nusky.sensitivity import declinations as sky_tsd
from nusky.sensitivity.declinations import DeclinationTSDs, declination_tsds
from nusky.sensitivity.post_trial import REGIONS, hottest_spots
from nusky.store import scans as library_module
from nusky.store.scans import ScanLibrary
from nusky.store.sparse_scan import SparseScan, pack, unpack
from small_analysis import small_analysis

NSIDE = 16
NPIX = 12 * NSIDE**2


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_analysis("one").save(tmp_path_factory.mktemp("ana"))


@pytest.fixture(scope="module")
def sstr(ana: Any) -> Any:
    return conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana, min_dec=-1.2, max_dec=1.3)


@pytest.fixture(scope="module")
def library(sstr: Any, tmp_path_factory: pytest.TempPathFactory) -> ScanLibrary:
    made = ScanLibrary(tmp_path_factory.mktemp("library") / "scans", sstr)
    made.add(sstr, range(12), seed=5, chunk=5)
    return made


def some_priors() -> list[np.ndarray]:
    """From a handful of pixels to flat."""
    x = np.arange(NPIX)
    few = np.zeros(NPIX)
    few[[100, 1500, 1501]] = [1.0, 5.0, 5.0]
    pole = np.where(x < 5, 1.0, 0.0)  # nothing of it is scanned
    return [np.ones(NPIX), np.exp(-(((x - 1600) / 200) ** 2)), few, np.exp(-(((x - 900) / 30) ** 2)) + 1e-9, pole]


def test_fits_equal_those_made_with_the_prior_directly_to_the_last_bit_where_the_pixels_are_the_same(
    ana: Any, library: ScanLibrary
) -> None:
    fits = library.fit(some_priors())
    assert fits.shape == (12, 5)
    for j, prior in enumerate(some_priors()[:4]):
        sptr = conf.get_spatial_prior_trial_runner(llh_priors=prior, ana=ana, min_dec=-1.2, max_dec=1.3)
        direct = sptr.get_many_fits(12, seed=5)
        np.testing.assert_array_equal(fits["ra"][:, j], direct.ra)
        np.testing.assert_array_equal(fits["dec"][:, j], direct.dec)
        if len(sptr.pixels) == len(library.pixels):
            np.testing.assert_array_equal(fits["ts"][:, j], direct.ts, err_msg=f"prior {j}")
            for name in ("ns", "gamma"):
                np.testing.assert_array_equal(fits[name][:, j].astype("f4"), direct[name].astype("f4"))
        else:
            # a runner with a prior of a few pixels leaves far events out of its index: other sums, same maximum
            np.testing.assert_allclose(fits["ts"][:, j], direct.ts, rtol=0, atol=2e-6, err_msg=f"prior {j}")
    # a prior without a scanned pixel: nothing to fit, the prior's maximum, no exception
    assert np.all(fits["ts"][:, 4] == 0)
    assert np.all(fits["ts_raw"][:, 4] == -np.inf)
    assert np.all(fits["pixel"][:, 4] == 0)


def test_the_weight_of_the_prior_is_the_users(ana: Any, library: ScanLibrary) -> None:
    from nusky.priors import SpatialPrior
    from nusky.priors.policy import PriorPolicy

    for weight in (1.0, 2.0):
        prior = SpatialPrior(some_priors()[1], policy=PriorPolicy(weight=weight))
        sptr = conf.get_spatial_prior_trial_runner(llh_priors=prior, ana=ana, min_dec=-1.2, max_dec=1.3)
        np.testing.assert_array_equal(library.fit(prior)["ts"][:, 0], sptr.get_many_fits(12, seed=5).ts)


def test_without_a_prior_and_in_a_band_the_maximum_is_that_of_the_map(sstr: Any, library: ScanLibrary) -> None:
    first = next(library.scans())
    assert (first.seed, first.index) == (5, 0)
    full = sstr.get_one_scan(seed=5)
    np.testing.assert_array_equal(first.scan.map("ts", NSIDE), full.ts)
    np.testing.assert_array_equal(first.scan.map("ns", NSIDE), full.ns.astype("f4"))
    np.testing.assert_array_equal(first.scan.map("gamma", NSIDE), full.gamma.astype("f4"))
    assert library.fit(None)["ts"][0, 0] == full.ts.max()
    dec = np.full(NPIX, np.nan)
    dec[sstr.pixels.pixels] = sstr.pixels.dec
    north = np.where(dec >= 0.2, full.ts, -1)
    row = library.fit(None, min_dec=0.2)[0, 0]
    assert (row["ts"], row["pixel"]) == (north.max(), north.argmax())


def test_adding_again_makes_only_what_is_missing_and_reopening_finds_all(
    sstr: Any, library: ScanLibrary, tmp_path: Path
) -> None:
    mine = ScanLibrary(tmp_path / "scans", sstr)
    mine.add(sstr, [0, 1, 2], seed=5)
    mine.add(sstr, range(6), seed=5, chunk=2)
    again = ScanLibrary(tmp_path / "scans")
    assert len(again) == 6
    assert [s.index for s in again.scans()] == list(range(6))
    np.testing.assert_array_equal(again.fit(None)["ts"], library.fit(None)["ts"][:6])
    assert sorted(p.name for p in (tmp_path / "scans" / "shards").iterdir()) == [
        "scans-seed5-000000000-000000003.npz",
        "scans-seed5-000000003-000000005.npz",
        "scans-seed5-000000005-000000006.npz",
    ]
    assert again.n_bytes < 6 * (20 * NPIX + 4 * NPIX + 5000)


def test_an_executor_makes_the_same_scans(sstr: Any, library: ScanLibrary, tmp_path: Path) -> None:
    mine = ScanLibrary(tmp_path / "scans", sstr)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        mine.add(sstr, range(4), seed=5, chunk=2, executor=executor)
    for a, b in zip(mine.scans(), library.scans(), strict=False):
        assert a.scan.ts.tobytes() == b.scan.ts.tobytes()
        assert a.scan.gamma.tobytes() == b.scan.gamma.tobytes()


def test_another_configuration_is_refused_by_key(ana: Any, library: ScanLibrary) -> None:
    fixed = conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana, min_dec=-1.2, max_dec=1.3, gamma=2)
    with pytest.raises(ValueError, match=r"likelihood\.gamma: stored null, given 2"):
        ScanLibrary(library.path, fixed)
    with pytest.raises(ValueError, match=r"likelihood\.gamma: stored null, given 2"):
        library.add(fixed, [99], seed=5)
    with pytest.raises(ValueError, match=r"likelihood\.gamma: stored null, given 2"):
        hottest_spots(fixed.get_one_scan(seed=1), library)
    with pytest.raises(ValueError, match=r"priors\[0\] has nside 8, the library 16"):
        library.fit(np.ones(768))
    with pytest.raises(ValueError, match="no scanned pixel lies between"):
        library.fit(None, min_dec=1.4)


def test_an_empty_library_and_a_damaged_shard_say_so(
    sstr: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = ScanLibrary(tmp_path / "scans", sstr)
    with pytest.raises(ValueError, match="holds no scans yet"):
        mine.fit(None)
    mine.add(sstr, range(4), seed=5, chunk=2)
    victim = min((tmp_path / "scans" / "shards").iterdir())
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.write_bytes(content)
    mine = ScanLibrary(tmp_path / "scans", sstr)
    with caplog.at_level(logging.WARNING, logger="nusky"):
        assert [s.index for s in mine.scans()] == [2, 3]
    assert victim.name in caplog.text
    assert [p.shard for p in mine.problems] == [victim.name]
    assert mine.fit(None).shape == (2, 1)
    mine.add(sstr, range(4), seed=5, chunk=1)  # other portions than the damaged one
    for opened in (mine, ScanLibrary(tmp_path / "scans")):
        assert [s.index for s in opened.scans()] == [0, 1, 2, 3]
        assert len(opened) == 4
        assert opened.problems == ()


def test_scans_that_two_processes_made_at_once_count_once(sstr: Any, tmp_path: Path) -> None:
    for name, chunk in (("a", 3), ("b", 2)):
        ScanLibrary(tmp_path / name, sstr).add(sstr, range(4), seed=5, chunk=chunk)
    for shard in (tmp_path / "b" / "shards").iterdir():
        shard.rename(tmp_path / "a" / "shards" / shard.name)
    both = ScanLibrary(tmp_path / "a")
    assert [s.index for s in both.scans()] == [0, 1, 2, 3]
    assert len(both) == 4
    assert both.fit(None).shape == (4, 1)


def test_trials_that_cannot_be_are_refused_before_any_is_scanned(sstr: Any, tmp_path: Path) -> None:
    mine = ScanLibrary(tmp_path / "scans", sstr)
    for indices, error, match in (
        ([1.5], TypeError, "must be integers"),
        ("x", ValueError, "one-dimensional"),
        ([-1], ValueError, "must not be negative"),
        ([], ValueError, "give at least one trial"),
    ):
        with pytest.raises(error, match=match):
            mine.add(sstr, indices, seed=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="chunk = 0 must be a positive integer"):
        mine.add(sstr, [0], seed=1, chunk=0)
    with pytest.raises(ValueError, match="seed must not be negative"):
        mine.add(sstr, [0], seed=-1)
    assert len(mine) == 0


def test_scans_are_packed_and_unpacked_whole_even_empty_ones() -> None:
    scans = [SparseScan.of(np.arange(5), ts, ts + 1, ts) for ts in (np.arange(5.0), np.zeros(5), np.ones(5))]
    for a, b in zip(unpack(pack(scans)), scans, strict=True):
        assert a.pixel.tolist() == b.pixel.tolist()
        assert a.ts.tolist() == b.ts.tolist()


# ---- whole-sky distributions


def test_every_declination_has_its_distribution_and_p_is_uniform_there(ana: Any, sstr: Any, tmp_path: Path) -> None:
    dec = [-1.0, 0.0, 0.9]
    sky = declination_tsds(sstr, 600, dec=dec, seed=3, n_ra=6, fit=False)
    assert len(sky) == 3
    assert all(tsd.n_total == 600 for tsd in sky.tsds)
    tr = conf.get_trial_runner(src=_source(0.9), ana=ana)
    independent = tr.get_many_fits(400, seed=77)
    # the same distribution as a point source's own trials: two-sample Kolmogorov-Smirnov
    from scipy import stats

    assert stats.ks_2samp(sky.tsds[2].trials, independent.ts).pvalue > 1e-3
    p = sky(np.full(400, 0.9), independent.ts)
    eta = sky.tsds[2].eta
    for alpha in (0.02, 0.1, 0.9 * eta):
        spread = np.sqrt(alpha * (1 - alpha) * (1 / 400 + 1 / 600))
        assert abs(np.mean(p <= alpha) - alpha) < 4 * spread


def _source(dec: float) -> Any:
    from nusky.source.positions import sources

    return sources(1.0, dec)


def test_distributions_are_reproducible_whatever_the_route_and_come_back_from_a_file(sstr: Any, tmp_path: Path) -> None:
    a = declination_tsds(sstr, 40, seed=3, n_ra=4)
    assert a.dec[0] == pytest.approx(sstr.pixels.dec.min())
    assert a.dec[-1] == pytest.approx(sstr.pixels.dec.max())
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        b = declination_tsds(sstr, 40, seed=3, n_ra=4, executor=executor)
    a.save(tmp_path / "sky.npz")
    c = DeclinationTSDs.read(tmp_path / "sky.npz")
    for x, y, z in zip(a.tsds, b.tsds, c.tsds, strict=True):
        assert x.trials.tobytes() == y.trials.tobytes() == z.trials.tobytes()
        assert isinstance(z, Chi2TSD)
        assert z.ndof == x.ndof
    assert c.about == a.about
    assert c.about["n_scrambles"] == 10


def test_parts_made_apart_are_one_when_merged_and_never_share_a_scramble(ana: Any, sstr: Any) -> None:
    options: dict[str, Any] = {"seed": 3, "n_ra": 4, "dec": [-0.5, 0.0, 0.5]}
    whole = declination_tsds(sstr, 40, **options)
    parts = [declination_tsds(sstr, n, first_scramble=i, **options) for n, i in ((24, 0), (16, 6))]
    merged = DeclinationTSDs.merged(parts)
    for x, y in zip(merged.tsds, whole.tsds, strict=True):
        assert x.trials.tobytes() == y.trials.tobytes()
        assert isinstance(x, Chi2TSD)
    assert merged.about["n_scrambles"] == 10
    assert merged.about["scrambles"] == [[3, 0, 6], [3, 6, 10]]
    with pytest.raises(ValueError, match=r"scrambles 6:10 of seed 3 are in two of the parts"):
        DeclinationTSDs.merged([whole, parts[1]])
    with pytest.raises(ValueError, match=r"parts\[1\] has other declinations"):
        DeclinationTSDs.merged([whole, declination_tsds(sstr, 4, seed=4, n_ra=4)])
    fixed = conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana, min_dec=-1.2, max_dec=1.3, gamma=2)
    with pytest.raises(ValueError, match=r"another search than parts\[0\]: config\.likelihood\.gamma: stored null"):
        DeclinationTSDs.merged([whole, declination_tsds(fixed, 4, **{**options, "seed": 4})])
    with pytest.raises(ValueError, match="parts is empty"):
        DeclinationTSDs.merged([])


def test_ctrl_c_keeps_the_distributions_of_the_finished_scrambles(sstr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"seed": 3, "n_ra": 4, "dec": [-0.5, 0.5]}
    whole = declination_tsds(sstr, 40, **options)
    real, calls = sky_tsd.ts_at, itertools.count()

    def interrupted(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(sky_tsd, "ts_at", interrupted)
    with pytest.raises(sky_tsd.InterruptedTSDs, match="interrupted after 8 of 10 scrambles") as caught:
        declination_tsds(sstr, 40, **options)
    rest = declination_tsds(sstr, 8, first_scramble=8, **options)
    assert caught.value.partial is not None
    merged = DeclinationTSDs.merged([caught.value.partial, rest])
    assert [x.trials.tobytes() for x in merged.tsds] == [y.trials.tobytes() for y in whole.tsds]


@pytest.mark.filterwarnings("ignore:p is interpolated between:UserWarning")
def test_a_scan_fills_its_mlog10p_with_them(ana: Any, sstr: Any) -> None:
    sky = declination_tsds(sstr, 60, seed=3, n_ra=6)
    dressed = conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana, min_dec=-1.2, max_dec=1.3, ts_to_p=sky)
    scan = dressed.get_one_scan(seed=8)
    assert not scan.provenance["mlog10p_is_ts"]
    assert np.all(scan.mlog10p[scan.ts == 0] == 0)
    hot = np.flatnonzero(scan.ts > 0)[:20]
    _, dec = _centre(hot)
    np.testing.assert_allclose(scan.mlog10p[hot], -np.log10(sky(dec, scan.ts[hot])), rtol=1e-12)
    with pytest.raises(ValueError, match=r"dec = 1\.5 lies outside"):
        sky(1.5, 3.0)


def _centre(pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from nusky.store.prior_search import pixel_centres

    return pixel_centres(NSIDE, pixel)


@pytest.mark.parametrize(
    ("dec", "message"), [([0.2, 0.1], "must ascend"), ([0.1, 3.0], "must ascend"), ([0.1], "one declination for each")]
)
def test_declinations_that_cannot_be_are_refused(dec: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DeclinationTSDs(dec, [TSD([1.0]), TSD([1.0])])


def test_bad_numbers_of_trials_are_refused(sstr: Any) -> None:
    with pytest.raises(ValueError, match="n_trials = 0"):
        declination_tsds(sstr, 0, seed=1)
    with pytest.raises(ValueError, match="dec must be ascending"):
        declination_tsds(sstr, 5, dec=[1.0, 0.0], seed=1)


def test_a_damaged_file_of_distributions_is_named(tmp_path: Path) -> None:
    (tmp_path / "sky.npz").write_bytes(b"PK not really")
    with pytest.raises(ValueError, match=r"sky\.npz is damaged"):
        DeclinationTSDs.read(tmp_path / "sky.npz")


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


def test_ctrl_c_while_scanning_keeps_whole_shards_and_adding_again_makes_the_rest(
    sstr: Any, library: ScanLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = ScanLibrary(tmp_path / "scans", sstr)
    real, calls = library_module.scan_trials, itertools.count()

    def interrupted(*arguments: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(library_module, "scan_trials", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mine.add(sstr, range(6), seed=5, chunk=2)
    assert len(mine) == 4
    mine.add(sstr, range(6), seed=5, chunk=2)
    np.testing.assert_array_equal(mine.fit(None)["ts"], library.fit(None)["ts"][:6])


# ---- trial-corrected p


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
    sptr = conf.get_spatial_prior_trial_runner(llh_priors=prior, ana=ana, min_dec=-1.2, max_dec=1.3)
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
    _, dec = _centre(np.arange(NPIX))
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
    one, two = (conf.get_trial_runner(src=_source(d), ana=ana) for d in (0.1, 0.2))
    assert post_trial_p(one.get_one_fit(seed=1), one.get_many_fits(9, seed=2)).n_trials == 9
    with pytest.raises(ValueError, match="their hottest spots cannot be compared"):
        post_trial_p(one.get_one_fit(seed=1), two.get_many_fits(9, seed=2))


def test_a_scan_of_other_pixels_is_refused(ana: Any, library: ScanLibrary) -> None:
    other = conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana)
    with pytest.raises(ValueError, match=r"pixels\.hash"):
        hottest_spots(other.get_one_scan(seed=1), library)
    with pytest.raises(ValueError, match="scan with the runner the library was made with"):
        library.take(other.get_one_scan(seed=1))
