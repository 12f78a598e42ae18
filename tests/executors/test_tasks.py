"""Workers that die, places that are bad, executors that go away."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from nusky import conf
from nusky.executors.batches import LostBatch, run_batches
from nusky.executors.pool import WorkerFailed
from nusky.executors.tasks import LostTask, run_tasks
from nusky.progress import Progress
from nusky.source.positions import sources
from nusky.store.trials import TrialStore
from small_analysis import small_analysis

SPAWN = multiprocessing.get_context("spawn")


class Numbers:
    """Tasks 0, 1, … n − 1."""

    def __init__(self, n: int) -> None:
        self.numbers = iter(range(n))

    def take(self, n_workers: int) -> Any:
        i = next(self.numbers, None)
        return None if i is None else ((i, i + 1), (i,))


def die_of_seven(i: int) -> int:
    if i == 7:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return i


def die_in_the_middle_of_a_message(i: int, flag: str) -> int:
    """Of task 3, the first time: a message of a megabyte is announced, and its sender is gone."""
    if i == 3 and not os.path.exists(flag):
        Path(flag).touch()
        frame = sys._getframe()
        while "result_queue" not in frame.f_locals:
            assert frame.f_back is not None
            frame = frame.f_back
        os.write(frame.f_locals["result_queue"]._writer.fileno(), struct.pack("!i", 1 << 20))
        os.kill(os.getpid(), signal.SIGKILL)
    return i


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    ana = small_analysis("one").save(tmp_path_factory.mktemp("ana"))
    return conf.get_trial_runner(src=sources(1.0, 0.3), ana=ana)


def collected(results: Iterator[tuple[tuple[int, int], int]]) -> tuple[list[int], LostTask | None]:
    found = []
    try:
        for _, value in results:
            found.append(value)
    except LostTask as lost:
        return sorted(found), lost
    return sorted(found), None


@pytest.mark.slow
def test_one_task_that_kills_its_processes_is_named_and_all_others_are_finished() -> None:
    with ProcessPoolExecutor(2, mp_context=SPAWN) as pool:
        found, lost = collected(run_tasks(pool, die_of_seven, Numbers(12), 2))
    assert found == [i for i in range(12) if i != 7]
    assert lost is not None
    assert lost.tasks == ((7, 8),)
    assert lost.times == 3
    assert "SIGKILL" in lost.where
    assert "fitting trials 7:8 died 3 times" in lost.told("trials 7:8", "11 of 12")


class Places(Executor):
    """Some submissions are done by a place that cannot; its errors are as `work_on` makes them."""

    def __init__(self, bad: Callable[[int], bool], error: Exception) -> None:
        self.bad = bad
        self.error = error
        self.n = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.n += 1
        future: Future[Any] = Future()
        if self.bad(self.n):
            future.set_exception(self.error)
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_bad_place_costs_another_try_and_a_place_that_is_always_bad_ends_it_soon() -> None:
    error = WorkerFailed("node17, process 5", "FileNotFoundError", "/shared is not there", True)
    found, lost = collected(run_tasks(Places(lambda n: n % 3 == 0, error), abs, Numbers(50), 3))
    assert (found, lost) == (list(range(50)), None)
    never = Places(lambda n: True, error)
    found, lost = collected(run_tasks(never, abs, Numbers(1000), 3))
    assert found == []
    assert lost is not None
    assert (
        "trials failed 4 times, the last time on worker node17, process 5 (FileNotFoundError: /shared is"
        in lost.told("trials", "0 of 1000")
    )
    assert never.n < 100


def test_an_executor_that_was_shut_down_is_said() -> None:
    pool = ThreadPoolExecutor(1)
    source = Numbers(100)
    results = run_tasks(pool, abs, source, 3)
    next(results)
    pool.shutdown()
    with pytest.raises(LostTask, match="the executor was shut down") as lost:
        list(results)
    assert lost.value.dead


def test_while_no_result_comes_the_number_of_workers_is_told() -> None:
    told: list[int] = []
    with ThreadPoolExecutor(3) as pool:
        results = run_tasks(pool, time.sleep, Seconds([0.7]), 3, waiting=told.append)
        assert len(list(results)) == 1
    assert told == [3, 3] or told == [3, 3, 3]


class Seconds:
    def __init__(self, seconds: list[float]) -> None:
        self.seconds = seconds

    def take(self, n_workers: int) -> Any:
        return ((0, 1), (self.seconds.pop(),)) if self.seconds else None


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_waiting_for_workers_is_said_until_the_first_one_comes(runner: Any) -> None:
    class Client:
        """Of a cluster whose first worker comes after a while."""

        status = "running"
        workers: ClassVar[dict[str, int]] = {}

        def nthreads(self) -> dict[str, int]:
            return self.workers

    class Cluster(ThreadPoolExecutor):
        _client = Client()

        def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
            if not Client.workers:
                super().submit(time.sleep, 0.6)
                super().submit(Client.workers.update, {"one": 1})
            return super().submit(*args, **kwargs)

    out = Terminal()
    with Cluster(1) as executor:
        rows = run_batches(runner, range(3), seed=5, executor=executor, logging=Progress("", 3, "trials", stream=out))
    assert rows.tobytes() == runner.fit_trials(range(3), seed=5).tobytes()
    told = [line.strip() for line in out.getvalue().split("\r")]
    assert "0/3 trials complete. waiting for workers" in told
    assert told[-1] == "3/3 trials complete."


# ---- dask


def _break_here(dask_worker: Any) -> None:
    """What a machine without the shared directory does."""
    from nusky.executors import spec

    def nothing(path: str, digest: str) -> Any:
        raise FileNotFoundError(f"{path} is not there")

    spec.read_spec = nothing  # type: ignore[assignment]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_dask_worker_that_cannot_open_the_search_is_left_out(runner: Any, caplog: pytest.LogCaptureFixture) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is an optional dependency")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        bad = sorted(client.nthreads())[0]
        client.run(_break_here, workers=[bad])
        rows = run_batches(runner, range(300), seed=1, chunk=10, executor=client.get_executor(pure=False))
        left = list(client.nthreads())
        client.run(_break_here)
        other = conf.get_trial_runner(src=sources(1.0, 0.4), ana=runner.analysis)
        with pytest.raises(LostBatch, match=rf"failed 4 times, the last time on worker {left[0]} .*is not there"):
            run_batches(other, range(300), seed=1, chunk=10, executor=client.get_executor(pure=False))
    assert rows.tobytes() == runner.fit_trials(range(300), seed=1).tobytes()
    assert bad not in left
    assert len(left) == 1
    assert f"worker {bad} is left out" in caplog.text


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_dead_dask_scheduler_ends_the_batch_with_all_that_is_done(runner: Any, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is an optional dependency")
    where = str(tmp_path / "scheduler.json")
    words = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--no-jupyter"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-dashboard", "--no-nanny", "--nthreads", "1"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (
        subprocess.Popen([*words, "--scheduler-file", where], **quiet) as scheduler,
        subprocess.Popen([*worker, "--scheduler-file", where, "--death-timeout", "5"], **quiet) as one,
    ):
        try:
            with distributed.Client(scheduler_file=where, timeout="2s") as client:
                client.wait_for_workers(1, timeout=30)
                store = TrialStore(tmp_path / "s", runner.config())
                threading.Thread(target=_kill_when_stored, args=(scheduler, tmp_path / "s"), daemon=True).start()
                executor = client.get_executor(pure=False)
                with pytest.raises(LostBatch, match=r"the dask scheduler at tcp://.* is gone") as lost:
                    run_batches(runner, range(10_000_000), seed=1, chunk=50, store=store, executor=executor)
        finally:
            one.kill()
            scheduler.kill()
    kept = lost.value.indices
    assert len(kept) == len(TrialStore(tmp_path / "s")) >= 50
    np.testing.assert_array_equal(lost.value.partial["ts"], runner.fit_trials(kept, seed=1)["ts"])


def _kill_when_stored(process: subprocess.Popen[bytes], store: Path) -> None:
    for _ in range(600):
        if len(list((store / "shards").glob("*.npz"))) >= 3:
            break
        time.sleep(0.05)
    process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and POSIX pipes")
def test_a_worker_that_dies_while_it_sends_its_result_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nusky.executors.pool._STUCK", 0.5)

    class Flagged(Numbers):
        def take(self, n_workers: int) -> Any:
            task = super().take(n_workers)
            return None if task is None else (task[0], (*task[1], str(tmp_path / "died")))

    with ProcessPoolExecutor(2, mp_context=SPAWN) as executor:
        found, lost = collected(run_tasks(executor, die_in_the_middle_of_a_message, Flagged(12), retries=3))
    assert lost is None
    assert sorted(found) == list(range(12))
    assert "died while it sent its result" in caplog.text
