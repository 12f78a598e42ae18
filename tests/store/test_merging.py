"""Many stores into one."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from made_trials import CONFIG, damage, same, trials
from nusky.store.merging import merge
from nusky.store.trials import TrialStore


def test_merged_stores_hold_the_union_in_few_shards_and_merging_twice_changes_nothing(tmp_path: Path) -> None:
    for job in range(4):
        store = TrialStore(tmp_path / f"job{job}", CONFIG)
        for a in range(job * 50, job * 50 + 50, 10):
            store.append(trials(a, a + 10), seed=1, start=a)
    store.append(trials(0, 5), seed=1, start=0, n_sig=2.5, poisson=True)
    jobs = [tmp_path / f"job{job}" for job in (2, 0, 3, 1)]
    merged = merge(tmp_path / "all", jobs)
    assert same(merged.read(n_sig=0), trials(0, 200))
    assert len(merged.blocks) == 2
    before = sorted((tmp_path / "all" / "shards").iterdir())
    assert len(merge(tmp_path / "all", jobs)) == 205
    assert sorted((tmp_path / "all" / "shards").iterdir()) == before


def test_a_merge_says_how_far_it_is_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = TrialStore(tmp_path / "job", CONFIG)
    for a in (0, 10):
        store.append(trials(a, a + 10), seed=1, start=a)
    merge(tmp_path / "all", [tmp_path / "job"], logging=True)
    assert capsys.readouterr().out.splitlines() == ["Merging 20 trials in 2 parts:", "2/2 parts complete."]
    merge(tmp_path / "all", [tmp_path / "job"])
    assert capsys.readouterr().out == ""


def test_a_merge_stops_where_trials_contradict_each_other_and_takes_equal_overlaps(tmp_path: Path) -> None:
    TrialStore(tmp_path / "a", CONFIG).append(trials(0, 10), seed=1, start=0)
    TrialStore(tmp_path / "same", CONFIG).append(trials(0, 10), seed=1, start=0)
    TrialStore(tmp_path / "other", CONFIG).append(trials(1, 11), seed=1, start=0)
    TrialStore(tmp_path / "shifted", CONFIG).append(trials(5, 15), seed=1, start=5)
    TrialStore(tmp_path / "config", {**CONFIG, "gamma": 2}).append(trials(10, 20), seed=1, start=10)
    assert len(merge(tmp_path / "m", [tmp_path / "a", tmp_path / "same"])) == 10
    with pytest.raises(ValueError, match="hold different results for"):
        merge(tmp_path / "m1", [tmp_path / "a", tmp_path / "other"])
    with pytest.raises(ValueError, match="hold different results for"):
        merge(tmp_path / "m", [tmp_path / "other"])
    merged = merge(tmp_path / "m2", [tmp_path / "a", tmp_path / "shifted"])
    assert [len(merged), merged.missing(seed=1, start=0, stop=15)] == [15, []], "equal where they overlap"
    np.testing.assert_array_equal(merged.read(n_sig=0)["ts"], trials(0, 15)["ts"])
    with pytest.raises(ValueError, match="gamma: only given, 2"):
        merge(tmp_path / "m3", [tmp_path / "a", tmp_path / "config"])
    with pytest.raises(ValueError, match="sources is empty"):
        merge(tmp_path / "m4", [])
    assert not (tmp_path / "m3").exists()


def test_a_merge_leaves_damaged_shards_out_and_names_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = TrialStore(tmp_path / "a", CONFIG)
    store.append(trials(0, 10), seed=1, start=0)
    store.append(trials(10, 20), seed=1, start=10)
    damage(tmp_path / "a" / "shards" / store.blocks[0].file_name)
    with caplog.at_level(logging.WARNING, logger="nusky"):
        merged = merge(tmp_path / "m", [tmp_path / "a"])
    assert merged.read()["trial"].tolist() == list(range(10, 20))
    assert store.blocks[0].file_name in caplog.text
