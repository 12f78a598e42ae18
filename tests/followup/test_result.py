"""Follow-up of a position: p-value, trials that go on, times, an empty window."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.executors import InterruptedBatch
from nusky.followup import follow_up
from nusky.followup.background import given_trials
from nusky.followup.notice import circular, notice
from nusky.followup.pictures import pictures
from nusky.followup.summary import summary
from nusky.store import ScanLibrary


def test_the_p_value_counts_the_runners_trials(found: Any) -> None:
    trials = found.runner.get_many_fits(len(found.background), seed=found.seed + 1)
    np.testing.assert_array_equal(found.background, trials["ts"])
    above = np.count_nonzero(trials["ts"] >= found.fit.ts)
    assert abs(float(found.p_value) - above / len(trials)) <= 1 / len(trials)


def test_more_trials_continue_the_batch(found: Any) -> None:
    more = found.more_trials(20)
    both = found.runner.get_many_fits(len(found.background) + 20, seed=found.seed + 1)
    np.testing.assert_array_equal(more.background, both["ts"])


def test_times_outside_the_data_and_no_time_are_refused(ana: Any) -> None:
    with pytest.raises(ValueError, match="outside the data"):
        follow_up("180,10,5", ana=ana, start=10000.0, stop=10001.0)
    with pytest.raises(ValueError, match="has no time"):
        follow_up("180,10,5", ana=ana)


def test_an_empty_window_is_an_ordinary_result(ana: Any) -> None:
    start = ana[0].mjd_min + 10
    empty = follow_up(
        "180,10,1", ana=ana, start=start, stop=start + 1 / 86400, n_trials=100, limits=False, containment=0.9
    )
    assert empty.fit.ns == 0
    assert float(empty.p_value) == 1
    assert empty.events == ()
    assert empty.localization is None
    assert summary(empty)["p"] == 1
    assert summary(empty)["region"] == {"missing": "there is no excess"}
    assert "most_probable_direction" not in notice(empty)
    assert "no excess" in circular(empty)
    assert "energies" not in pictures(empty)


def test_trials_that_were_kept_are_not_made_again(ana: Any, found: Any, files: dict[str, pathlib.Path]) -> None:
    keep = files["background.npz"]
    given = given_trials(keep, found.runner.config_hash, found.seed)
    np.testing.assert_array_equal(given, found.background)
    assert given_trials(keep, found.runner.config_hash, found.seed + 1) is None
    again = follow_up("180,10,5", ana=ana, livetime=True, n_trials=120, limits=False, nside=64, n_sig=12, keep=keep)
    np.testing.assert_array_equal(again.background, found.more_trials(20).background)


def test_an_interrupt_keeps_what_is_finished(ana: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nusky.followup import background

    made = background.more_background

    def once(runner: Any, seed: int, first: int, n: int) -> Any:
        if first:
            raise InterruptedBatch(np.zeros(0, dtype=runner.dtype), np.zeros(0, dtype=np.int64), n)
        return made(runner, seed, first, n)

    monkeypatch.setattr(background, "more_background", once)
    keep = tmp_path / "background.npz"
    with pytest.raises(KeyboardInterrupt, match="100 of 200"):
        follow_up("180,10,5", ana=ana, livetime=True, n_trials=200, limits=False, nside=64, n_sig=12, keep=keep)
    monkeypatch.undo()
    done = follow_up("180,10,5", ana=ana, livetime=True, n_trials=100, limits=False, nside=64, n_sig=12, keep=keep)
    np.testing.assert_array_equal(done.background, done.runner.get_many_fits(100, seed=2)["ts"])


def test_a_large_p_value_ends_the_trials(ana: Any) -> None:
    start = ana[0].mjd_min + 10
    quiet = follow_up("180,10,1", ana=ana, start=start, stop=start + 0.01, limits=False, nside=64)
    assert quiet.fit.ns == 0
    assert len(quiet.background) == 100


def test_intervals_hold_the_fit(found: Any) -> None:
    assert found.ns_interval[0] < found.fit.ns < found.ns_interval[1]
    assert found.gamma_interval[0] < found.fit.gamma < found.gamma_interval[1]
    assert found.localization.contains(found.fit.ra, found.fit.dec, 0.9)
    assert f"{found.trial.n_injected} injected" in found.sentence


def test_a_library_gives_the_background_of_trials(ana: Any, tmp_path: pathlib.Path) -> None:
    start = ana[0].mjd_min + 10
    limit = np.radians(85)
    times = {"src_kw": {"mjd": start, "t_100": 0.01}}
    scans = cy.get_sky_scan_trial_runner(ana=ana, nside=32, min_dec=-limit, max_dec=limit, **times)
    library = ScanLibrary(tmp_path / "scans", scans)
    library.add(scans, range(30), seed=5)
    found = follow_up("180,10,20", ana=ana, start=start, stop=start + 0.01, limits=False, library=tmp_path / "scans")
    assert found.prior.nside == 32
    np.testing.assert_allclose(found.background, found.runner.get_many_fits(30, seed=5)["ts"], atol=1e-5)
    with pytest.raises(ValueError, match="add scans"):
        found.more_trials(10)
    with pytest.raises(ValueError, match="window of 864 s"):
        follow_up("180,10,20", ana=ana, start=start, stop=start + 0.02, limits=False, library=library)
    with pytest.raises(ValueError, match="containment"):
        follow_up("180,10,20", ana=ana, start=start, stop=start + 0.01, containment=0.9, library=library)
