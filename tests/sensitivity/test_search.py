from __future__ import annotations

import inspect
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky.executors.batches import LostBatch
from nusky.executors.on_threads import InterruptedBatch
from nusky.sensitivity.limits import discovery_potential, find_n_sig, sensitivity, upper_limit
from nusky.sensitivity.pool import InterruptedSearch, LostSearch
from nusky.sensitivity.result import NSigResult
from nusky.sensitivity.search import NSigOptions, QuoteOptions
from nusky.store.trials import TrialStore
from toy_runner import ToyRunner, exact_n_sig


@pytest.mark.parametrize(("ts", "beta"), [(0.0, 0.9), (9.0, 0.5), (25.0, 0.5), (4.0, 0.95)])
@pytest.mark.parametrize("poisson", [True, False])
def test_the_signal_found_is_the_exact_one_within_its_error(ts: float, beta: float, poisson: bool) -> None:
    found = find_n_sig(ToyRunner(), ts, beta, seed=3, poisson=poisson, n_sig_step=1.0, tol=0.04)
    assert found.converged
    assert 0 < found.n_sig_error <= 0.04
    # whole counts make few, coarse points: the shape between them is then part of the error
    slack = 0.0 if poisson else 0.04
    truth = exact_n_sig(ts, beta, poisson)
    assert found.n_sig == pytest.approx(truth, rel=4 * found.n_sig_error + slack)


def test_the_quoted_error_is_the_spread_of_repeated_searches() -> None:
    found = [find_n_sig(ToyRunner(), 1.0, 0.9, seed=s, n_sig_step=2, batch_size=150, tol=0.5) for s in range(12)]
    truth = exact_n_sig(1.0, 0.9)
    pulls = np.array([(f.n_sig - truth) / (f.n_sig * f.n_sig_error) for f in found])
    assert abs(pulls.mean()) < 4 / np.sqrt(12)
    assert 0.4 < pulls.std() < 1.9


def test_no_trial_is_thrown_away_and_no_index_is_used_twice() -> None:
    runner = ToyRunner()
    found = find_n_sig(runner, 2.0, 0.9, seed=1, n_sig_step=1.0, tol=0.1)
    used = list(itertools.chain.from_iterable(numbers for _, numbers in runner.calls))
    assert sorted(used) == list(range(len(used)))
    assert found.info["n_trials"].sum() == len(used) == sum(map(len, found.trials.values()))
    assert set(found.trials) == set(found.info["n_sigs"])


def test_the_same_seed_finds_the_same_number() -> None:
    a, b, c = (find_n_sig(ToyRunner(), 2.0, 0.9, seed=s, tol=0.2, batch_size=50) for s in (1, 1, 2))
    assert a.n_sig == b.n_sig
    assert a.n_sig != c.n_sig


def test_trials_made_before_are_used_and_can_be_enough() -> None:
    first = find_n_sig(ToyRunner(), 2.0, 0.9, seed=1, tol=0.05)
    runner = ToyRunner()
    again = find_n_sig(runner, 2.0, 0.9, trials=first.trials, max_batch_size=0)
    assert runner.calls == []
    assert again.n_sig == first.n_sig
    # a tighter tolerance adds to them instead of beginning anew, at indices of its own
    more = find_n_sig(runner, 2.0, 0.9, trials=first.trials, seed=1, tol=0.02)
    assert min(j for _, numbers in runner.calls for j in numbers) == first.info["n_trials"].sum()
    assert more.info["n_trials"].sum() == first.info["n_trials"].sum() + sum(len(n) for _, n in runner.calls)
    assert more.n_sig_error < first.n_sig_error


def test_no_trial_is_counted_twice_when_searches_with_one_seed_hand_their_trials_on(tmp_path: Path) -> None:
    options: dict[str, Any] = {"seed": 1, "batch_size": 100}
    sens = sensitivity(ToyRunner(), ToyRunner().fit_trials(range(500), seed=99), tol=0.1, **options)
    sens.save(tmp_path / "sens.npz")
    for trials in (sens.trials, NSigResult.read(tmp_path / "sens.npz").trials):
        limit = upper_limit(ToyRunner(), 3.0, trials=trials, tol=0.03, **options)
        more = discovery_potential(ToyRunner(), trials=limit.trials, n_sigma=3, tol=0.03, **options)
        # those without signal were given, and do not say where they are from
        made = np.concatenate([rows["trial"] for n_sig, rows in more.trials.items() if n_sig > 0])
        assert made.min() == 500
        assert len(np.unique(made)) == len(made)
        assert sum(map(len, more.trials.values())) > sum(map(len, sens.trials.values()))


def test_a_store_is_filled_and_a_second_search_goes_on_from_it(tmp_path: Path) -> None:
    runner = ToyRunner()
    store = TrialStore(tmp_path / "s", runner.config())
    first = find_n_sig(runner, 2.0, 0.9, seed=1, tol=0.1, store=store)
    assert len(store) == first.info["n_trials"].sum()
    again = ToyRunner()
    second = find_n_sig(again, 2.0, 0.9, seed=1, tol=0.1, store=tmp_path / "s", max_batch_size=0)
    assert again.calls == []
    assert second.n_sig == first.n_sig
    third = find_n_sig(again, 2.0, 0.9, seed=1, tol=0.04, store=tmp_path / "s")
    assert min(j for _, numbers in again.calls for j in numbers) == len(store)
    assert third.n_sig_error <= 0.04

    class Other(ToyRunner):
        strength = 0.7

    with pytest.raises(ValueError, match=r"strength: stored 0\.6, given 0\.7"):
        find_n_sig(Other(), 2.0, 0.9, store=store)


def test_the_table_is_printed_in_cskys_layout(capsys: pytest.CaptureFixture[str]) -> None:
    find_n_sig(ToyRunner(), 0.044, 0.9, seed=1, n_sig_step=5, tol=0.2, batch_size=50, logging=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Start time: ")
    assert lines[1].startswith("Using ")
    assert lines[2] == "* Starting initial scan for 90% of 50 trials with TS > 0.044..."
    assert lines[3].startswith("  n_sig = 5.000 ... frac = ")
    assert lines[4].startswith("  n_sig = 2.500 ... frac = ")
    assert lines[5] == "* Generating batches of 50 trials..."
    assert lines[6].startswith("n_trials  | n_inj     0.00")
    assert lines[6].endswith("|  n_sig(relative error)")
    assert "% |" in lines[7]
    assert lines[7].endswith("[chi2cdf]")
    assert lines[-2].startswith("End time: ")
    assert lines[-1].startswith("Elapsed time: 0:00:")
    find_n_sig(ToyRunner(), 0.044, 0.9, seed=1, tol=0.2, batch_size=50)
    assert capsys.readouterr().out == ""


def test_a_batch_that_takes_long_shows_how_far_it_is_on_a_line_the_table_replaces(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nusky.progress._FILE_INTERVAL", 0.0)
    find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.2, batch_size=5000, mp_cpus=1, logging=True)
    out = capsys.readouterr().out
    assert "992/5000 trials complete." in out  # 32 + 64 + ... + 512
    # what a terminal shows: the last thing written after each carriage return
    shown = [line.rsplit("\r", 1)[-1] for line in out.split("\n")]
    assert not [line for line in shown if "complete" in line]
    assert shown[6].startswith("n_trials  | n_inj")
    assert shown[7].startswith("5000      |")


def test_a_crossing_far_below_the_first_step_costs_no_grid_around_that_step() -> None:
    class Strong(ToyRunner):
        strength = 3.0

    for poisson in (True, False):
        runner = Strong()
        found = find_n_sig(runner, 1.0, 0.9, seed=1, n_sig_step=20, tol=0.05, poisson=poisson)
        signals = {n for n, numbers in runner.calls if len(numbers) >= 500}
        assert max(signals) < 10
        assert found.n_sig < 5
    # without signal it passes already: nothing is halved
    easy = ToyRunner()
    assert find_n_sig(easy, 0.0, 0.3, seed=1, trials={0.0: easy.fit_trials(range(500), seed=9)}).n_sig == 0
    assert {n for n, numbers in easy.calls if len(numbers) == 50} == {5.0}


class Stopped(ToyRunner):
    """The tenth call ends after 20 of its trials."""

    def __init__(self, how: type[InterruptedBatch | LostBatch]) -> None:
        super().__init__()
        self.how = how

    def fit_trials(self, indices: Any, *args: Any, **how: Any) -> np.ndarray:
        rows = super().fit_trials(indices, *args, **how)
        if len(self.calls) == 10 and self.how is InterruptedBatch:
            raise InterruptedBatch(rows[:20].view(np.recarray), np.asarray(indices)[:20], len(rows))
        if len(self.calls) == 10:
            raise LostBatch("the worker died 4 times", rows[:20], np.asarray(indices)[:20])
        return rows


@pytest.mark.parametrize(
    ("how", "becomes", "says"),
    [
        (InterruptedBatch, InterruptedSearch, r"in this exception's \.trials .*give them as trials= to go on"),
        (LostBatch, LostSearch, r"the worker died 4 times\. All trials of the search are in \.trials"),
    ],
)
def test_a_search_that_is_stopped_keeps_all_its_trials_and_goes_on_with_them(
    how: type[InterruptedBatch | LostBatch], becomes: type[InterruptedSearch | LostSearch], says: str
) -> None:
    stopped = Stopped(how)
    with pytest.raises(becomes, match=says) as caught:
        find_n_sig(stopped, 1.0, 0.9, seed=1, tol=0.01, batch_size=100)
    kept = caught.value.trials
    made = sum(len(numbers) for _, numbers in stopped.calls[:-1]) + 20
    assert sum(map(len, kept.values())) == made
    runner = ToyRunner()
    found = find_n_sig(runner, 1.0, 0.9, seed=1, tol=0.03, batch_size=100, trials=kept)
    assert min(j for _, numbers in runner.calls for j in numbers) == made
    assert found.info["n_trials"].sum() == made + sum(len(numbers) for _, numbers in runner.calls)
    assert found.converged


@pytest.mark.parametrize("beta", [0, 1, -0.1, 1.5, np.nan, "0.9"])
def test_a_fraction_outside_0_to_1_is_refused(beta: Any) -> None:
    with pytest.raises(ValueError, match="beta = "):
        find_n_sig(ToyRunner(), 1.0, beta)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ts": np.nan}, "ts = nan"),
        ({"tol": 0}, "tol = 0"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"n_batches": 2}, "n_batches = 2"),
        ({"n_sig_step": -1}, "n_sig_step = -1"),
        ({"max_batch_size": -1}, "max_batch_size = -1"),
        ({"method": "magic"}, "method = 'magic'"),
        ({"trials": {-1: [0.0]}}, "trials has the key -1"),
        ({"trials": {0: [np.nan]}}, r"values\[0\] = nan"),
        ({"max_batch_size": 0}, "max_batch_size=0 makes no trials"),
    ],
)
def test_bad_settings_are_refused_by_name_before_any_trial(options: dict[str, Any], message: str) -> None:
    runner = ToyRunner()
    with pytest.raises(ValueError, match=message):
        find_n_sig(runner, **{"ts": 1.0, "beta": 0.9, **options})
    assert runner.calls == []


def test_a_threshold_out_of_reach_is_said_with_what_was_reached() -> None:
    with pytest.raises(
        ValueError, match=r"TS > 50.000 was passed by at most 0.0% .*not by beta = 90%: raise max_n_sig"
    ):
        find_n_sig(ToyRunner(ceiling=40.0), 50.0, 0.9, seed=1, max_n_sig=200)
    low = {0: [0.0] * 100, 3: [0.0] * 60 + [2.0] * 40}
    with pytest.raises(ValueError, match=r"at most 40.0% of trials \(at n_sig = 3, 100 trials\)"):
        find_n_sig(ToyRunner(), 1.0, 0.9, trials=low, max_batch_size=0, method="spline")


def test_a_fraction_reached_without_signal_needs_none() -> None:
    found = find_n_sig(ToyRunner(), 0.0, 0.3, seed=1, batch_size=200)
    assert found.n_sig == 0
    assert found.converged


def test_a_tolerance_that_is_not_reached_is_reported_not_hidden() -> None:
    found = find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.001, batch_size=50, max_batch_size=100)
    assert not found.converged
    assert found.n_sig_error > 0.001
    assert "not converged: at most max_batch_size=100 trials at one" in repr(found)
    assert found.info["n_trials"].max() <= 100
    fixed = find_n_sig(ToyRunner(), 1.0, 0.9, trials=found.trials, tol=0.001, max_batch_size=0)
    assert "max_batch_size=0 makes no trials" in fixed.why


def test_the_typed_options_are_the_keywords() -> None:
    keywords = {p.name for p in inspect.signature(find_n_sig).parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert set(NSigOptions.__annotations__) == keywords
    assert set(QuoteOptions.__annotations__) - set(NSigOptions.__annotations__) <= {"n_bg_trials"}


def test_signals_that_given_trials_show_too_weak_are_not_tried_again() -> None:
    known = find_n_sig(ToyRunner(), 1.0, 0.9, seed=7, n_sig_step=1.0, tol=0.1).trials
    given = {n: known[n] for n in sorted(known) if n <= 4}
    assert any(np.mean(rows["ts"] > 25.0) < 0.5 for rows in given.values())
    found = find_n_sig(ToyRunner(), 25.0, 0.9, seed=1, n_sig_step=1.3, tol=0.1, trials=given)
    assert min(n for n in found.trials if n not in given) > max(n for n in given if n > 0)
    assert found.n_sig == pytest.approx(exact_n_sig(25.0, 0.9), rel=4 * found.n_sig_error)
