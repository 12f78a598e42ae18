from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import _core, conf
from nusky.dists import TSD
from nusky.dists.chi2_tsd import Chi2TSD
from nusky.sensitivity import declinations as sky_tsd
from nusky.sensitivity.declinations import DeclinationTSDs, declination_tsds
from nusky.source.positions import sources
from nusky.store.prior_search import pixel_centres
from small_analysis import small_analysis
from small_library import NSIDE, scan_runner


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_analysis("one").save(tmp_path_factory.mktemp("ana"))


@pytest.fixture(scope="module")
def sstr(ana: Any) -> Any:
    return scan_runner(ana)


def test_every_declination_has_its_distribution_and_p_is_uniform_there(ana: Any, sstr: Any, tmp_path: Path) -> None:
    dec = [-1.0, 0.0, 0.9]
    sky = declination_tsds(sstr, 600, dec=dec, seed=3, n_ra=6, fit=False)
    assert len(sky) == 3
    assert all(tsd.n_total == 600 for tsd in sky.tsds)
    tr = conf.get_trial_runner(src=sources(1.0, 0.9), ana=ana)
    independent = tr.get_many_fits(400, seed=77)
    # the same distribution as a point source's own trials: two-sample Kolmogorov-Smirnov
    from scipy import stats

    assert stats.ks_2samp(sky.tsds[2].trials, independent.ts).pvalue > 1e-3
    p = sky(np.full(400, 0.9), independent.ts)
    eta = sky.tsds[2].eta
    for alpha in (0.02, 0.1, 0.9 * eta):
        spread = np.sqrt(alpha * (1 - alpha) * (1 / 400 + 1 / 600))
        assert abs(np.mean(p <= alpha) - alpha) < 4 * spread


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


def test_the_ts_of_a_declination_does_not_depend_on_what_else_is_asked(sstr: Any) -> None:
    dec = np.linspace(-1.2, 1.2, 40)
    many = sky_tsd.ts_at(sstr, [3, 8], 5, dec, 4, 1)
    few = sky_tsd.ts_at(sstr, [8], 5, dec[:2], 4, 1)
    np.testing.assert_array_equal(few[0], many[1, :2])


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
    fixed = scan_runner(ana, gamma=2)
    with pytest.raises(ValueError, match=r"another search than parts\[0\]: config\.likelihood\.gamma: stored null"):
        DeclinationTSDs.merged([whole, declination_tsds(fixed, 4, **{**options, "seed": 4})])
    with pytest.raises(ValueError, match="parts is empty"):
        DeclinationTSDs.merged([])


def test_a_declination_has_the_ts_of_a_point_source_at_its_positions_to_the_bit(ana: Any, sstr: Any) -> None:
    dec, numbers = np.array([-1.3, 0.2, 0.21]), [3, 4, 9]
    for n_ra in (1, 5):
        found = sky_tsd.ts_at(sstr, numbers, 5, dec, n_ra, 2)
        for d, m in ((0, 0), (1, n_ra - 1), (2, n_ra // 2)):
            start = d * (np.pi * (3 - np.sqrt(5)))
            tr = conf.get_trial_runner(src=sources((start + 2 * np.pi / n_ra * m) % (2 * np.pi), dec[d]), ana=ana)
            assert found[:, d, m].tobytes() == np.ascontiguousarray(tr.fit_trials(numbers, seed=5)["ts"]).tobytes()
    # and, but for rounding, that of a scan of the trial
    trial = sstr.draw_trial(5, 9, 0.0, False)
    slow = scan_alone(sstr, trial, 0.0, float(dec[0]))
    assert sky_tsd.ts_at(sstr, [9], 5, dec[:1], 1, 1)[0, 0, 0] == pytest.approx(slow, rel=1e-5, abs=1e-5)


def scan_alone(runner: Any, trial: Any, ra: float, dec: float) -> float:
    """TS of a scan of one position."""
    at = _core.Directions(np.array([ra]), np.array([dec]))
    ts: float = _core.scan(runner.model.likelihood, runner.model.index(trial, 1).core, at)[0][0]
    return ts


def test_ctrl_c_keeps_the_distributions_of_the_finished_scrambles(sstr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"seed": 3, "n_ra": 4, "dec": [-0.5, 0.5]}
    whole = declination_tsds(sstr, 4000, **options)

    def interrupted(self: Any, done: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sky_tsd.Progress, "update", interrupted)
        with pytest.raises(sky_tsd.InterruptedTSDs, match=r"interrupted after .* of 1000 scrambles") as caught:
            declination_tsds(sstr, 4000, **options)
    assert caught.value.partial is not None
    done = caught.value.partial.about["n_scrambles"]
    assert 0 < done < 1000
    rest = declination_tsds(sstr, 4 * (1000 - done), first_scramble=done, **options)
    merged = DeclinationTSDs.merged([caught.value.partial, rest])
    assert [x.trials.tobytes() for x in merged.tsds] == [y.trials.tobytes() for y in whole.tsds]


@pytest.mark.filterwarnings("ignore:p is interpolated between:UserWarning")
def test_a_scan_fills_its_mlog10p_with_them(ana: Any, sstr: Any) -> None:
    sky = declination_tsds(sstr, 60, seed=3, n_ra=6)
    dressed = scan_runner(ana, ts_to_p=sky)
    scan = dressed.get_one_scan(seed=8)
    assert not scan.provenance["mlog10p_is_ts"]
    assert np.all(scan.mlog10p[scan.ts == 0] == 0)
    hot = np.flatnonzero(scan.ts > 0)[:20]
    _, dec = pixel_centres(NSIDE, hot)
    np.testing.assert_allclose(scan.mlog10p[hot], -np.log10(sky(dec, scan.ts[hot])), rtol=1e-12)
    with pytest.raises(ValueError, match=r"dec = 1\.5 lies outside"):
        sky(1.5, 3.0)


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
