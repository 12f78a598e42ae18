from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from nusky.dists import TSD, Chi2TSD
from nusky.injection.signal import InjectionOptions
from nusky.sensitivity.limits import discovery_potential, find_n_sig, sensitivity, upper_limit
from nusky.sensitivity.pool import TrialPool
from nusky.sensitivity.result import NSigResult
from nusky.store.trials import TrialStore
from nusky.trial.fit import Fit
from nusky.trial.status import Status
from nusky.trial.trial_set import TrialSet
from toy_runner import ToyRunner, exact_n_sig


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
        runner.priors, runner.prior_outside = (None,), (0.25,)  # type: ignore[attr-defined]
        found = sensitivity(runner, background, seed=1, tol=0.3)
        assert found.sources == found.as_dict()["sources"] == said
        assert f"sources of {said}" in repr(found)
        notes = " ".join(found.notes)
        assert "25.0% of a prior lie outside the pixels" in notes
        assert ("of equal flux fewer are found" in notes) == (said == "equal counts")
        found.save(tmp_path / "n_sig.npz")
        assert NSigResult.read(tmp_path / "n_sig.npz").sources == said
        assert NSigResult.read(tmp_path / "n_sig.npz").notes == found.notes


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


@pytest.mark.slow
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


def test_trials_with_signal_are_no_background(background: np.ndarray) -> None:
    about: dict[str, Any] = {"seed": 99, "first_trial": 0, "n_sig": 5.0, "poisson": True, "config_hash": "x"}
    signal = TrialSet.of(background.copy(), config=ToyRunner().config(), **about)
    runner = ToyRunner()
    with pytest.raises(ValueError, match=r"as background have n_sig = 5 injected events; give get_many_fits\(n\)"):
        sensitivity(runner, signal, seed=1)
    for distribution in (TSD(signal), Chi2TSD(signal), TSD(TSD(signal))):
        with pytest.raises(ValueError, match="as background have n_sig = 5 injected events"):
            sensitivity(runner, distribution, seed=1)
    with pytest.raises(ValueError, match=r"given as n_sig = 3 have n_sig = 5 .*get_many_fits\(n, 3\)"):
        find_n_sig(runner, 1.0, 0.9, trials={3: signal}, seed=1)
    assert runner.calls == []


def test_the_pool_knows_that_one_and_the_same_seed_made_the_trials_it_is_given(background: np.ndarray) -> None:
    pool = TrialPool(ToyRunner(), trials={0: background}, seed=99)
    pool.add(3.0, 10)
    assert pool.runner.calls == [(3.0, list(range(20_000, 20_010)))]  # type: ignore[attr-defined]
    assert stats.kstest(pool.ts(0), background["ts"]).pvalue == 1.0
