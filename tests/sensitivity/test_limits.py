from __future__ import annotations

import dataclasses
import inspect
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nusky.dists import TSD, Chi2TSD
from nusky.executors.batches import LostBatch
from nusky.executors.on_threads import InterruptedBatch
from nusky.injection.signal import InjectionOptions
from nusky.sensitivity.limits import discovery_potential, find_n_sig, sensitivity, upper_limit
from nusky.sensitivity.pool import InterruptedSearch, LostSearch, TrialPool
from nusky.sensitivity.result import NSigResult
from nusky.sensitivity.search import NSigOptions, QuoteOptions
from nusky.store.trials import TrialStore
from nusky.trial.fit import Fit
from nusky.trial.status import Status
from nusky.trial.trial_set import TrialSet
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


def test_no_trial_is_counted_twice_when_searches_with_one_seed_hand_their_trials_on(
    background: np.ndarray, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"seed": 1, "batch_size": 100}
    sens = sensitivity(ToyRunner(), background[:500], tol=0.1, **options)
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
    assert lines[4] == "* Generating batches of 50 trials..."
    assert lines[5].startswith("n_trials  | n_inj     0.00")
    assert lines[5].endswith("|  n_sig(relative error)")
    assert "% |" in lines[6]
    assert lines[6].endswith("[chi2cdf]")
    assert lines[-2].startswith("End time: ")
    assert lines[-1].startswith("Elapsed time: 0:00:")
    find_n_sig(ToyRunner(), 0.044, 0.9, seed=1, tol=0.2, batch_size=50)
    assert capsys.readouterr().out == ""


def test_the_result_reads_as_a_dictionary_and_by_attribute() -> None:
    found = find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.2, gamma=2.0, E0=100, unit=1e3)
    assert found["n_sig"] == found.n_sig
    assert found["info"]["CLs"].tolist() == found.curve.fractions.tolist()
    assert {"n_sig", "n_sig_error", "info", "trials"} <= set(found)
    assert found.E2dNdE == pytest.approx(1e-15 * found.n_sig)
    assert found.E2dNdE_absolute_error == pytest.approx(found.E2dNdE * found.n_sig_error)
    assert found.n_sig_relative_error == found["n_sig_relative_error"] == found.n_sig_error
    assert found.n_sig_absolute_error == pytest.approx(found.n_sig * found.n_sig_error)
    assert found.fluence is None
    assert json.loads(json.dumps(found.as_dict()))["spectrum"] == {"type": "PowerLawFlux", "gamma": 2.0}
    assert "n_sig=" in repr(found)
    with pytest.raises(KeyError, match="'nsig' is not in the result"):
        found["nsig"]


def test_a_result_comes_back_from_its_file_with_curve_trials_and_what_it_was_made_with(tmp_path: Path) -> None:
    found = find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.2, gamma=2.0, E0=100, trials={0: [0.0] * 60, 7: [9.0] * 60})
    path = tmp_path / "found.npz"
    found.save(path)
    again = NSigResult.read(path)
    assert again.as_dict() == found.as_dict()
    assert again.config == ToyRunner().config()
    assert repr(again) == repr(found)
    assert again.curve.solve_error(0.9) == found.curve.solve_error(0.9)
    assert list(again.trials) == list(found.trials)
    for n_sig, rows in found.trials.items():
        np.testing.assert_array_equal(again.trials[n_sig], rows)
    runner = ToyRunner()
    assert find_n_sig(runner, 1.0, 0.9, trials=again.trials, max_batch_size=0).n_sig == found.n_sig
    TSD([1.0]).save(tmp_path / "tsd.npz")
    with pytest.raises(ValueError, match=r"tsd\.npz has the format 'nusky-tsd-1'"):
        NSigResult.read(tmp_path / "tsd.npz")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"found\.npz is damaged"):
        NSigResult.read(path)


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
    assert shown[5].startswith("n_trials  | n_inj")
    assert shown[6].startswith("5000      |")


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


# ---- the three published numbers


@pytest.fixture(scope="module")
def background() -> np.ndarray:
    return ToyRunner().fit_trials(range(20_000), seed=99)


def test_sensitivity_is_against_the_median_with_a_strict_inequality(background: np.ndarray) -> None:
    found = sensitivity(ToyRunner(), background, seed=1, n_sig_step=1, tol=0.03)
    assert found.kind == "sensitivity"
    assert found.ts == np.median(background["ts"])
    assert found.n_sig == pytest.approx(exact_n_sig(found.ts, 0.9), rel=4 * found.n_sig_error)
    # with more than half of the background at 0 the median is 0, and only trials above 0 count
    mostly_zero = TSD(np.r_[np.zeros(700), np.ones(300)])
    threshold_zero = sensitivity(ToyRunner(), mostly_zero, seed=1, n_sig_step=1, tol=0.05)
    assert threshold_zero.ts == 0
    assert threshold_zero.curve.fractions[0] == 0.3


def test_the_result_says_for_which_sources_its_flux_is(background: np.ndarray, tmp_path: Path) -> None:
    assert sensitivity(ToyRunner(), background, seed=1, tol=0.3).sources == ""
    kinds = (("auto", "equal flux"), ("count", "equal counts"), ("flux", "equal flux"), ("fluence", "equal fluence"))
    for by, said in kinds:
        runner = ToyRunner()
        runner.injection = InjectionOptions(by=by)  # type: ignore[attr-defined, arg-type]
        found = sensitivity(runner, background, seed=1, tol=0.3)
        assert found.sources == found.as_dict()["sources"] == "one position"
        runner.priors = (None,)  # type: ignore[attr-defined]
        found = sensitivity(runner, background, seed=1, tol=0.3)
        assert found.sources == found.as_dict()["sources"] == said
        assert f"sources of {said}" in repr(found)
        found.save(tmp_path / "n_sig.npz")
        assert NSigResult.read(tmp_path / "n_sig.npz").sources == said


@pytest.mark.parametrize(
    ("poisson", "given", "said"),
    [
        (False, None, "equal counts"),
        (True, True, "equal flux"),
        (True, False, "equal counts mixed with equal flux"),
        (True, "unknown", "equal counts or equal flux, as the trials that were given"),
    ],
)
def test_given_trials_decide_with_for_which_sources_a_flux_is(poisson: bool, given: Any, said: str) -> None:
    runner = ToyRunner()
    runner.injection, runner.priors = InjectionOptions(), (None,)  # type: ignore[attr-defined]
    trials: dict[float, Any] = {}
    if given is not None:
        rows = ToyRunner().fit_trials(range(50), 4, seed=9)
        about: dict[str, Any] = {"seed": 9, "first_trial": 0, "n_sig": 4.0, "config_hash": ""}
        trials[4.0] = rows["ts"] if given == "unknown" else TrialSet.of(rows, poisson=given, **about)
    found = find_n_sig(runner, 1.0, 0.9, seed=1, tol=0.3, poisson=poisson, trials=trials)
    assert found.sources == said


def test_background_is_made_when_none_is_given_and_counts_as_trials_without_signal(tmp_path: Path) -> None:
    runner = ToyRunner()
    found = sensitivity(runner, seed=1, n_bg_trials=400, tol=0.2, batch_size=50, store=tmp_path / "s")
    assert [j for n_sig, numbers in runner.calls if n_sig == 0 for j in numbers] == list(range(400))
    assert len(found.trials[0.0]) == 400
    assert TrialStore(tmp_path / "s").count(n_sig=0) == 400


def test_discovery_potential_reaches_beyond_the_trials_and_says_so(background: np.ndarray) -> None:
    five = discovery_potential(ToyRunner(), background, seed=1, tol=0.05)
    assert five.extrapolated
    assert five.ts == pytest.approx(25, rel=0.1)  # half a chi-square with one degree of freedom: n sigma squared
    assert five.ts_error > 0
    assert five.n_sig == pytest.approx(exact_n_sig(25.0, 0.5), rel=4 * five.n_sig_error)
    three = discovery_potential(ToyRunner(), Chi2TSD(background), n_sigma=3, seed=1, tol=0.05)
    assert not three.extrapolated
    assert three.n_sig == pytest.approx(exact_n_sig(9.0, 0.5), rel=4 * three.n_sig_error + 0.02)
    assert "extrapolated" in repr(five)


def test_an_upper_limit_is_never_below_the_sensitivity_and_grows_with_ts(background: np.ndarray) -> None:
    common: dict[str, Any] = {"seed": 1, "n_sig_step": 1, "tol": 0.04}
    sens = sensitivity(ToyRunner(), background, **common)
    at_zero = upper_limit(ToyRunner(), 0.0, background, **common)
    assert at_zero.n_sig == sens.n_sig
    assert at_zero.ts == sens.ts

    class Observed:
        ts = 6.0

    high = upper_limit(ToyRunner(), Observed(), background, **common)
    assert high.ts == 6.0
    assert high.ts_error == 0
    assert high.n_sig == pytest.approx(exact_n_sig(6.0, 0.9), rel=4 * high.n_sig_error)


def test_a_limit_from_the_fit_of_another_search_is_refused(background: np.ndarray) -> None:
    runner = ToyRunner()
    runner.config_hash = "mine"  # type: ignore[attr-defined]
    columns = ("ts", "ns", "gamma")
    fit = Fit(columns, 6.0, 3.0, 2.0, 1.0, 0.2, 6.0, Status.OK, n_scanned=1, config_hash="another")
    with pytest.raises(ValueError, match=r"configuration another, the runner has mine: .* give ts_obs=fit\.ts"):
        upper_limit(runner, fit, background, seed=1)
    own = dataclasses.replace(fit, config_hash="mine")
    assert upper_limit(runner, own, background, seed=1, tol=0.3).ts == 6.0


def test_the_unit_of_a_flux_can_be_a_name() -> None:
    named, number = (find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, tol=0.3, gamma=2, unit=x) for x in ("TeV", 1e3))
    assert named.unit == 1e3
    assert named.E2dNdE == number.E2dNdE
    with pytest.raises(ValueError, match="unit='parrot' is no unit of energy"):
        find_n_sig(ToyRunner(), 1.0, 0.9, seed=1, unit="parrot")


def test_the_upper_limit_covers_at_least_its_level() -> None:
    # the limit as a function of the observed TS, from the exact efficiency of the toy
    rng = np.random.default_rng(5)
    for truth in (0.5, 2.0, 5.0):
        observed = np.maximum(0, rng.normal(size=400) + ToyRunner.strength * rng.poisson(truth, 400)) ** 2
        limits = np.interp(observed, *_limit_table())
        covered = np.mean(limits >= truth)
        assert covered >= 0.9 - 3 * np.sqrt(0.09 / 400)


def _limit_table() -> tuple[np.ndarray, np.ndarray]:
    thresholds = np.array([0.0, 0.5, 1, 2, 4, 8, 16, 32, 64])
    limits = []
    for ts in thresholds:
        found = upper_limit(ToyRunner(), ts, TSD([0.0], n_zero=99), seed=8, n_sig_step=1, tol=0.05)
        limits.append(found.n_sig)
    return thresholds, np.array(limits)


# ---- what cannot be


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


def test_a_threshold_at_zero_is_never_moved_below_it() -> None:
    positive = np.random.default_rng(1).chisquare(1.0, 497)
    nearly_half = np.r_[np.zeros(503), positive]  # the median is 0, its error is not
    found = sensitivity(ToyRunner(), nearly_half, seed=1, n_sig_step=1, tol=0.06)
    assert found.ts == 0
    assert found.ts_error > 0
    own = found.curve.solve_error(0.9) / found.n_sig
    assert own <= found.n_sig_error < 1.5 * own
    assert found.converged
    assert found.why == ""


def test_a_threshold_known_too_badly_makes_background_trials_until_it_is_good_enough(background: np.ndarray) -> None:
    runner = ToyRunner()
    found = sensitivity(runner, background[:20], seed=1, n_sig_step=1, tol=0.03)
    assert found.converged
    assert found.n_sig_error_of_ts < 0.03
    assert found.n_sig == pytest.approx(exact_n_sig(1.0e-9, 0.9), rel=0.1)
    made = sum(len(numbers) for n_sig, numbers in runner.calls if n_sig == 0)
    assert len(found.trials[0.0]) == 20 + made > 200
    used = list(itertools.chain.from_iterable(numbers for _, numbers in runner.calls))
    assert len(set(used)) == len(used)


def test_a_threshold_that_may_not_get_better_says_so(background: np.ndarray) -> None:
    found = sensitivity(ToyRunner(), background[:20], seed=1, n_sig_step=1, tol=0.02, max_batch_size=0, trials=_many())
    assert not found.converged
    assert found.curve.solve_error(0.9) / found.n_sig <= 0.02
    assert "more background trials are needed than max_batch_size=0" in found.why
    assert found.why in repr(found)
    assert found.n_sig_error == pytest.approx(
        np.hypot(found.n_sig_error_of_ts, found.curve.solve_error(0.9) / found.n_sig)
    )


def _many() -> dict[float, Any]:
    return {float(n): ToyRunner().fit_trials(range(9000), n, True, seed=7) for n in (2, 4, 6, 8)}


def test_a_fitted_threshold_gets_better_with_trials_and_keeps_how_it_is_fitted(background: np.ndarray) -> None:
    runner = ToyRunner()
    few = Chi2TSD(background[:300], threshold=0.5)
    found = discovery_potential(runner, few, seed=1, n_sig_step=3, tol=0.02)
    made = [len(numbers) for n_sig, numbers in runner.calls if n_sig == 0]
    assert made[0] == 500  # of the search itself
    assert sum(made[1:]) > 300
    # the last search added no background, or 500 again
    of_last = [Chi2TSD(found.trials[0.0][: 300 + n], threshold=0.5) for n in np.cumsum(made)]
    assert found.ts in [float(tsd.isf_nsigma(5)) for tsd in of_last]


def test_bad_observations_are_refused(background: np.ndarray) -> None:
    with pytest.raises(ValueError, match="ts_obs = nan"):
        upper_limit(ToyRunner(), np.nan, background)
    with pytest.raises(ValueError, match="n_sigma = -1"):
        discovery_potential(ToyRunner(), background, n_sigma=-1)
    with pytest.raises(ValueError, match="no background trials"):
        sensitivity(ToyRunner(), max_batch_size=0)
    with pytest.raises(TypeError, match="sensitivity: there is no option 'bogus'; there are trials, store, seed"):
        sensitivity(ToyRunner(), background, bogus=1)
    with pytest.raises(TypeError, match="is neither a TS nor a Fit"):
        upper_limit(ToyRunner(), [3.0, 1.0], background)
    with pytest.raises(ValueError, match=r"seed = 18446744073709551616: .* below 2\*\*64"):
        sensitivity(ToyRunner(), background, seed=2**64)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_background_trials_are_refused_and_none_are_made_instead(n: int) -> None:
    runner = ToyRunner()
    for quote in (sensitivity, discovery_potential):
        with pytest.raises(ValueError, match=f"bg holds {n} trials: a threshold needs at least 10"):
            quote(runner, np.zeros(n), seed=1)
    assert runner.calls == []


def test_background_of_zeros_has_a_median_but_no_tail_to_extrapolate() -> None:
    zeros = np.zeros(100)
    assert sensitivity(ToyRunner(), zeros, seed=1, tol=0.3).ts == 0.0
    with pytest.raises(ValueError, match=r"these 100 trials cannot give .* too few trials with TS > 0 to fit one"):
        discovery_potential(ToyRunner(), zeros, seed=1)


def test_trials_of_another_search_are_refused_where_they_say_so(background: np.ndarray) -> None:
    def made_with(config: dict[str, Any], n_sig: float = 0.0) -> TrialSet:
        about: dict[str, Any] = {"seed": 99, "first_trial": 0, "n_sig": n_sig, "poisson": True, "config_hash": "x"}
        return TrialSet.of(background.copy(), config=config, **about)

    mine = ToyRunner().config()
    with pytest.raises(ValueError, match=r"n_sig = 0 were made with another search: strength: stored 0\.7, given 0\.6"):
        sensitivity(ToyRunner(), made_with({**mine, "strength": 0.7}), seed=1)
    # what would be injected says nothing about trials into which nothing was
    assert sensitivity(ToyRunner(), made_with({**mine, "injection": {"by": "flux"}}), seed=1, tol=0.3).n_sig > 0
    with pytest.raises(ValueError, match="n_sig = 5 were made with another search: injection: only stored"):
        find_n_sig(ToyRunner(), 1.0, 0.9, trials={5: made_with({**mine, "injection": {"by": "flux"}}, 5.0)})


def test_the_pool_knows_that_one_and_the_same_seed_made_the_trials_it_is_given(background: np.ndarray) -> None:
    pool = TrialPool(ToyRunner(), trials={0: background}, seed=99)
    pool.add(3.0, 10)
    assert pool.runner.calls == [(3.0, list(range(20_000, 20_010)))]  # type: ignore[attr-defined]
    assert stats.kstest(pool.ts(0), background["ts"]).pvalue == 1.0


def test_the_typed_options_are_the_keywords() -> None:
    keywords = {p.name for p in inspect.signature(find_n_sig).parameters.values() if p.kind is p.KEYWORD_ONLY}
    assert set(NSigOptions.__annotations__) == keywords
    assert set(QuoteOptions.__annotations__) - set(NSigOptions.__annotations__) <= {"n_bg_trials"}
