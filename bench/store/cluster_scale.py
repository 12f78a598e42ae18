"""What a store and a client bear at the size of a large cluster; nothing here needs one.

    python bench/store/cluster_scale.py                # all parts, some minutes
    python bench/store/cluster_scale.py store client   # some of them

`store`: appending to and opening a store of many shards. `merge`: joining what many jobs have left, twice. `client`:
a batch whose results come from 10 000 workers that exist on paper only. `executors`: the same trials on processes and
on dask.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np

from nusky import conf, selections
from nusky.analysis.analysis import get_analysis
from nusky.executors.batches import run_batches
from nusky.executors.workers import run_pieces
from nusky.files.manifest import line_of
from nusky.source.positions import sources
from nusky.store.block import Block
from nusky.store.merging import merge
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
            manifest.write("\n" + line_of(line).decode())
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


def of_merge(where: Path) -> None:
    """Joining the stores of many jobs, and joining them again."""
    n_jobs, per_job = 1_000, 1_000
    made = rows(per_job)
    for job in range(n_jobs):
        TrialStore(where / "parts" / str(job), {"benchmark": 1}).append(made, seed=1, start=job * per_job)
    sources = [where / "parts" / str(job) for job in range(n_jobs)]
    for attempt in ("first", "second"):
        start = perf_counter()
        merged = merge(where / "all", sources)
        seconds = perf_counter() - start
        assert len(merged) == n_jobs * per_job
        print(f"{attempt} merge of {n_jobs} stores, {len(merged):.0e} trials: {seconds:.2f} s", flush=True)


class Paper(Executor):
    """Workers on paper: every task is done at once, here, at no cost but what the client has with it."""

    def __init__(self, n_workers: int, made: np.ndarray) -> None:
        self._max_workers = n_workers
        self._made = made
        self.n_tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A finished future: rows for the range among the arguments, that took 0.1 s a trial."""
        self.n_tasks += 1
        numbers = args[3]
        future: Future[Any] = Future()
        future.set_result((self._made[: len(numbers)].copy(), 0.1 * len(numbers)))
        return future


def of_client(where: Path) -> None:
    """Chunks a second that the client takes from 10 000 workers, without and with a store."""
    ana = get_analysis(selections.demo, logging=False)
    runner = conf.get_trial_runner(src=sources(1.0, 0.1), ana=ana)
    made = runner.fit_trials(range(1000), seed=1).view(np.ndarray)
    store = TrialStore(where / "s", runner.config())
    # by the clock: tasks of 10 s, 100 of these trials
    for kept, n_chunks, chunk in ((None, 50_000, None), (None, 50_000, 100), (store, 3_000, 100)):
        executor = Paper(10_000, made)
        n = n_chunks * 100
        start = perf_counter()
        found = run_batches(
            runner, np.arange(n), seed=1, executor=executor, store=kept, chunk=chunk, spool=where
        )  # fmt: skip
        seconds = perf_counter() - start
        assert len(found) == n
        how = "without a store" if kept is None else f"with a store, joined to {len(store.blocks)} files"
        size = f"{chunk} trials a chunk" if chunk else "chunks by the clock"
        rate = executor.n_tasks / seconds
        print(f"client {how}, {size}: {executor.n_tasks} chunks in {seconds:.1f} s, {rate:.0f}/s", flush=True)


def counted(runner: Any, first: int, stop: int) -> tuple[int, float, int]:
    """Trials fitted, processor seconds of the thread that did it, and pages that the system had to give it."""
    pages, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, thread_time()
    runner.fit_trials(range(first, stop), seed=1, n_threads=1)
    return stop - first, thread_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - pages


def of_executors(where: Path) -> None:
    """Point-source trials on two processes and on dask with two workers, turn by turn."""
    from distributed import Client, LocalCluster

    ana = get_analysis(selections.demo, logging=False).save(where)
    runner = conf.get_trial_runner(src=sources(1.0, 0.1), ana=ana)
    spawn = multiprocessing.get_context("spawn")
    n = 40_000
    with (
        ProcessPoolExecutor(2, mp_context=spawn) as processes,
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        executors = {"processes": processes, "dask": client.get_executor(pure=False)}
        cpu: dict[str, list[float]] = {name: [] for name in executors}
        wall: dict[str, list[float]] = {name: [] for name in executors}
        pages: dict[str, float] = {}
        for attempt in range(9):
            for name, executor in executors.items():
                start = perf_counter()
                pieces = run_pieces(
                    runner, counted, [(0, n)], lambda a, z: (a, z),
                    size=2_500, executor=executor, spool=where, retries=1,
                )  # fmt: skip
                results = [result for _, result in pieces]
                if attempt:  # the first opens the runner
                    wall[name].append(perf_counter() - start)
                    cpu[name].append(sum(seconds for _, seconds, _ in results) / n)
                    pages[name] = sum(faults for _, _, faults in results) / n
    for name in executors:
        print(
            f"{n} point-source trials on 2 {name} workers: {np.median(wall[name]):.2f} s; "
            f"{np.median(cpu[name]) * 1e6:.1f} µs of processor and {pages[name]:.2f} pages a trial"
        )
    for what, took in (("wall", wall), ("processor", cpu)):
        print(f"dask / processes, {what}: {np.median(np.divide(took['dask'], took['processes'])):.3f}", flush=True)


PARTS: dict[str, Callable[[Path], None]] = {
    "store": of_store,
    "merge": of_merge,
    "client": of_client,
    "executors": of_executors,
}


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
