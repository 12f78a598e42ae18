"""`TrialSet`: a table that knows how it was made."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from nusky.trial.trial_set import TrialSet


def make() -> TrialSet:
    rows = np.zeros(5, dtype=[("ts", "f8"), ("ns", "f8")])
    rows["ts"] = np.arange(5)
    about = {"seed": 7, "first_trial": 10, "n_sig": 2.0, "poisson": True}
    return TrialSet.of(rows, **about, config_hash="abc", config={"runner": "mine"})  # type: ignore[arg-type]


def test_columns_are_items_and_attributes() -> None:
    trials = make()
    assert trials.ts.tolist() == trials["ts"].tolist() == [0, 1, 2, 3, 4]
    assert trials[3].ts == 3
    assert np.asarray(trials).dtype.names == ("ts", "ns")
    assert len(trials) == 5


def test_a_part_of_it_keeps_seed_and_configuration() -> None:
    part = make()[make().ts > 2]
    assert (part.seed, part.n_sig, part.poisson, part.config_hash) == (7, 2.0, True, "abc")
    assert part.config == {"runner": "mine"}
    assert part.first_trial is None
    assert make().first_trial == make().copy().first_trial == 10


def test_it_becomes_a_dataframe_that_knows_as_much() -> None:
    frame = make().as_dataframe
    assert frame["ts"].tolist() == [0, 1, 2, 3, 4]
    about = {"seed": 7, "first_trial": 10, "n_sig": 2.0, "poisson": True}
    assert frame.attrs == {**about, "config_hash": "abc", "config": {"runner": "mine"}}


def test_it_is_saved_as_the_plain_array_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "trials.npy", make())
    again = np.load(tmp_path / "trials.npy", allow_pickle=False)
    assert again["ts"].tolist() == [0, 1, 2, 3, 4]


def test_it_comes_back_from_its_file_with_what_it_was_made_with(tmp_path: Path) -> None:
    trials = make()
    trials.ns[2] = np.nan
    trials.save(tmp_path / "trials.npz")
    again = TrialSet.read(tmp_path / "trials.npz")
    assert again.tobytes() == trials.tobytes()
    assert again.dtype == trials.dtype
    assert (again.seed, again.first_trial, again.n_sig, again.poisson) == (7, 10, 2.0, True)
    assert (again.config, again.config_hash) == ({"runner": "mine"}, "abc")
    trials[:0].save(tmp_path / "none.npz")
    assert TrialSet.read(tmp_path / "none.npz").dtype.names == ("ts", "ns")
    (tmp_path / "trials.npz").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"trials\.npz is damaged or something else"):
        TrialSet.read(tmp_path / "trials.npz")


def test_columns_can_be_added_and_travel_with_the_rows(tmp_path: Path) -> None:
    trials = make()
    trials["ntrue"] = 3
    trials.p = np.linspace(0, 1, 5)
    assert trials[1:3].as_array.dtype.names == ("ts", "ns", "ntrue", "p")
    assert trials.as_dataframe["ntrue"].tolist() == [3] * 5
    assert pickle.loads(pickle.dumps(trials)).config == {"runner": "mine"}
    both = TrialSet.concatenate([trials, trials])
    assert (len(both), both.seed) == (10, None)
    with pytest.raises(ValueError, match=r"column 'q' has shape \(2,\); the table has 5 rows"):
        trials["q"] = [1, 2]
    with pytest.raises(ValueError, match="keys do not match: part 1 and part 0 differ in ntrue, p"):
        TrialSet.concatenate([trials, make()])
    with pytest.raises(AttributeError, match="no column 'gamma'; columns: ts, ns"):
        _ = make().gamma
    with pytest.raises(IndexError, match="mask of shape"):
        trials[np.ones(4, dtype=bool)]


def test_no_file_has_ts_under_the_name_of_a_p_value(tmp_path: Path) -> None:
    rows = np.zeros(3, dtype=[("mlog10p", "f8"), ("ts", "f8"), ("ns", "f8")])
    rows["ts"] = rows["mlog10p"] = [0.0, 2.0, 5.0]
    about = {"seed": 1, "first_trial": 0, "n_sig": 0.0, "poisson": False, "config_hash": ""}
    TrialSet.of(rows, **about, config={"mlog10p_is_ts": True}).save(tmp_path / "ts.npz")
    with np.load(tmp_path / "ts.npz") as stored:
        assert "mlog10p" not in stored
    read = TrialSet.read(tmp_path / "ts.npz")
    assert read.keys() == ("mlog10p", "ts", "ns")
    np.testing.assert_array_equal(read["mlog10p"], rows["ts"])
    TrialSet.of(rows, **about, config={"mlog10p_is_ts": False}).save(tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz") as stored:
        assert "mlog10p" in stored
