"""Kills writers at random moments, over and over: nothing may be lost but the piece in work.

    python bench/store/kill_store.py               # 500 kills, some minutes
    python bench/store/kill_store.py --kills 20    # a few

In turn a trial store that two processes fill and join, a scan library, a merge of stores and a merge of libraries get
SIGKILL; after each one all that had been acknowledged must be there, once, and equal to what was made.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nusky.files.identity import Identity
from nusky.store.library_merging import merge_libraries
from nusky.store.merging import merge
from nusky.store.scans import FORMAT, ScanLibrary
from nusky.store.sparse_scan import SparseScan, pack, unpack
from nusky.store.trials import TrialStore
from nusky.version import code_version

CONFIG = {"nside": 8, "benchmark": 1}
N_TRIALS, N_SCANS, N_PARTS = 4_000, 400, 12


def trials(start: int, stop: int) -> np.ndarray:
    """Trials whose content follows from their number."""
    rows = np.zeros(stop - start, dtype=[("ts", "f8"), ("ns", "f8")])
    rows["ts"] = np.sqrt(np.arange(start, stop))
    rows["ns"] = np.arange(start, stop) % 7
    return rows


def scan(number: int) -> SparseScan:
    """A scan whose content follows from its number."""
    pixel = np.arange(number % 50 + 1)
    return SparseScan.of(pixel, pixel + 1.0 + number, pixel + 0.5, np.full(len(pixel), 2.0))


def library_at(path: Path) -> ScanLibrary:
    """A library without a runner: its scans are made here."""
    from nusky.files.journal import Journal

    Journal(path, Identity(FORMAT, code_version(), CONFIG))
    return ScanLibrary(path)


def fill_store(path: Path, first: int) -> None:
    """Every second piece of three trials; each is said when it is on disk."""
    store = TrialStore(path, CONFIG)
    for start in range(3 * first, N_TRIALS, 6):
        stop = min(start + 3, N_TRIALS)
        if store.missing(seed=1, start=start, stop=stop):
            store.append(trials(start, stop), seed=1, start=start)
            print(start, stop, flush=True)


def fill_library(path: Path, _: int) -> None:
    """Pieces of three scans; each is said when it is on disk."""
    library = library_at(path)
    for a, z in library.missing(seed=1, start=0, stop=N_SCANS):
        for start in range(a, z, 3):
            stop = min(start + 3, z)
            arrays = pack([scan(k) for k in range(start, stop)])
            meta = {"seed": 1, "start": start, "stop": stop}
            library.journal.append(f"scans-seed1-{start:09d}-{stop:09d}.npz", arrays, meta)
            print(start, stop, flush=True)


def merge_stores(path: Path, _: int) -> None:
    """Join the parts beside it, again and again into a new place."""
    merge(path, sorted(path.parent.glob("trials-part*")))
    print(0, N_TRIALS, flush=True)


def merge_scans(path: Path, _: int) -> None:
    """The same for libraries."""
    merge_libraries(path, sorted(path.parent.glob("scans-part*")))
    print(0, N_SCANS, flush=True)


def check_store(path: Path, said: set[int]) -> int:
    """Number of trials, all of them right, and those said among them."""
    if not (path / "manifest.jsonl").exists():
        assert not said
        return 0
    store = TrialStore(path)
    rows = store.read(n_sig=0)
    assert store.problems == (), store.problems
    assert len(np.unique(rows["trial"])) == len(rows)
    assert said <= set(rows["trial"].tolist())
    expected = trials(0, N_TRIALS)[rows["trial"]]
    assert not len(rows) or all(np.array_equal(rows[name], expected[name]) for name in ("ts", "ns"))
    return len(rows)


def check_library(path: Path, said: set[int]) -> int:
    """Number of scans, all of them right, and those said among them."""
    if not (path / "manifest.jsonl").exists():
        assert not said
        return 0
    library = ScanLibrary(path)
    found = {stored.index: stored.scan for stored in library.scans()}
    assert library.problems == (), library.problems
    assert said <= found.keys()
    for number, stored in found.items():
        (expected,) = unpack(pack([scan(number)]))
        assert all(np.array_equal(getattr(stored, n), getattr(expected, n)) for n in ("pixel", "ts", "ns", "gamma"))
    return len(found)


WRITERS: dict[str, tuple[Callable[[Path, int], None], Callable[[Path, set[int]], int], int, int]] = {
    "store": (fill_store, check_store, 2, N_TRIALS),
    "library": (fill_library, check_library, 1, N_SCANS),
    "merge": (merge_stores, check_store, 1, N_TRIALS),
    "merge-library": (merge_scans, check_library, 1, N_SCANS),
}


def parts(where: Path) -> None:
    """What the merges join."""
    for i in range(N_PARTS):
        edges = np.linspace(0, N_TRIALS, N_PARTS + 1).astype(int)
        store = TrialStore(where / f"trials-part{i}", CONFIG)
        for start in range(int(edges[i]), int(edges[i + 1]), 40):
            stop = min(start + 40, int(edges[i + 1]))
            store.append(trials(start, stop), seed=1, start=start)
        library = library_at(where / f"scans-part{i}")
        edges = np.linspace(0, N_SCANS, N_PARTS + 1).astype(int)
        for start in range(int(edges[i]), int(edges[i + 1]), 4):
            stop = min(start + 4, int(edges[i + 1]))
            arrays = pack([scan(k) for k in range(start, stop)])
            name = f"scans-seed1-{start:09d}-{stop:09d}.npz"
            library.journal.append(name, arrays, {"seed": 1, "start": start, "stop": stop})


def start_writer(kind: str, path: Path, first: int) -> tuple[int, int]:
    """A process that writes, forked from this one, which has used no threads; its id and what it says."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.dup2(writing, 1)
    sys.stdout = os.fdopen(1, "w")
    WRITERS[kind][0](path, first)
    os._exit(0)


def kill_writers(kind: str, path: Path, said: set[int], rng: random.Random) -> int:
    """Start them, kill them at a random moment; how many were killed at work. Takes down what they had said."""
    writers = [start_writer(kind, path, i) for i in range(WRITERS[kind][2])]
    time.sleep(rng.uniform(0.0, 0.2))
    killed = 0
    for pid, _ in writers:
        os.kill(pid, signal.SIGKILL)
    for pid, reading in writers:
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL), f"{kind}: {status}"
        killed += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        with os.fdopen(reading) as lines:
            for line in lines:
                start, space, stop = line.partition(" ")
                if space and line.endswith("\n"):
                    said.update(range(int(start), int(stop)))
    return killed


def main(argv: Any = None) -> int:
    """Kill as often as asked; the number of kills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    rng = random.Random(args.seed)
    where = Path(tempfile.mkdtemp(prefix="nusky-kill-"))
    killed = dict.fromkeys(WRITERS, 0)
    rounds = dict.fromkeys(WRITERS, 0)
    said: dict[str, set[int]] = {kind: set() for kind in WRITERS}
    try:
        parts(where)
        while sum(killed.values()) < args.kills:
            for kind, (_, check, _, n_all) in WRITERS.items():
                path = where / kind
                killed[kind] += kill_writers(kind, path, said[kind], rng)
                if check(path, said[kind]) == n_all:  # full: begin anew
                    rounds[kind] += 1
                    said[kind].clear()
                    shutil.rmtree(path)
        for kind in WRITERS:
            print(
                f"{kind:<14} {killed[kind]:>4d} kills at work, filled {rounds[kind]} times, nothing lost, nothing wrong"
            )
    finally:
        shutil.rmtree(where)
    return sum(killed.values())


if __name__ == "__main__":
    main()
