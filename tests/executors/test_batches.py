from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.executors.batches import LostBatch, contiguous_runs, run_batches
from nusky.executors.on_threads import InterruptedBatch
from nusky.source.positions import sources
from nusky.store.trials import TrialStore
from small_analysis import small_analysis
from toy_runner import ToyRunner

SPAWN = multiprocessing.get_context("spawn")
HOW: dict[str, Any] = {"n_sig": 2, "poisson": True, "seed": 5}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ana")
    ana = small_analysis("one").save(folder)
    prior = np.exp(-np.linspace(0, 20, 768))
    return conf.get_spatial_prior_trial_runner(llh_priors=prior, ana=ana)


@pytest.fixture(scope="module")
def quick(runner: Any) -> Any:
    """A runner whose trials take a fraction of a millisecond."""
    return conf.get_trial_runner(src=sources(1.0, 0.3), ana=runner.analysis)


@pytest.fixture(scope="module")
def here(runner: Any) -> np.ndarray:
    return run_batches(runner, range(40), **HOW)


# ---- in this process


def test_chunks_threads_and_order_change_nothing(runner: Any, here: np.ndarray) -> None:
    assert here.tobytes() == runner.fit_trials(range(40), **HOW).tobytes()
    assert run_batches(runner, range(40), **HOW, chunk=7).tobytes() == here.tobytes()
    assert run_batches(runner, range(40), **HOW, n_threads=1).tobytes() == here.tobytes()
    scattered = [3, 4, 5, 30, 31, 0]
    assert run_batches(runner, scattered, **HOW, chunk=2).tobytes() == here[scattered].tobytes()


def test_a_store_is_filled_chunk_by_chunk_and_what_it_has_is_not_made_again(tmp_path: Path) -> None:
    toy = ToyRunner()
    store = TrialStore(tmp_path / "s", toy.config())
    first = run_batches(toy, range(10, 30), seed=1, chunk=8, store=store)
    assert [(b.start, b.stop) for b in store.blocks] == [(10, 18), (18, 26), (26, 30)]
    toy.calls.clear()
    everything = run_batches(toy, range(40), seed=1, store=store)
    assert sorted(j for _, numbers in toy.calls for j in numbers) == [*range(10), *range(30, 40)]
    assert everything[10:30].tobytes() == first.tobytes()
    assert everything.tobytes() == ToyRunner().fit_trials(range(40), seed=1).tobytes()
    toy.calls.clear()
    assert run_batches(toy, range(40), seed=1, store=store).tobytes() == everything.tobytes()
    assert toy.calls == []


def test_without_a_chunk_size_shards_grow_until_they_take_seconds(tmp_path: Path) -> None:
    toy = ToyRunner()
    store = TrialStore(tmp_path / "s", toy.config())
    run_batches(toy, range(1000), seed=1, store=store, n_threads=1)
    assert [len(b) for b in store.blocks] == [32, 64, 128, 256, 512, 8]


def test_ctrl_c_keeps_what_is_finished_in_the_exception_and_in_the_store(tmp_path: Path) -> None:
    class Interrupted(ToyRunner):
        def fit_trials(self, indices: Any, **how: Any) -> np.ndarray:
            if 20 in indices:
                raise KeyboardInterrupt
            return super().fit_trials(indices, **how)

    store = TrialStore(tmp_path / "s", ToyRunner().config())
    with pytest.raises(InterruptedBatch) as stopped:
        run_batches(Interrupted(), range(50), seed=1, chunk=8, store=store)
    assert stopped.value.indices.tolist() == list(range(16))
    assert stopped.value.n_trials == 50
    assert stopped.value.partial.tobytes() == ToyRunner().fit_trials(range(16), seed=1).tobytes()
    assert len(TrialStore(tmp_path / "s")) == 16


def test_what_an_interrupted_thread_pool_had_finished_is_stored_too(tmp_path: Path) -> None:
    class Interrupted(ToyRunner):
        def fit_trials(self, indices: Any, **how: Any) -> np.ndarray:
            done = np.array([0, 1, 2, 5, 6])  # threads finish out of order
            raise InterruptedBatch(super().fit_trials(np.array(indices)[done], **how), np.array(indices)[done], 8)

    store = TrialStore(tmp_path / "s", ToyRunner().config())
    with pytest.raises(InterruptedBatch):
        run_batches(Interrupted(), range(100, 108), seed=1, store=store)
    assert [(b.start, b.stop) for b in store.blocks] == [(100, 103), (105, 107)]
    whole = run_batches(ToyRunner(), range(100, 108), seed=1, store=store)
    assert whole.tobytes() == ToyRunner().fit_trials(range(100, 108), seed=1).tobytes()


def test_stretches_of_numbers_are_found() -> None:
    assert list(contiguous_runs(np.array([1]))) == [(0, 1)]
    assert list(contiguous_runs(np.array([5, 6, 4, 5]))) == [(0, 2), (2, 4)]
    assert list(contiguous_runs(np.array([], dtype=np.int64))) == []


@pytest.mark.parametrize(
    ("indices", "options", "message"),
    [
        ([], {}, "indices is empty"),
        ([1.5], {}, "must be integers"),
        ([-1], {}, "must not be negative"),
        ([1], {"chunk": 0}, "chunk = 0"),
        ([1], {"executor": lambda: None}, "executor must be"),
        ([1], {"executor": 3}, "executor must be a concurrent.futures.Executor or make one, got 3"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(runner: Any, indices: Any, options: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        run_batches(runner, indices, **options)


# ---- on executors


@contextlib.contextmanager
def _dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is an optional dependency")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor(pure=False)


@contextlib.contextmanager
def _loky() -> Iterator[Executor]:
    loky = pytest.importorskip("loky", reason="loky is an optional dependency")
    executor = loky.get_reusable_executor(max_workers=2)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, kill_workers=True)


EXECUTORS: dict[str, Callable[[], Any]] = {
    "threads": lambda: ThreadPoolExecutor(2),
    "spawned processes": lambda: ProcessPoolExecutor(2, mp_context=SPAWN),
    "loky": _loky,
    "dask": _dask,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of dask's own making
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", EXECUTORS)
def test_every_executor_gives_the_same_bits(
    runner: Any, here: np.ndarray, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = TrialStore(tmp_path / "s", runner.config())
    with EXECUTORS[kind]() as executor:
        rows = run_batches(runner, range(40), **HOW, executor=executor, chunk=7, store=store, logging=True)
        many = runner.get_many_fits(40, **HOW, executor=executor)
    assert rows.tobytes() == here.tobytes() == many.tobytes()
    assert store.count(n_sig=2, seed=5) == 40
    said = capsys.readouterr().out
    assert "Performing 40 trials with n_sig = 2.000 using 2 cores:" in said
    assert "40/40 trials complete." in said


def test_p_values_are_filled_in_by_the_one_who_asked(runner: Any) -> None:
    dressed = conf.get_spatial_prior_trial_runner(
        llh_priors=list(runner.priors), ana=runner.analysis, ts_to_p=lambda dec, ts: 0.1**ts
    )
    with ThreadPoolExecutor(1) as executor:
        rows = run_batches(dressed, range(5), executor=executor)
    np.testing.assert_allclose(rows["mlog10p"], rows["ts"], rtol=1e-12)
    assert rows.tobytes() == dressed.fit_trials(range(5)).tobytes()


class Scripted(Executor):
    """Runs the work at once, and fails on request for chunks that hold a given trial."""

    def __init__(self, failures: list[BaseException], trial: int = 10) -> None:
        self.failures = failures
        self.trial = trial
        self.submitted: list[list[int]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        numbers = args[3]  # after path and hash of the description, and the work
        self.submitted.append(numbers)
        future: Future[Any] = Future()
        if self.trial in numbers and self.failures:
            future.set_exception(self.failures.pop(0))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def killed_worker() -> Exception:
    """As dask names it; it is recognised by name, so that dask need not be imported."""
    return type("KilledWorker", (Exception,), {})("tcp://worker")


@pytest.mark.parametrize("error", [BrokenProcessPool("killed"), killed_worker()])
def test_a_chunk_that_lost_its_worker_is_run_again(
    runner: Any, here: np.ndarray, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    executor = Scripted([error, error])
    rows = run_batches(runner, range(40), **HOW, executor=executor, chunk=8)
    assert rows.tobytes() == here.tobytes()
    assert sum(10 in numbers for numbers in executor.submitted) == 3
    assert "its part 8:16 is run again" in caplog.text


def test_a_chunk_that_kills_every_worker_ends_the_batch_and_keeps_the_rest(
    runner: Any, here: np.ndarray, tmp_path: Path
) -> None:
    store = TrialStore(tmp_path / "s", runner.config())
    executor = Scripted([BrokenExecutor("out of memory")] * 9)
    with pytest.raises(LostBatch, match=r"trials 8:16 died 3 times .*more memory, or smaller chunks") as lost:
        run_batches(runner, range(40), **HOW, executor=executor, chunk=8, retries=2, store=store)
    kept = lost.value.indices
    assert lost.value.partial.tobytes() == here[kept].tobytes()
    assert set(range(8, 16)).isdisjoint(kept)
    assert len(store) == len(kept) > 0


def test_a_mistake_in_the_work_ends_the_batch_at_once_and_keeps_what_is_done(runner: Any, here: np.ndarray) -> None:
    executor = Scripted([ValueError("a trial is broken")])
    with pytest.raises(LostBatch, match=r"trials 8:16 failed .*a trial is broken.*8 of 40 trials are finished") as lost:
        run_batches(runner, range(40), **HOW, executor=executor, chunk=8)
    assert isinstance(lost.value.__cause__, ValueError)
    assert sum(10 in numbers for numbers in executor.submitted) == 1
    assert lost.value.partial.tobytes() == here[lost.value.indices].tobytes()


def test_ctrl_c_on_an_executor_keeps_finished_chunks(runner: Any, here: np.ndarray) -> None:
    with pytest.raises(InterruptedBatch) as stopped:
        run_batches(runner, range(40), **HOW, executor=Scripted([KeyboardInterrupt()], trial=39), chunk=8)
    assert len(stopped.value.indices) > 0
    assert stopped.value.partial.tobytes() == here[stopped.value.indices].tobytes()


def _kill_one(executor: Any) -> None:
    """SIGKILL to one worker process, as the kernel does when memory runs out."""
    workers = list(executor._processes or {})
    if workers:
        os.kill(workers[0], signal.SIGKILL)


@pytest.mark.parametrize("given_as", ["executor", "factory"])
def test_killing_a_worker_process_costs_nothing_but_time(quick: Any, given_as: str) -> None:
    # enough work that the pool is still busy when it notices
    expected = quick.fit_trials(range(60_000), **HOW)
    made: list[ProcessPoolExecutor] = []

    class Murderous(ProcessPoolExecutor):
        """Loses a process to SIGKILL when its first chunk is finished."""

        def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
            future = super().submit(*args, **kwargs)
            if len(made) == 1 and not hasattr(self, "armed"):
                self.armed = True
                future.add_done_callback(lambda _: _kill_one(self))
            return future

    def make() -> ProcessPoolExecutor:
        made.append(Murderous(2, mp_context=SPAWN))
        return made[-1]

    executor = make() if given_as == "executor" else None
    try:
        rows = run_batches(quick, range(60_000), **HOW, executor=executor or make, chunk=1200)
    finally:
        for pool in made:
            # a worker that died with the lock of the queue in its hand would let the others wait for ever
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown()
    assert rows.tobytes() == expected.tobytes()
    assert len(made) == (1 if given_as == "executor" else 2)


MANY_SMALL = """
import os, random, signal, threading
from concurrent.futures import ThreadPoolExecutor
from nusky.executors.tasks import run_tasks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background starts with it ignored
class Tasks:
    def __init__(self):
        self.numbers = iter(range(300_000))
    def take(self, n_workers):
        i = next(self.numbers, None)
        return None if i is None else ((i, i + 1), (i,))
for _ in range(12):
    with ThreadPoolExecutor(2) as executor:
        timer = threading.Timer(random.uniform(0.05, 0.3), os.kill, (os.getpid(), signal.SIGINT))
        try:
            for n, _ in enumerate(run_tasks(executor, abs, Tasks(), 3)):
                if n == 100:
                    timer.start()
        except KeyboardInterrupt:
            print("stopped", flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_at_any_moment_never_leaves_the_executor_waiting() -> None:
    # every second time it did when all futures were locked to look which of them were done, and one in thirty times
    # when a future was submitted
    done = subprocess.run([sys.executable, "-c", MANY_SMALL], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["stopped"] * 12


SCRIPT = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from nusky.executors.on_threads import InterruptedBatch
from nusky.executors.batches import run_batches
from nusky.executors.spec import read_spec
from nusky.source.positions import sources
from nusky.store.trials import TrialStore
from nusky.executors.pool import ignore_interrupts
if __name__ == "__main__":
    runner = read_spec(sys.argv[1])
    store = TrialStore(sys.argv[2], runner.config())
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn, initializer=ignore_interrupts) as executor:
        try:
            run_batches(runner, range(100_000), seed=5, executor=executor, chunk=5, store=store)
        except InterruptedBatch as stopped:
            print(len(stopped.partial), flush=True)
            sys.exit(42)
"""


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_loses_no_finished_chunk(quick: Any, tmp_path: Path) -> None:
    from nusky.executors.spec import write_spec

    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    path, _ = write_spec(quick, tmp_path)
    with subprocess.Popen(
        [sys.executable, str(script), path, str(tmp_path / "s")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        shards = tmp_path / "s" / "shards"
        while time.monotonic() < deadline and not (shards.exists() and len(list(shards.glob("*.npz"))) >= 3):
            time.sleep(0.05)
        try:
            os.killpg(process.pid, signal.SIGINT)  # what the terminal does: parent and workers get it
            out, _ = process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever is left must not outlive the test
    assert process.returncode == 42
    store = TrialStore(tmp_path / "s")
    # Ctrl-C may come while a chunk is being written: the caller then has it, the store not
    assert len(store) <= int(out) <= len(store) + 5
    assert len(store) >= 15
    found = store.read()
    expected = quick.fit_trials(found["trial"], seed=5)
    np.testing.assert_array_equal(found["ts"], expected["ts"])
