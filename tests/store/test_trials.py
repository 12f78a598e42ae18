from __future__ import annotations

import inspect
import logging
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from made_trials import CONFIG, DTYPE, damage, same, trials
from nusky.files.identity import differences
from nusky.store.block import Block
from nusky.store.trials import TrialStore


def test_what_was_appended_is_read_back_in_order_with_its_origin(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(100, 150), seed=1, start=100)
    store.append(trials(0, 100), seed=1, start=0)
    store.append(trials(0, 10), seed=1, start=500, n_sig=4.5, poisson=True)
    for s in (store, TrialStore(tmp_path / "s"), TrialStore(tmp_path / "s", CONFIG)):
        background = s.read(n_sig=0)
        assert same(background, trials(0, 150))
        assert background["trial"].tolist() == list(range(150))
        assert set(background["seed"]) == {1}
        assert s.n_sigs == (0.0, 4.5)
        assert len(s) == 160
        assert s.count(n_sig=4.5, poisson=True) == 10
        assert s.count(n_sig=4.5, poisson=False) == 0
        assert s.next_index(1) == 510
        assert s.next_index(2) == 0
        assert s.read_by_n_sig()[4.5]["ts"].tolist() == trials(0, 10)["ts"].tolist()
        assert s.read(columns=["ns", "trial"], n_sig=0).dtype.names == ("ns", "trial")
    with pytest.raises(KeyError, match="column 'energy' is not in the store: it has ts"):
        store.read(columns=["energy"])


def test_a_dataframe_has_a_row_a_trial(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is an optional dependency")
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 20), seed=3, start=0)
    frame = store.as_dataframe(n_sig=0)
    assert list(frame.columns) == ["ts", "ns", "gamma", "trial", "seed", "n_sig"]
    assert frame["trial"].tolist() == list(range(20))


def test_another_configuration_is_refused_and_every_differing_key_named(tmp_path: Path) -> None:
    TrialStore(tmp_path / "s", CONFIG)
    other = {"analysis": "abc", "prior": {"weight": 1.0, "zero": "exclude"}, "pixels": [1, 3], "gamma": 2}
    with pytest.raises(ValueError, match=r"prior\.weight: stored 2\.0, given 1\.0") as e:
        TrialStore(tmp_path / "s", other)
    assert "config.pixels[1]: stored 2, given 3" in str(e.value)
    assert "config.gamma: only given, 2" in str(e.value)
    assert "analysis" not in str(e.value)


def test_trials_of_another_version_of_the_code_are_refused_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    TrialStore(tmp_path / "s", CONFIG).append(trials(0, 5), seed=1, start=0)
    monkeypatch.setattr("nusky.store.trials.code_version", lambda: "99.0")
    with pytest.raises(ValueError, match=r"version: stored .*, given \"99.0\""):
        TrialStore(tmp_path / "s", CONFIG)
    assert len(TrialStore(tmp_path / "s", CONFIG, mix_versions=True)) == 5


def test_differences_are_found_at_any_depth() -> None:
    assert differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == ["a[1].b: stored 2, given 3"]
    assert differences({"a": float("nan")}, {"a": float("nan")}) == []
    assert len(differences({"a": [1]}, {"a": [1, 2]})) == 1


def test_an_overlapping_range_is_refused_and_both_blocks_named(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 100), seed=1, start=0)
    with pytest.raises(ValueError, match=r"trials 50:60 overlap the shard .*trials 0:100.*take trials from 100"):
        store.append(trials(50, 60), seed=1, start=50)
    other = TrialStore(tmp_path / "s")
    other.append(trials(100, 110), seed=1, start=100)
    with pytest.raises(ValueError, match="overlap"):  # what another process added meanwhile counts, too
        store.append(trials(105, 120), seed=1, start=105)
    store.append(trials(50, 60), seed=2, start=50)
    store.append(trials(50, 60), seed=1, start=50, n_sig=3)
    assert len(store) == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1, "start": 0}, "seed = -1"),
        ({"seed": 1, "start": 0.5}, "start = 0.5 must be an integer"),
        ({"seed": 1, "start": 0, "n_sig": float("nan")}, "n_sig = nan"),
        ({"seed": 1, "start": 0, "n_sig": -2}, "n_sig = -2"),
    ],
)
def test_bad_arguments_are_refused_by_name(tmp_path: Path, arguments: dict, message: str) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    with pytest.raises((ValueError, TypeError), match=message):
        store.append(trials(0, 3), **arguments)
    assert len(TrialStore(tmp_path / "s")) == 0


def test_columns_must_be_numbers_and_stay_the_same(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    with pytest.raises(ValueError, match="structured array"):
        store.append(np.zeros(3), seed=1, start=0)
    with pytest.raises(ValueError, match="column 'name'"):
        store.append(np.zeros(1, dtype=[("name", "U3")]), seed=1, start=0)
    store.append(trials(0, 3), seed=1, start=0)
    with pytest.raises(ValueError, match="the store has the columns ts"):
        store.append(np.zeros(1, dtype=[("ts", "f8")]), seed=1, start=3)


def test_what_could_not_be_read_back_is_refused_before_a_file_is_written(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    last = 2**64 - 1
    store.append(trials(0, 3), seed=last, start=0)
    assert TrialStore(tmp_path / "s").read(seed=last)["seed"].tolist() == [last] * 3
    with pytest.raises(ValueError, match=r"seed = 18446744073709551616 must .* be less than 2\*\*64"):
        store.append(trials(0, 3), seed=last + 1, start=0)
    for value in (np.nan, np.inf):
        rows = trials(10, 13)
        rows["ts"][1] = value
        with pytest.raises(ValueError, match=f"ts of trial 11 is {value}: a trial without a finite TS is no trial"):
            store.append(rows, seed=1, start=10)
    assert len(store) == 3
    with pytest.raises(TypeError, match=r"config must be what JSON can hold.*ndarray"):
        TrialStore(tmp_path / "other", {"nodes": np.zeros(3)})
    assert not (tmp_path / "other").exists()


def test_missing_ranges_are_what_a_resumed_job_has_to_make(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    assert store.missing(seed=1, start=0, stop=10) == [(0, 10)]
    for a, z in ((10, 20), (30, 40)):
        store.append(trials(a, z), seed=1, start=a)
    assert store.missing(seed=1, start=0, stop=50) == [(0, 10), (20, 30), (40, 50)]
    assert store.missing(seed=1, start=12, stop=35) == [(20, 30)]
    assert store.missing(seed=1, start=10, stop=20) == []
    assert store.missing(seed=1, start=15, stop=17) == []
    assert store.missing(seed=1, start=0, stop=20, n_sig=2) == [(0, 20)]


def test_a_damaged_shard_is_named_skipped_reported_and_can_be_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    for a in (0, 10, 20):
        store.append(trials(a, a + 10), seed=1, start=a)
    victim = Block(0.0, False, 1, 10, 20).file_name
    damage(tmp_path / "s" / "shards" / victim)
    store = TrialStore(tmp_path / "s")
    with caplog.at_level(logging.WARNING, logger="nusky"):
        found = store.read(n_sig=0)
    assert found["trial"].tolist() == [*range(10), *range(20, 30)]
    assert same(found[10:], trials(20, 30))
    assert victim in caplog.text
    assert [p.shard for p in store.problems] == [victim]
    assert "1 unusable shards" in repr(store)
    assert store.missing(seed=1, start=0, stop=30) == [(10, 20)]
    store.append(trials(10, 20), seed=1, start=10)
    assert same(TrialStore(tmp_path / "s").read(n_sig=0), trials(0, 30))
    assert not store.problems


@pytest.mark.parametrize("how", ["a flipped byte", "gone", "garbage"])
def test_trials_made_again_in_other_portions_take_the_place_of_the_damaged_shard_for_good(
    tmp_path: Path, how: str
) -> None:
    TrialStore(tmp_path / "s", CONFIG).append(trials(0, 100), seed=1, start=0)
    (shard,) = (tmp_path / "s" / "shards").iterdir()
    if how == "gone":
        shard.unlink()
    elif how == "garbage":
        shard.write_bytes(b"garbage")
    else:
        damage(shard)
    store = TrialStore(tmp_path / "s")
    store.verify()
    store.append(trials(0, 64), seed=1, start=0)
    assert [p.shard for p in store.problems] == [shard.name]  # 64 … 99 are still to be made
    again = TrialStore(tmp_path / "s")
    assert again.missing(seed=1, start=0, stop=100) == [(64, 100)]
    again.append(trials(64, 100), seed=1, start=64)
    for opened in (again, TrialStore(tmp_path / "s")):
        assert same(opened.read(), trials(0, 100))
        assert opened.verify() == ()
        assert "unusable" not in repr(opened)
    assert shard.with_name(shard.name + ".damaged").exists() == (how != "gone")


def test_a_damaged_shard_beside_its_own_replacement_is_told_from_two_whole_ones(tmp_path: Path) -> None:
    # a store in which the damaged file could not be moved away, or came back from a backup
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 100), seed=1, start=0)
    (shard,) = (tmp_path / "s" / "shards").iterdir()
    damage(shard)
    store.verify()
    store.append(trials(0, 64), seed=1, start=0)
    shard.with_name(shard.name + ".damaged").rename(shard)
    assert same(TrialStore(tmp_path / "s").read(), trials(0, 64))


@pytest.mark.parametrize("how", ["truncated", "gone", "emptied"])
def test_a_truncated_or_vanished_shard_is_found_on_opening(tmp_path: Path, how: str) -> None:
    TrialStore(tmp_path / "s", CONFIG).append(trials(0, 1000), seed=1, start=0)
    (shard,) = (tmp_path / "s" / "shards").iterdir()
    if how == "gone":
        shard.unlink()
    else:
        os.truncate(shard, 0 if how == "emptied" else shard.stat().st_size // 2)
    store = TrialStore(tmp_path / "s")
    assert [p.shard for p in store.problems] == [shard.name]
    assert store.missing(seed=1, start=0, stop=1000) == [(0, 1000)]


def test_verify_reads_every_byte(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 1000), seed=1, start=0)
    assert store.verify() == ()
    (shard,) = (tmp_path / "s" / "shards").iterdir()
    damage(shard)
    assert [p.shard for p in store.verify()] == [shard.name]


def test_a_torn_or_lost_manifest_line_costs_nothing(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 10), seed=1, start=0)
    store.append(trials(10, 20), seed=1, start=10)
    manifest = tmp_path / "s" / "manifest.jsonl"
    whole = manifest.read_bytes()
    for cut in (len(whole) - 1, len(whole) - 100, whole.index(b"\n") + 1):
        manifest.write_bytes(whole[:cut])
        resumed = TrialStore(tmp_path / "s", CONFIG)
        assert same(resumed.read(), trials(0, 20))
        resumed.append(trials(20, 30), seed=1, start=20)
        assert same(TrialStore(tmp_path / "s").read(), trials(0, 30))
        (tmp_path / "s" / "shards" / Block(0.0, False, 1, 20, 30).file_name).unlink()


def test_a_foreign_shard_in_the_directory_is_not_mixed_in(tmp_path: Path) -> None:
    TrialStore(tmp_path / "a", CONFIG).append(trials(0, 10), seed=1, start=0)
    TrialStore(tmp_path / "b", {**CONFIG, "gamma": 2}).append(trials(10, 20), seed=1, start=10)
    (foreign,) = (tmp_path / "b" / "shards").iterdir()
    foreign.rename(tmp_path / "a" / "shards" / foreign.name)
    store = TrialStore(tmp_path / "a")
    assert len(store) == 10
    assert "gamma" in store.problems[0].reason


def test_a_directory_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no store there"):
        TrialStore(tmp_path / "none")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").write_text("dear to someone")
    with pytest.raises(ValueError, match="holds other files"):
        TrialStore(tmp_path / "x", CONFIG)
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "manifest.jsonl").write_text("hello\n")
    with pytest.raises(ValueError, match="does not begin with the identity"):
        TrialStore(tmp_path / "y")
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["thesis.tex"]


def test_two_writers_that_made_the_same_range_at_once_are_found_out(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 10), seed=1, start=0)
    # what a race would leave: a second shard, valid in itself, with an overlapping range
    TrialStore(tmp_path / "t", CONFIG).append(trials(5, 15), seed=1, start=5)
    (late,) = (tmp_path / "t" / "shards").iterdir()
    late.rename(tmp_path / "s" / "shards" / late.name)
    with pytest.raises(ValueError, match="hold the same trials"):
        TrialStore(tmp_path / "s").read()


# ---- the machine fails


WRITER = """
store = TrialStore(sys.argv[1], CONFIG)
for a, z in store.missing(seed=1, start=0, stop=int(sys.argv[2])):
    for i in range(a, z, 50):
        store.append(trials(i, min(i + 50, z)), seed=1, start=i)
        print(min(i + 50, z), flush=True)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_at_most_the_shard_in_work(tmp_path: Path) -> None:
    total = 20_000
    rng = random.Random(7)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, os.environ.get("PYTHONPATH", "")])}
    program = "import sys\nimport numpy as np\nfrom nusky.store.trials import TrialStore\n"
    program += f"DTYPE = {DTYPE}\nCONFIG = {CONFIG}\n{inspect.getsource(trials)}{WRITER}"
    command = [sys.executable, "-c", program, str(tmp_path / "s"), str(total)]
    promised = 0
    kills = 0
    for _ in range(10):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()  # it is at work
            time.sleep(rng.uniform(0.0, 0.05))
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split()
            writer.wait()
            kills += writer.returncode == -signal.SIGKILL
        said = [int(n) for n in [first, *rest] if n.strip().isdigit()]
        promised = max([promised, *said])
        found = TrialStore(tmp_path / "s").read()
        # all that was promised is there, nothing twice, nothing half: the kill cost the shard in work only
        assert len(found) >= promised
        assert same(found, trials(0, len(found)))
        assert TrialStore(tmp_path / "s").problems == ()
        if promised >= total:
            break
    assert kills >= 3
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert same(TrialStore(tmp_path / "s").read(), trials(0, total))


def test_a_disk_that_fills_up_leaves_the_store_as_it_was_and_names_the_file(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    store.append(trials(0, 100), seed=1, start=0)
    before = sorted(p.name for p in (tmp_path / "s" / "shards").iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # the kernel refuses to write more, as a full disk does
    try:
        with pytest.raises(OSError, match="was not written and nothing is left behind"):
            store.append(trials(100, 10_100), seed=1, start=100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert sorted(p.name for p in (tmp_path / "s" / "shards").iterdir()) == before
    assert same(store.read(), trials(0, 100))
    store.append(trials(100, 10_100), seed=1, start=100)
    assert same(TrialStore(tmp_path / "s").read(), trials(0, 10_100))


def test_temporary_files_of_the_dead_are_removed_those_of_the_living_are_not(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    dead, living = (store.path / "shards" / f".{n}.npz.part" for n in ("dead", "living"))
    dead.touch()
    living.touch()
    os.utime(dead, (0, 0))
    TrialStore(tmp_path / "s")
    assert not dead.exists()
    assert living.exists()


def test_ts_is_not_stored_as_a_p_value_and_is_there_when_read(tmp_path: Path) -> None:
    rows = np.zeros(5, dtype=[("mlog10p", "f8"), ("ts", "f8"), ("ns", "f8")])
    rows["ts"] = rows["mlog10p"] = np.arange(5.0)
    store = TrialStore(tmp_path / "s", {"mlog10p_is_ts": True})
    store.append(rows[:3], seed=1, start=0)
    store.append(rows[3:], seed=1, start=3)
    for shard in (tmp_path / "s").rglob("*.npz"):
        with np.load(shard) as stored:
            assert "mlog10p" not in stored
    read = TrialStore(tmp_path / "s").read()
    assert read.dtype.names[:3] == ("mlog10p", "ts", "ns")
    np.testing.assert_array_equal(read["mlog10p"], rows["ts"])
    np.testing.assert_array_equal(store.read(columns=["mlog10p"])["mlog10p"], rows["ts"])
    found = store.read_range(seed=1, start=1, stop=4)
    assert found is not None
    np.testing.assert_array_equal(found, rows[1:4])
    store.export(tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as exported:
        assert "mlog10p" not in exported
        np.testing.assert_array_equal(exported["ts"], rows["ts"])
    with_p = TrialStore(tmp_path / "p", {"mlog10p_is_ts": False})
    with_p.append(rows, seed=1, start=0)
    assert with_p.read().dtype.names[0] == "mlog10p"
    assert any("mlog10p" in np.load(shard) for shard in (tmp_path / "p").rglob("*.npz"))
