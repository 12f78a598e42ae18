"""What a store and a client bear at the size of a large cluster; nothing here needs one.

    python bench/cluster_scale.py                # all parts, some minutes
    python bench/cluster_scale.py store client   # some of them

`store`: appending to and opening a store of many shards. `merge`: joining what many jobs have left, twice. `client`:
a batch whose results come from 10 000 workers that exist on paper only, and that would all be busy with real trials.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from nusky.store.block import Block
from nusky.store.trials import TrialStore
from nusky.version import code_version

NAMES = ("mlog10p", "ts", "ns", "gamma", "ra", "dec")


def rows(n: int) -> np.ndarray:
    """Trials with the columns of a prior search."""
    made = np.zeros(n, dtype=[(name, "f8") for name in NAMES])
    made["ts"] = np.random.default_rng(1).chisquare(1, n)
    return made


def many_shards(where: Path, n: int) -> TrialStore:
    """A store of n shards of 10 trials with a gap after each, so that none can be joined: hard links to one file."""
    store = TrialStore(where, {"benchmark": 1})
    store.append(rows(10), seed=1, start=0)
    shards = where / "shards"
    entry = json.loads((where / "manifest.jsonl").read_text().splitlines()[-1])
    source = shards / entry["name"]
    with open(where / "manifest.jsonl", "a") as manifest:
        for i in range(1, n):
            block = Block(0.0, False, 1, 20 * i, 20 * i + 10)
            if i % 50_000 == 0:  # as many names as a file may have
                copy = shards / block.file_name
                shutil.copy(source, copy)
                source = copy
            else:
                os.link(source, shards / block.file_name)
            line = {"name": block.file_name, "n_bytes": entry["n_bytes"], "meta": {**entry["meta"], **vars(block)}}
            manifest.write("\n" + json.dumps(line))
    return store


def of_store(where: Path) -> None:
    """Appending and opening against the number of shards."""
    for n in (100, 1_000, 10_000, 100_000):
        folder = where / f"store{n}"
        many_shards(folder, n)
        start = perf_counter()
        store = TrialStore(folder, {"benchmark": 1})
        held = len(store)
        opened = perf_counter() - start
        assert held == 10 * n
        store.append(rows(10), seed=1, start=20 * n)  # looks once for what can be joined
        times = []
        for i in range(1, 301):
            start = perf_counter()
            store.append(rows(10), seed=1, start=20 * (n + i))
            times.append(perf_counter() - start)
        print(
            f"{n:>7d} shards: opened in {opened:6.2f} s; append {np.mean(times) * 1e3:5.2f} ms "
            f"(median {np.median(times) * 1e3:.2f}, longest {max(times) * 1e3:.1f})",
            flush=True,
        )
        shutil.rmtree(folder)
    store = TrialStore(where / "joined", {"benchmark": 1})
    n = 5_000
    times = []
    for i in range(n):
        start = perf_counter()
        store.append(rows(10), seed=1, start=10 * i)
        times.append(perf_counter() - start)
    print(
        f"{n:>7d} appended in order and joined in passing to {len(store.blocks)}: {np.mean(times) * 1e3:.2f} ms each "
        f"(longest {max(times) * 1e3:.0f})",
        flush=True,
    )


PARTS: dict[str, Callable[[Path], None]] = {"store": of_store}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    args = parser.parse_args()
    print(f"nusky {code_version()}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")
    where = Path(tempfile.mkdtemp(prefix="nusky-scale-"))
    try:
        for name in args.parts or PARTS:
            folder = where / name
            folder.mkdir()
            PARTS[name](folder)
    finally:
        shutil.rmtree(where)


if __name__ == "__main__":
    main()
