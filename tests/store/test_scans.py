from __future__ import annotations

import itertools
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky.sensitivity.post_trial import hottest_spots
from nusky.store import scans as library_module
from nusky.store.scans import ScanLibrary
from nusky.store.sparse_scan import SparseScan, pack, unpack
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


def test_fits_equal_those_made_with_the_prior_directly_to_the_last_bit_where_the_pixels_are_the_same(
    ana: Any, library: ScanLibrary
) -> None:
    fits = library.fit(some_priors())
    assert fits.shape == (12, 5)
    for j, prior in enumerate(some_priors()[:4]):
        sptr = prior_runner(ana, prior)
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
        sptr = prior_runner(ana, prior)
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
    mine.add(sstr, [0, 1, 2], seed=5, chunk=20)
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
    fixed = scan_runner(ana, gamma=2)
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
