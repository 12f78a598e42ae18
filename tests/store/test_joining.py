"""Small shards become large ones in passing, whatever happens in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from made_trials import CONFIG, same, trials
from nusky.store.block import Block, BlockSets
from nusky.store.joining import full_windows, parts_to_join
from nusky.store.trials import TrialStore


def files(store: Path) -> list[str]:
    return sorted(p.name for p in (store / "shards").iterdir())


def test_a_store_filled_trial_by_trial_in_any_order_ends_in_few_shards(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    reader = TrialStore(tmp_path / "s", CONFIG)
    order = list(range(0, 400, 5))
    random.Random(1).shuffle(order)
    for i, a in enumerate(order):
        store.append(trials(a, a + 5), seed=1, start=a)
        if i == 70:
            assert len(reader) == 0
            reader.refresh()
            before = reader.blocks
    assert [(b.start, b.stop) for b in store.blocks] == [(0, 100), (100, 200), (200, 300), (300, 400)]
    assert files(tmp_path / "s") == [b.file_name for b in store.blocks]
    for s in (store, TrialStore(tmp_path / "s")):
        assert same(s.read(n_sig=0), trials(0, 400))
        assert s.problems == ()
    # one that had been opened before finds the trials where they are now
    assert len(before) > 4
    assert same(reader.read_range(seed=1, start=3, stop=390), trials(3, 390))
    reader.refresh()
    assert same(reader.read(n_sig=0), trials(0, 400))
    assert reader.problems == ()


def test_windows_are_joined_again_into_larger_ones(tmp_path: Path) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    for a in range(0, 10_000, 200):
        store.append(trials(a, a + 200), seed=1, start=a)
    assert [(b.start, b.stop) for b in store.blocks] == [(0, 10_000)]
    assert TrialStore(tmp_path / "s").missing(seed=1, start=0, stop=10_001) == [(10_000, 10_001)]
    assert same(TrialStore(tmp_path / "s").read(n_sig=0), trials(0, 10_000))


def test_only_full_windows_of_adjacent_blocks_are_joined() -> None:
    def blocks(*starts: int, width: int = 10, seed: int = 1) -> list[Block]:
        return [Block(0.0, False, seed, a, a + width) for a in starts]

    whole = blocks(*range(0, 100, 10))
    assert parts_to_join(BlockSets(whole), whole[-1]) == whole
    assert full_windows(whole, 100) == [whole]
    for missing in range(10):
        rest = whole[:missing] + whole[missing + 1 :]
        assert parts_to_join(BlockSets(rest), rest[0]) == [], missing
    few = blocks(0, 25, 50, 75, width=25)
    assert parts_to_join(BlockSets(few), few[0]) == []
    overlapping = sorted([*whole, Block(0.0, False, 1, 15, 17)])
    assert parts_to_join(BlockSets(overlapping), whole[0]) == []
    # across the edge of a window: the block that covers it belongs to the window it begins in
    shifted = blocks(*range(95, 205, 10))
    assert parts_to_join(BlockSets(shifted), shifted[0]) == shifted[1:]
    assert parts_to_join(BlockSets(shifted[1:]), shifted[1]) == []


def test_a_kill_between_joining_and_removing_leaves_every_trial_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr("os.unlink", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        for a in range(0, 90, 10):
            store.append(trials(a, a + 10), seed=1, start=a)
        with pytest.raises(KeyboardInterrupt):
            store.append(trials(90, 100), seed=1, start=90)
    assert len(files(tmp_path / "s")) == 11
    # the line of the joined shard may be lost, too
    manifest = tmp_path / "s" / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    for kept in (lines, lines[:-1]):
        manifest.write_bytes(b"".join(kept))
        assert same(TrialStore(tmp_path / "s").read(n_sig=0), trials(0, 100))
        assert len(files(tmp_path / "s")) == 11, "who only reads removes nothing"
    again = TrialStore(tmp_path / "s", CONFIG)
    assert files(tmp_path / "s") == [again.blocks[0].file_name]
    assert same(again.read(n_sig=0), trials(0, 100))


def test_the_parts_count_again_if_the_joined_shard_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TrialStore(tmp_path / "s", CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr("nusky.files.journal.Journal._unlink", lambda *_: None)
        for a in range(0, 100, 10):
            store.append(trials(a, a + 10), seed=1, start=a)
    joined = tmp_path / "s" / "shards" / store.blocks[0].file_name
    content = bytearray(joined.read_bytes())
    content[content.index(trials(0, 100)["ts"].tobytes()) + 3] ^= 0x10
    joined.write_bytes(content)
    again = TrialStore(tmp_path / "s", CONFIG)
    assert len(files(tmp_path / "s")) == 11, "nothing is removed that cannot be read elsewhere"
    again.refresh()
    assert same(again.read(n_sig=0), trials(0, 100))


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from made_trials import CONFIG, trials
from nusky.store.trials import TrialStore
store = TrialStore(sys.argv[1], CONFIG)
for a, z in store.missing(seed=1, start=0, stop=100_000):
    for start in range(a, z, 3):
        store.append(trials(start, min(start + 3, z)), seed=1, start=start)
        print(min(start + 3, z), flush=True)
"""


@pytest.mark.slow
def test_kill_9_while_shards_are_joined_loses_at_most_the_one_in_work(tmp_path: Path) -> None:
    rng = random.Random(4)
    acknowledged = 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "s"), str(Path(__file__).parents[1] / "helpers")],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.3))
            os.kill(writer.pid, signal.SIGKILL)
            said = writer.stdout.read().split()
        acknowledged = max([acknowledged, *(int(line) for line in said if line.isdigit())])
        store = TrialStore(tmp_path / "s")
        rows = store.read(n_sig=0)
        assert store.problems == ()
        assert len(rows) >= acknowledged - 3
        assert rows["trial"].tolist() == list(range(len(rows)))
        assert same(rows, trials(0, len(rows)))
    assert len(store.blocks) < len(rows) / 9, "and they were joined"
    np.testing.assert_array_equal(TrialStore(tmp_path / "s", CONFIG).read(n_sig=0)["ts"], rows["ts"])
