"""Trials of one source: fits against the oracle, reproducibility, bias, and what is refused."""

from __future__ import annotations

import _thread
import logging
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.analysis.analysis import Analysis
from nusky.executors.on_threads import InterruptedBatch
from nusky.progress import Progress
from nusky.runners.point_source import TrialRunner
from nusky.trial.status import Status
from nusky.trial.trial import Trial
from seasons import one_season, oracle_fit, two_seasons

SRC = cy.sources(1.0, 0.2)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal to the last bit, NaN included."""
    return a.dtype.names == b.dtype.names and a.tobytes() == b.tobytes()


def runner(analysis: Analysis | None = None, src: cy.Sources = SRC, **options: Any) -> TrialRunner:
    return cy.get_trial_runner(ana=analysis or one_season(), src=src, **options)


# Correct


@pytest.mark.parametrize("analysis", [one_season, two_seasons])
@pytest.mark.parametrize(("n_sig", "dec"), [(0, 0.2), (8, 0.2), (8, -1.2), (15, np.pi / 2)])
def test_a_fit_is_the_maximum_that_the_oracle_finds(analysis: Any, n_sig: int, dec: float) -> None:
    tr = runner(analysis(), cy.sources(1.0, dec))
    for seed in (1, 2):
        trial = tr.get_one_trial(n_sig, seed=seed)
        fit = tr.get_one_fit_from_trial(trial)
        expected = oracle_fit(analysis(), trial, 1.0, dec)
        assert fit.ts == pytest.approx(expected.ts, abs=1e-3)
        if expected.ts > 0.1:
            assert fit.ns == pytest.approx(expected.ns, rel=0.02)
            assert fit.gamma == pytest.approx(expected.gamma, abs=0.02)


def test_a_fit_says_where_gamma_is_at_its_bound() -> None:
    tr = runner(inj_conf={"flux": cy.hyp.PowerLawFlux(4.0)})  # the softest there is: about half of the fits end there
    first, last = tr.analysis.gamma_nodes[[0, -1]]
    fits = [tr.get_one_fit(8, seed=seed) for seed in range(20)]
    assert 0 < sum(fit.gamma_at_bound for fit in fits) < len(fits)
    for fit in fits:
        assert fit.gamma_at_bound == (fit.gamma in (first, last))
    trials = tr.get_many_fits(20, 8, seed=1)
    assert 0 < trials.gamma_at_bound.sum() < len(trials)
    assert trials.gamma_at_bound.tolist() == np.isin(trials["gamma"], [first, last]).tolist()
    fixed = runner(gamma=float(last))
    assert not fixed.get_one_fit(8, seed=1).gamma_at_bound
    assert not fixed.get_many_fits(3, 8, seed=1).gamma_at_bound.any()


def test_a_fixed_gamma_is_fitted_as_the_oracle_does_and_the_result_says_so() -> None:
    tr = runner(two_seasons(), gamma=2.3)
    trial = tr.get_one_trial(8, seed=1)
    fit = tr.get_one_fit_from_trial(trial)
    assert fit.ts == pytest.approx(oracle_fit(two_seasons(), trial, 1.0, 0.2, gamma=2.3).ts, abs=1e-3)
    assert fit.columns == ("ts", "ns")
    assert (fit.energy, fit.gamma_fixed, len(fit)) == ("fixed", 2.3, 2)
    assert tr.get_many_fits(3, seed=1).dtype.names == ("ts", "ns")
    same = runner(two_seasons(), fitter_args={"gamma": 2.3}).get_one_fit_from_trial(trial)
    assert same.ts == fit.ts


def test_without_an_energy_term_the_fit_is_that_of_a_flat_ratio() -> None:
    tr = runner(energy=False)
    trial = tr.get_one_trial(8, seed=1)
    fit = tr.get_one_fit_from_trial(trial)
    assert (fit.energy, fit.gamma_fixed, fit.columns) == ("off", None, ("ts", "ns"))
    events = {name: np.concatenate([part[name] for part in trial.evss[0]]) for name in ("ra", "dec", "sigma", "sindec")}
    background = one_season()[0].background(events.pop("sindec"))
    plain = cy.scan_events(
        **events, background=background, log_energy_ratio=None, gamma_nodes=None, src_ra=[1.0], src_dec=[0.2]
    )
    assert fit.ts == pytest.approx(plain.ts[0], rel=1e-6)
    assert fit.ts < runner().get_one_fit_from_trial(trial).ts


def test_events_left_out_because_they_are_far_change_nothing() -> None:
    for analysis, dec in ((one_season(), 0.2), (two_seasons(), -0.9), (one_season(), np.pi / 2), (one_season(), -1.5)):
        tr = runner(analysis, cy.sources(0.05, dec))
        for seed in range(5):
            trial = tr.get_one_trial(3, seed=seed)
            own = Trial.from_events(trial.evss, trial.n_exs)
            a, b = tr.get_one_fit_from_trial(trial), tr.get_one_fit_from_trial(own)
            assert a.ts == pytest.approx(b.ts, rel=1e-6, abs=1e-5)
            assert a.status == b.status


def test_excluded_events_count_in_n() -> None:
    tr = runner()
    trial = tr.get_one_trial(10, seed=1)
    background, signal = trial.evss[0]
    near = np.abs(background.dec - 0.2) <= 5 * background.sigma
    cut = Trial.from_events([[background[near], signal]], n_exs=[int((~near).sum())])
    assert tr.get_one_fit_from_trial(cut).ts == pytest.approx(tr.get_one_fit_from_trial(trial).ts, rel=1e-6)


def test_an_extended_source_is_fitted_wider() -> None:
    width = np.radians(3.0)
    wide = runner(src=cy.sources(1.0, 0.2, extension=width))
    assert wide.likelihood.extension == width
    trial = wide.get_one_trial(30, seed=1)
    assert wide.get_one_fit_from_trial(trial).ts > runner().get_one_fit_from_trial(trial).ts + 10
    expected = oracle_fit(one_season(), trial, 1.0, 0.2, extension=width)
    assert wide.get_one_fit_from_trial(trial).ts == pytest.approx(expected.ts, abs=1e-3)


def test_injected_and_fitted_events_and_spectrum_agree_on_average() -> None:
    tr = runner()
    trials = tr.get_many_fits(150, 15, seed=1)
    for name, truth in (("ns", 15.0), ("gamma", 2.0)):
        values = trials[name]
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - truth) < 5 * error + 0.05 * truth


def test_scrambles_at_a_fixed_position_give_half_a_chi2_where_events_are_many() -> None:
    from scipy import stats

    # Only with many events of like weight is n_s near its asymptotic distribution: no energy term, the whole season
    whole = cy.get_analysis(cy.selections.demo, logging=False)
    ts = runner(whole, energy=False).get_many_fits(2000, seed=5).ts
    positive = ts[ts > 1e-6]
    assert 0.38 < len(positive) / len(ts) < 0.55
    assert stats.kstest(positive, stats.chi2(1).cdf).pvalue > 1e-3


# Reproducible


def test_the_same_seed_is_the_same_trial_everywhere() -> None:
    tr = runner(two_seasons())
    fit = tr.get_one_fit(5, seed=3)
    again = tr.get_one_fit_from_trial(tr.get_one_trial(5, seed=3))
    first = tr.get_many_fits(4, 5, seed=3)[0]
    assert np.asarray(fit).tolist() == np.asarray(again).tolist() == list(first.tolist())
    assert (fit.seed, fit.index) == (3, 0)


def test_trials_do_not_depend_on_threads_batches_or_order() -> None:
    tr = runner(two_seasons())
    whole = tr.get_many_fits(24, 3, poisson=True, seed=7, mp_cpus=1)
    assert same(tr.get_many_fits(24, 3, poisson=True, seed=7, mp_cpus=2), whole)
    tail = tr.get_many_fits(4, 3, poisson=True, seed=7, first_trial=20)
    assert same(tail, whole[20:])
    shuffled = tr.fit_trials([5, 23, 0], 3, True, 7)
    assert same(shuffled, whole[[5, 23, 0]])
    assert len(tr.fit_trials([], seed=1)) == 0


def test_the_background_does_not_depend_on_whether_signal_is_injected() -> None:
    tr = runner(two_seasons())
    a, b = tr.get_one_trial(0, seed=4), tr.get_one_trial(20, seed=4)
    for k in range(2):
        np.testing.assert_array_equal(a.evss[k][0].ra, b.evss[k][0].ra)
        assert len(a.evss[k]) == 1


def test_without_a_seed_trials_differ_and_are_recorded() -> None:
    tr = runner()
    a, b = tr.get_one_trial(), tr.get_one_trial()
    assert a.seed != b.seed
    np.testing.assert_array_equal(tr.get_one_trial(seed=a.seed).evss[0][0].ra, a.evss[0][0].ra)
    trials = tr.get_many_fits(3)
    assert same(tr.get_many_fits(3, seed=trials.seed), trials)


def test_a_runner_travels_to_another_process() -> None:
    tr = runner(two_seasons(), gamma=2.5, flux=cy.hyp.PowerLawFlux(2.5))
    tr.get_many_fits(2, 1, seed=1)
    again = pickle.loads(pickle.dumps(tr))
    assert same(again.get_many_fits(3, 4, seed=1), tr.get_many_fits(3, 4, seed=1))
    assert again.config_hash == tr.config_hash


# What comes out


def test_results_have_names_and_dtype() -> None:
    tr = runner()
    trials = tr.get_many_fits(5, 2, poisson=True, seed=1)
    assert trials.dtype.names == ("ts", "ns", "gamma")
    assert trials.ts.tolist() == trials["ts"].tolist()
    assert (trials.seed, trials.n_sig, trials.poisson, trials.first_trial) == (1, 2.0, True, 0)
    assert trials[:3].seed == 1
    frame = tr.get_many_fits(5, 2, poisson=True, seed=1, as_dataframe=True)
    assert list(frame.columns) == ["ts", "ns", "gamma"]
    assert frame.attrs["seed"] == 1
    ts, ns, gamma = tr.get_one_fit(10, seed=1)
    assert ts > 10
    assert "TrialRunner(small" in repr(tr)
    del ns, gamma


def test_exact_and_poisson_counts() -> None:
    tr = runner(two_seasons())
    assert {tr.get_one_trial(7, seed=s).n_injected for s in range(5)} == {7}
    counts = [tr.get_one_trial(7, poisson=True, seed=s).n_injected for s in range(200)]
    assert abs(np.mean(counts) - 7) < 5 * np.sqrt(7 / 200)


def test_the_real_sky_is_explicit_logged_and_recorded(caplog: pytest.LogCaptureFixture) -> None:
    tr = runner(two_seasons())
    with caplog.at_level(logging.INFO, logger="nusky"):
        fit = tr.get_one_fit(TRUTH=True)
    assert "real, unscrambled events of small, tiny" in caplog.text
    assert fit.TRUTH
    assert fit.seed is None
    trial = tr.get_one_trial(TRUTH=True)
    np.testing.assert_array_equal(trial.evss[0][0].ra, two_seasons()[0].data.ra)
    assert tr.get_one_fit().TRUTH is False
    with pytest.raises(ValueError, match="cannot be injected"):
        tr.get_one_fit(3, TRUTH=True)
    with pytest.raises(ValueError, match="use get_one_fit"):
        tr.get_many_fits(3, TRUTH=True)


def test_progress_is_printed_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    tr = runner()
    tr.get_many_fits(3, seed=1, mp_cpus=1)
    assert capsys.readouterr().out == ""
    tr.get_many_fits(3, seed=1, mp_cpus=1, logging=True)
    assert capsys.readouterr().out == ("Performing 3 background trials using 1 core:\n3/3 trials complete.\n")


def test_fluxes_and_counts_convert_back_and_forth() -> None:
    tr = runner(two_seasons())
    acceptance = sum(season.acceptance(0.2, 2.0) for season in two_seasons())
    assert tr.get_acc_total(gamma=2) == pytest.approx(acceptance)
    flux = tr.to_E2dNdE(20, E0=100, unit=1e3, gamma=2)
    assert flux == pytest.approx(20 / acceptance / 1e3)
    assert tr.to_ns(flux, E0=100, unit=1e3, gamma=2) == pytest.approx(20)
    assert tr.to_dNdE(20, E0=100, unit=1e3, gamma=2) == pytest.approx(flux / 100**2)
    assert tr.to_ns(flux / 100**2, E0=100, unit=1e3, gamma=2, E2dNdE=False) == pytest.approx(20)
    assert tr.to_E2dNdE(20, E0=100, unit=1e3) == pytest.approx(flux, rel=1e-3), "the injected spectrum, E^-2"
    soft = cy.hyp.PowerLawFlux(3.0)
    assert runner(two_seasons(), flux=soft).get_acc_total() == pytest.approx(tr.get_acc_total(flux=soft))
    np.testing.assert_allclose(tr.to_E2dNdE(np.array([10.0, 20.0]), gamma=2), [flux / 2 * 1e3, flux * 1e3])
    fit = tr.get_one_fit(10, seed=1)
    assert tr.to_E2dNdE(fit, gamma=2) == pytest.approx(tr.to_E2dNdE(fit.ns, gamma=2))


def test_config_names_what_decides_the_numbers() -> None:
    import json

    base = runner()
    json.dumps(base.config(), allow_nan=False)
    for other in (
        runner(two_seasons()),
        runner(src=cy.sources(1.0, 0.3)),
        runner(gamma=2.0),
        runner(energy=False),
        runner(cut_n_sigma=3.0),
        runner(flux=cy.hyp.PowerLawFlux(3)),
        runner(sindec_bandwidth=0.1),
    ):
        assert other.config_hash != base.config_hash
    assert runner(mp_cpus=1).config_hash == base.config_hash
    assert runner().config_hash == base.config_hash


# Refused

BAD_CALLS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"n_sig": -1}, ValueError, "n_sig=-1 must be finite and not negative"),
    ({"n_sig": np.nan}, ValueError, "must be finite"),
    ({"n_sig": np.inf, "poisson": True}, ValueError, "must be finite"),
    ({"n_sig": 2.5}, ValueError, "poisson=True"),
    ({"n_sig": "3"}, TypeError, "must be a number"),
    ({"poisson": 1}, TypeError, "poisson must be True or False"),
    ({"TRUTH": 1}, TypeError, "TRUTH must be True or False"),
    ({"seed": -1}, ValueError, "seed must not be negative"),
    ({"seed": 1.5}, TypeError, "seed must be"),
    ({"mp_cpus": -1}, ValueError, "mp_cpus must not be negative"),
    ({"mp_cpus": 1.5}, TypeError, "mp_cpus must be an integer"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_CALLS)
def test_bad_arguments_are_named_by_every_call(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    tr = runner()
    calls: list[Any] = [tr.get_one_trial, tr.get_one_fit]
    if "TRUTH" not in arguments:
        calls.append(lambda **kw: tr.get_many_fits(2, **kw))
    for call in calls:
        with pytest.raises(error, match=message):
            call(**arguments)


@pytest.mark.parametrize(
    ("n_trials", "error"), [(0, ValueError), (-5, ValueError), (2.5, TypeError), (True, TypeError), (None, TypeError)]
)
def test_a_batch_needs_a_whole_number_of_trials(n_trials: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="n_trials"):
        runner().get_many_fits(n_trials)


def test_conversions_refuse_what_is_ambiguous() -> None:
    tr = runner()
    with pytest.raises(ValueError, match=r"gamma=7\.0 is outside the nodes"):
        tr.to_E2dNdE(20, gamma=7)
    with pytest.raises(TypeError, match="not both"):
        tr.to_ns(1e-11, gamma=2, flux=cy.hyp.PowerLawFlux(2))
    with pytest.raises(TypeError, match="must be a flux"):
        tr.get_acc_total(flux=2.0)
    with pytest.raises(TypeError, match="unknown argument 'dec'"):
        tr.get_acc_total(gamma=2, dec=0.1)


def test_sources_it_cannot_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="holds 2 sources"):
        TrialRunner(analysis=one_season(), src=cy.sources([1.0, 2.0], 0.0))
    with pytest.raises(ValueError, match="time window"):
        runner(src=cy.sources(1.0, 0.0, mjd=57000.0, t_100=1.0))
    with pytest.raises(TypeError, match=r"must come from nusky\.sources"):
        runner(src=(1.0, 0.0))  # type: ignore[arg-type]


def test_a_trial_of_another_analysis_is_refused() -> None:
    trial = runner(two_seasons()).get_one_trial(seed=1)
    with pytest.raises(ValueError, match="has 2 seasons, the analysis 1"):
        runner().get_one_fit_from_trial(trial)


def test_an_analysis_without_simulation_fits_but_does_not_inject() -> None:
    tr = runner(Analysis([one_season()[0].without_sim()]))
    assert tr.get_one_fit(seed=1).status in (Status.OK, Status.NO_EXCESS)
    with pytest.raises(ValueError, match="load_sig=True to inject"):
        tr.get_one_fit(3, seed=1)


def test_ctrl_c_in_a_batch_keeps_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    tr = runner()
    whole = tr.get_many_fits(2000, seed=1)

    def interrupted(self: Progress, done: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "update", interrupted)
    with pytest.raises(InterruptedBatch) as caught:
        tr.get_many_fits(2000, seed=1, mp_cpus=1, logging=True)
    n = len(caught.value.partial)
    assert 0 < n < 2000
    assert same(caught.value.partial, whole[:n])
    assert caught.value.indices.tolist() == list(range(n))


def test_a_real_ctrl_c_ends_the_loop_in_the_core() -> None:
    tr = runner()
    tr.get_many_fits(4, seed=1)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(InterruptedBatch) as caught:
        tr.get_many_fits(5_000_000, seed=1)
    assert same(caught.value.partial[:100], tr.get_many_fits(100, seed=1))


def test_every_trial_is_a_function_of_seed_and_number_alone() -> None:
    tr = runner()
    numbers = np.array([7, 2**40, 0, 1, 2, 3, 4, 9, 8, 5, 2**62, 7])
    for n_sig, poisson in ((0, False), (3, False), (2.5, True)):
        rows = tr.fit_trials(numbers, n_sig, poisson, seed=5, n_threads=2)
        for i, j in enumerate(numbers.tolist()):
            assert same(tr.fit_trials([j], n_sig, poisson, seed=5), rows[i : i + 1])
            fit = tr.get_one_fit_from_trial(tr.draw_trial(5, j, n_sig, poisson))
            assert (fit.ts, fit.ns) == (rows["ts"][i], rows["ns"][i])
    assert len(np.unique(tr.get_many_fits(200, 3, seed=5).ts)) == 200


def test_the_loop_fits_what_the_scan_of_the_drawn_events_finds() -> None:
    tr = runner()
    for j in range(6):
        trial = tr.draw_trial(3, j, 4, True)
        row = tr.fit_trials([j], 4, True, seed=3)
        direct = tr._best(tr.index_trial(trial, 1), 1)  # through the index of all events
        assert row["ts"][0] == pytest.approx(float(direct["ts"][0]), abs=2e-4)
        assert row["ns"][0] == pytest.approx(float(direct["ns"][0]), abs=2e-3)
