"""Trials: what they hold, how they unpack, and events of one's own."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nusky.events import Events
from nusky.trial.trial import Scramble, SpatialPriorTrial, Trial, as_trial, likelihood_events


def season(n: int = 50) -> Any:
    rng = np.random.default_rng(1)
    dec = np.arcsin(2 * rng.random(n) - 1)
    columns = {
        "ra": 2 * np.pi * rng.random(n),
        "dec": dec,
        "sindec": np.sin(dec),
        "sigma": np.full(n, 0.01),
        "log10energy": rng.uniform(2, 5, n),
        "mjd": np.arange(n) + 57000.0,
    }
    return SimpleNamespace(data=Events(columns))


def injected(n: int = 3) -> Events:
    columns: dict[str, Any] = {name: np.full(n, 0.1) for name in ("dec", "log10energy", "ra", "sigma", "sindec")}
    columns |= {"energy": np.full(n, 10**0.1), "idx": np.arange(n), "inj": np.ones(n, dtype=int)}
    return Events(columns)


def make(cls: type[Trial] = Trial, **more: Any) -> Any:
    where = season()
    return cls((Scramble(where, np.linspace(0, 6, 50)),), (injected(),), (0,), seed=1, index=0, **more)


def test_the_repr_is_that_of_the_tutorial() -> None:
    trial = make(SpatialPriorTrial, ra=np.array([2.96978681]), dec=np.array([0.01041686]))
    columns = "columns: dec, energy, idx, inj, log10energy, ra, sigma, sindec"
    assert repr(trial) == (
        f"SpatialPriorTrial(evss=[[Events(50 items | {columns}), Events(3 items | {columns})]], n_exs=[0], "
        "ra=array([2.96978681]), dec=array([0.01041686]))"
    )
    assert repr(make()).startswith("Trial(evss=[[Events(50 items")


def test_background_events_have_new_right_ascensions_and_nothing_else_new() -> None:
    trial = make()
    background, signal = trial.evss[0]
    data = trial.background[0].season.data
    np.testing.assert_array_equal(background.ra, np.linspace(0, 6, 50))
    for name in ("dec", "sigma", "sindec", "log10energy"):
        np.testing.assert_array_equal(background[name], data[name])
    np.testing.assert_allclose(np.log10(background.energy), data.log10energy)
    assert background.inj.sum() == 0
    assert background.idx.tolist() == list(range(50))
    assert len(signal) == 3
    assert trial.n_events == (53,)
    assert trial.n_injected == 3


def test_trials_unpack_as_cskys_do() -> None:
    evss, n_exs = make()
    assert len(evss[0]) == 2
    assert n_exs == (0,)
    evss, n_exs, ra, dec = make(SpatialPriorTrial, ra=np.array([1.0]), dec=np.array([0.5]))
    assert (ra[0], dec[0]) == (1.0, 0.5)


def test_without_signal_a_season_has_background_only() -> None:
    trial = Trial((Scramble(season(), np.zeros(50)),), (None,), (0,))
    assert len(trial.evss[0]) == 1
    assert trial.n_injected == 0


def test_a_trial_is_immutable_but_its_events_can_be_edited_for_a_fit() -> None:
    trial = make()
    with pytest.raises(AttributeError):
        trial.seed = 2
    with pytest.raises(ValueError, match="read-only"):
        trial.evss[0][0].ra[0] = 1.0
    assert as_trial(trial, 1).background[0] is trial.background[0]
    trial[0][0][1]["energy"] = np.full(3, 1e5)
    edited = as_trial(trial, 1)
    assert edited.injected[0].log10energy.tolist() == [5.0] * 3
    assert edited.background[0] is trial.background[0]
    assert edited.seed == trial.seed
    trial.evss[0][0] = trial.evss[0][0][:10]
    trial.evss[0].append(trial.evss[0][1][:1])
    assert as_trial(trial, 1).n_events == (14,)
    trial.evss[0].clear()
    with pytest.raises(ValueError, match=r"evss\[0\] is empty"):
        as_trial(trial, 1)


def test_trials_can_be_pickled() -> None:
    again = pickle.loads(pickle.dumps(make()))
    np.testing.assert_array_equal(again.evss[0][0].ra, make().evss[0][0].ra)


def test_events_of_ones_own_make_a_trial() -> None:
    own = Events({"ra": [1.0, 2.0], "dec": [0.1, 0.2], "sigma": [0.01, 0.02], "energy": [1e3, 1e4]})
    trial = Trial.from_events([[own], [own, own[:1]]], n_exs=[10, 0])
    assert trial.n_events == (12, 3)
    assert trial.evss[0][0].log10energy.tolist() == [3.0, 4.0]
    np.testing.assert_allclose(trial.evss[0][0].sindec, np.sin([0.1, 0.2]))
    assert trial.seed is None


def test_cskys_tuple_is_accepted_where_a_trial_is() -> None:
    own = Events({"ra": [1.0], "dec": [0.1], "sigma": [0.01], "log10energy": [3.0]})
    assert as_trial(([[own]], [5]), 1).n_events == (6,)
    trial = make()
    assert as_trial(trial, 1) is trial
    with pytest.raises(ValueError, match="has 1 seasons, the analysis 2"):
        as_trial(trial, 2)
    for nothing in (5, [1, 2], ([own], 0), (None, None), "ab"):
        with pytest.raises(TypeError, match="must be"):
            as_trial(nothing, 1)


GOOD = {"ra": [1.0, 2.0], "dec": [0.1, 0.2], "sigma": [0.01, 0.02], "log10energy": [3.0, 4.0]}
BAD = [
    ("ra", [1.0, np.nan], r"mine: ra\[1\] = nan"),
    ("ra", [1.0, 7.0], r"mine: ra\[1\] = 7.0"),
    ("dec", [0.1, -2.0], r"mine: dec\[1\] = -2.0"),
    ("sigma", [0.0, 0.1], r"mine: sigma\[0\] = 0.0"),
    ("log10energy", [3.0, np.inf], r"mine: log10energy\[1\] = inf"),
]


@pytest.mark.parametrize(("name", "values", "message"), BAD)
def test_impossible_events_are_named(name: str, values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        likelihood_events(Events(GOOD | {name: values}), "mine")


def test_missing_columns_are_named() -> None:
    with pytest.raises(ValueError, match="no column sigma, log10energy; it has dec, ra"):
        likelihood_events(Events({"ra": [1.0], "dec": [0.1]}), "mine")
    with pytest.raises(TypeError, match="must be Events"):
        likelihood_events(5, "mine")  # type: ignore[arg-type]


def test_wrong_nesting_and_counts_are_named() -> None:
    own = Events(GOOD)
    with pytest.raises(ValueError, match=r"evss\[0\] must be \[background\]"):
        Trial.from_events([own])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="evss is empty"):
        Trial.from_events([])
    with pytest.raises(ValueError, match="one number ≥ 0 for each of the 1 seasons"):
        Trial.from_events([[own]], n_exs=[1, 2])
    with pytest.raises(ValueError, match="one number ≥ 0"):
        Trial.from_events([[own]], n_exs=[-1])
