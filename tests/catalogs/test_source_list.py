"""Lists of sources: the fits of every source are those of its own runner, and the corrections count what they say."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.catalogs import SourceListTrialRunner
from nusky.executors import read_spec, write_spec
from nusky.store import TrialStore
from seasons import one_season, two_seasons

RNG = np.random.default_rng(2)
SRC = cy.sources(RNG.uniform(0, 2 * np.pi, 6), np.arcsin(RNG.uniform(-0.5, 1, 6)), extension=[0, 0, 0.01, 0, 0, 0])


def runner(analysis: Any = None, src: cy.Sources = SRC, **options: Any) -> SourceListTrialRunner:
    return cy.get_source_list_trial_runner(ana=analysis or one_season(), src=src, **options)


def test_every_source_is_fitted_as_its_own_runner_does_to_the_bit() -> None:
    tr = runner(two_seasons())
    fits = tr.fit_sources(12, seed=3)
    assert fits.ts.shape == (12, 6)
    for j, one in enumerate(SRC):
        alone = cy.get_trial_runner(ana=two_seasons(), src=one).get_many_fits(12, seed=3)
        assert fits.ts[:, j].tobytes() == np.ascontiguousarray(alone.ts).tobytes()
        assert fits.gamma[:, j].tobytes() == np.ascontiguousarray(alone.gamma).tobytes()
    again = tr.fit_sources(5, seed=3, first_trial=7, mp_cpus=2)
    assert again.ns.tobytes() == np.ascontiguousarray(fits.ns[7:]).tobytes()


def test_signal_is_fitted_by_every_source_as_its_own_runner_does_to_the_bit() -> None:
    tr = runner(two_seasons())
    fits = tr.fit_sources(5, 12, poisson=True, seed=4, first_trial=6, mp_cpus=2)
    for i in range(5):
        trial = tr.draw_trial(4, 6 + i, 12, True)
        for j, one in enumerate(SRC):
            alone = cy.get_trial_runner(ana=two_seasons(), src=one).get_one_fit_from_trial(trial)
            assert (fits.ts[i, j], fits.ns[i, j]) == (alone.ts, alone.ns)
    assert fits.ts.max() > 30


def test_ctrl_c_keeps_the_trials_that_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from nusky.catalogs import InterruptedListFits, source_list
    from nusky.executors import InterruptedBatch

    tr = runner()
    whole, rows = tr.fit_sources(20, 3, seed=1), tr.get_many_fits(20, 3, seed=1)
    monkeypatch.setattr(source_list, "_TOGETHER", 8)
    real, calls = SourceListTrialRunner._injected, itertools.count()

    def interrupted(*arguments: Any) -> Any:
        if next(calls) % 3 == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(SourceListTrialRunner, "_injected", interrupted)
    with pytest.raises(InterruptedListFits, match="interrupted after 16 of 20 trials") as caught:
        tr.fit_sources(20, 3, seed=1)
    assert caught.value.partial.ts.tobytes() == np.ascontiguousarray(whole.ts[:16]).tobytes()
    with pytest.raises(InterruptedBatch) as stopped:
        tr.get_many_fits(20, 3, seed=1)
    assert stopped.value.partial.tobytes() == rows[:16].tobytes()
    assert stopped.value.indices.tolist() == list(range(16))


def test_a_row_is_the_best_source_and_one_fit_is_trial_zero() -> None:
    tr = runner()
    rows, fits = tr.get_many_fits(20, seed=1), tr.fit_sources(20, seed=1)
    best = fits.ts.argmax(axis=1)
    assert rows.ts.tolist() == fits.ts.max(axis=1).tolist()
    assert rows.ra.tolist() == SRC.ra[best].tolist()
    assert rows.mlog10p.tolist() == rows.ts.tolist()
    for n_sig in (0, 8):
        assert repr(list(tr.get_many_fits(1, n_sig, seed=4)[0].tolist())) == repr(list(tr.get_one_fit(n_sig, seed=4)))


def test_with_background_the_best_source_is_that_of_the_smallest_p() -> None:
    tr = runner().with_background(300, seed=1)
    fits, rows = tr.fit_sources(40, seed=2), tr.get_many_fits(40, seed=2)
    p = tr.local_p.p(fits.ts)
    assert np.allclose(10.0**-rows.mlog10p, p.min(axis=1))
    # where one source's background is much hotter, the largest TS is not the best
    hot = replace(tr, background=tr.background * np.array([1, 1, 1, 1, 1, 100.0]))
    assert np.any(hot.get_many_fits(40, seed=2).ra != rows.ra)
    fit = tr.get_one_fit(10, seed=5)
    assert not fit.mlog10p_is_ts
    assert fit.mlog10p == pytest.approx(-np.log10(tr.local_p.p(tr.fit_sources(1, 10, seed=5).ts).min()))


def test_the_result_counts_background_trials_as_good() -> None:
    tr = runner().with_background(400, seed=1)
    trial = tr.get_one_trial(25, seed=3)
    result = tr.test(trial)
    ts = tr.fit_sources(1, 25, seed=3).ts[0]
    assert result.ts.tolist() == ts.tolist()
    background = tr.background
    assert background is not None
    for j in range(6):
        assert result.p[j] == pytest.approx((1 + np.sum(background[:, j] >= ts[j])) / 401)
    ranks = np.array([[np.sum(background[:, j] >= t) for j, t in enumerate(row)] for row in background])
    best_rank = np.where(background > 0, ranks, 401).min(axis=1)
    assert result.p_best.p == pytest.approx((1 + np.sum(best_rank <= 401 * result.p.min())) / 401)
    assert result.p[result.best] == result.p.min()
    assert "of the list" in str(result)


def test_a_table_is_written_with_limits(tmp_path: Any) -> None:
    src = cy.sources([1.0, 3.0], [0.1, 0.6], name=["A_1", "B & C"])
    tr = runner(src=src).with_background(200, seed=1)
    result = tr.test(tr.get_one_trial(6, seed=1))
    limits = tr.upper_limits(result, seed=2, tol=0.4, batch_size=40, max_batch_size=80, first_batch_size=20)
    table = result.table(limits)
    assert table["name"].tolist() == ["A_1", "B & C"]
    assert np.all(table["E2dNdE"] > 0)
    result.write_table(tmp_path / "list.csv", limits)
    lines = (tmp_path / "list.csv").read_text().splitlines()
    assert lines[0].startswith("name,")
    assert len(lines) == 3
    result.write_table(tmp_path / "list.tex")
    assert r"B \& C & " in (tmp_path / "list.tex").read_text()
    with pytest.raises(ValueError, match="1 limits for 2 sources"):
        result.table(limits[:1])


def test_it_travels_and_is_stored_like_every_runner(tmp_path: Any) -> None:
    tr = runner().with_background(50, seed=9)
    path, digest = write_spec(tr, tmp_path)
    other = read_spec(path, digest)
    assert other.config() == tr.config()
    assert other.fit_trials(np.arange(4), seed=2).tobytes() == tr.fit_trials(np.arange(4), seed=2).tobytes()
    store = TrialStore(tmp_path / "store", tr.config())
    store.append(tr.get_many_fits(5, seed=1), seed=1, start=0)
    assert store.count() == 5


def test_lists_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="source 1 is at the place of source 0"):
        runner(src=cy.sources([1.0, 1.0], [0.2, 0.2]))
    with pytest.raises(ValueError, match="make a runner of each source"):
        SourceListTrialRunner(
            analysis=one_season(),
            src=cy.sources([1.0], [0.2]),
            transient=cy.TransientOptions(cy.TimeWindow(57000.0, 1.0)),
        )
    with pytest.raises(ValueError, match="with_background"):
        runner().test(TRUTH=True)
    with pytest.raises(ValueError, match="give a trial, or TRUTH=True"):
        runner().with_background(10, seed=1).test()
    with pytest.raises(ValueError, match="needs sources"):
        cy.get_source_list_trial_runner(ana=one_season())
