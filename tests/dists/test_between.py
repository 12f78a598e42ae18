from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from made_trials import half_chi2
from nusky.dists import TSD, Chi2TSD, read_tsd, ts_to_p, ts_to_p_error
from nusky.dists.binned_tsd import BinnedTSD


@pytest.mark.filterwarnings("ignore:p is interpolated between:UserWarning")
def test_log_p_is_interpolated_linearly_between_declinations_and_exact_on_them() -> None:
    bgs = {d: Chi2TSD(half_chi2(3000, 1 + d / 100, seed=d)) for d in (10, 30, 60)}
    ts = np.array([0.0, 1.5, 40.0])
    np.testing.assert_allclose(ts_to_p(bgs, 30, ts), bgs[30].p_values(ts), rtol=1e-12)
    np.testing.assert_allclose(ts_to_p(bgs, 60, ts), bgs[60].p_values(ts), rtol=1e-12)
    mid = np.sqrt(bgs[10].p_values(ts) * bgs[30].p_values(ts))
    np.testing.assert_allclose(ts_to_p(bgs, [20, 20, 20], ts), mid, rtol=1e-12)
    assert ts_to_p(bgs, np.full((2, 3), 15.0), ts).shape == (2, 3)
    assert ts_to_p(bgs, 20, 0.0) == 1


def test_a_declination_without_trials_is_never_replaced_by_its_neighbour() -> None:
    bgs = {-10: TSD([1.0]), 10: TSD([1.0])}
    with pytest.raises(ValueError, match=r"dec = 11 lies outside .* -10 … 10 .*and 2 values do"):
        ts_to_p(bgs, [0, 11, 12], 1.0)
    with pytest.raises(ValueError, match="bgs is empty"):
        ts_to_p({}, 0, 1.0)
    assert float(ts_to_p({5: TSD([1.0])}, 5, 0.5)) == 1.0


@pytest.mark.parametrize("unit", [1.0, np.pi / 180])
def test_p_between_distant_declinations_warns_once_and_names_their_distance(unit: float) -> None:
    bgs = {d * unit: TSD([1.0] * 3, n_zero=7) for d in (0.0, 0.4, 21.65, 80.0, 90.0)}  # beyond pi/2: degrees
    with pytest.warns(
        UserWarning, match=r"up to 21\.2 deg apart.*wrong by more than 25 % .*0\.5 deg apart \(6 %\)"
    ) as said:
        ts_to_p(bgs, np.array([10.0, 0.2, 21.0]) * unit, 0.5)
    assert len(said) == 1
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match=r"up to 1 deg apart.*wrong by 10 %"):
        ts_to_p({d * unit: TSD([1.0] * 3, n_zero=7) for d in (80.0, 81.0, 90.0)}, 80.5 * unit, 0.5)
    # silent (warnings are errors here): close nodes, close to a node, on it, and TS = 0 where p is 1
    ts_to_p(bgs, np.array([0.2, 0.6, 21.45, 80.0, 90.0]) * unit, 0.5)
    ts_to_p(bgs, 40.0 * unit, 0.0)
    ts_to_p({5.0 * unit: TSD([1.0])}, 5.0 * unit, 0.5)


@pytest.mark.parametrize("apart", [0.35, 0.9])
def test_the_error_between_declinations_covers_structure_that_the_nodes_see(apart: float) -> None:
    def p(dec: np.ndarray | float) -> np.ndarray:
        return 0.03 * np.exp(0.3 * np.sin(np.asarray(dec) * 2 * np.pi / apart))  # bumps so many deg apart

    n = 100_000
    rng = np.random.default_rng(1)
    nodes = np.arange(10.0, 15.0, 0.25)
    bgs = {d: TSD([1.0] * int(k), n_zero=n - int(k)) for d, k in zip(nodes, rng.binomial(n, p(nodes)), strict=True)}
    dec = np.linspace(10.0, 14.7, 400)
    pulls = np.log(ts_to_p(bgs, dec, 0.5) / p(dec)) / ts_to_p_error(bgs, dec, 0.5)
    assert 0.2 < np.sqrt(np.mean(pulls**2)) < 1.3
    at_nodes = ts_to_p_error(bgs, nodes[1:-1], 0.5)
    np.testing.assert_allclose(at_nodes, np.sqrt((1 - p(nodes)) / (n * p(nodes)))[1:-1], rtol=0.05)
    assert (ts_to_p_error(bgs, nodes[1:-1] + 0.125, 0.5) > 3 * at_nodes).mean() > 0.5
    assert ts_to_p_error(bgs, 12.1, 0.0) == 0.0
    assert ts_to_p_error({5.0: TSD([1.0], n_zero=99)}, 5.0, 0.5) == pytest.approx(0.0099499 / 0.0198, rel=1e-3)
    two = {5.0: TSD([1.0] * 10, n_zero=990), 7.0: TSD([1.0] * 40, n_zero=960)}
    assert ts_to_p_error(two, 6.0, 0.5) > 1.0


@pytest.mark.parametrize("kind", [TSD, Chi2TSD, BinnedTSD])
def test_a_distribution_says_what_its_trials_were_made_with_also_when_read_back(kind: Any, tmp_path: Path) -> None:
    from nusky.trial.trial_set import TrialSet

    rows = np.zeros(40, dtype=[("ts", float)])
    rows["ts"][:25] = np.linspace(0.1, 9.0, 25)
    config = {"priors": [{"weight": 2.0, "zero": "exclude"}], "gamma": None}
    trials = TrialSet.of(
        rows.view(np.recarray), seed=1, first_trial=0, n_sig=0, poisson=False, config_hash="abc", config=config
    )
    made = kind(trials)
    assert made.config == config
    assert kind(rows["ts"]).config == {}
    made.save(tmp_path / "tsd.npz")
    back = read_tsd(tmp_path / "tsd.npz")
    assert back.config == config
    assert back.n_total == 40


def test_distributions_of_other_configurations_are_not_merged_and_the_key_is_named() -> None:
    parts = [BinnedTSD([1.0]), BinnedTSD([2.0])]
    for part, weight in zip(parts, (1.0, 2.0), strict=True):
        part.config = {"prior_weight": weight, "nside": 64}
    with pytest.raises(ValueError, match=r"parts\[1\].*\(prior_weight\)"):
        BinnedTSD.merged(parts)
    parts[1].config = dict(parts[0].config)
    assert BinnedTSD.merged(parts).config == parts[0].config


def test_what_is_no_distribution_or_no_declination_is_named() -> None:
    with pytest.raises(TypeError, match=r"bgs\[10\.0\] is a ndarray: give distributions, TSD\(values\)"):
        ts_to_p({0.0: TSD([1.0]), 10.0: np.ones(3)}, 5.0, 1.0)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="dec holds NaN at 1: a declination must be a number"):
        ts_to_p({0.0: TSD([1.0]), 10.0: TSD([1.0])}, [5.0, np.nan], 1.0)
