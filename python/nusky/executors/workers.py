"""Tasks on an executor that may lose its workers: what is lost is run again."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any

__all__ = ["LostTask", "Task", "ignore_interrupts", "n_workers", "run_pieces", "run_tasks", "runner_of", "work_on"]

_log = logging.getLogger("nusky")

Task = tuple[int, int]

_OUTSTANDING = 4096  # tasks submitted at once: every worker of a large cluster has some, Ctrl-C cancels them quickly
_POLL = 0.2  # seconds between looks at Ctrl-C


class LostTask(Exception):
    """A task lost its worker too often."""

    def __init__(self, task: Task, times: int, error: Exception) -> None:
        super().__init__(f"task {task} lost its worker {times} times: {error}")
        self.task = task
        self.times = times
        self.error = error


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent; pass it as ``initializer=`` of a ``ProcessPoolExecutor``.

    A terminal sends Ctrl-C to every process of its group. A worker that dies of it while it holds the lock of the
    pool's queue leaves the others waiting for ever; the parent keeps what is finished and ends the workers itself.

    Examples
    --------
    >>> from concurrent.futures import ProcessPoolExecutor
    >>> pool = ProcessPoolExecutor(2, initializer=ignore_interrupts)
    >>> pool.shutdown()
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def n_workers(executor: Any) -> int:
    """How many tasks an executor runs at once, as far as it says; 1 where it does not.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> n_workers(ThreadPoolExecutor(3))
    3
    """
    client = getattr(executor, "_client", None)  # dask's
    if client is not None and hasattr(client, "nthreads"):
        return max(1, int(sum(client.nthreads().values())))
    return int(getattr(executor, "_max_workers", None) or 1)


def run_tasks(
    executor: Executor | Callable[[], Executor],
    work: Callable[..., Any],
    tasks: Mapping[Task, tuple[Any, ...]],
    retries: int,
) -> Generator[tuple[Task, Any], None, None]:
    """Run ``work(*arguments)`` for every task; yields results as they come in.

    Parameters
    ----------
    executor : Executor, or callable that makes one
        A callable is asked again when its executor broke; a broken executor of processes is replaced by one of spawned
        processes of the same size.
    work : callable
        Of a module, so that another process finds it.
    tasks : mapping from task to arguments
    retries : int
        How often a task may lose its worker.

    Raises
    ------
    LostTask
        If that happens once more.
    Exception
        What the work itself raises, at once.
    """
    workers = _Workers(executor)
    losses: dict[Task, int] = {}
    waiting = list(tasks)[::-1]
    running: dict[Future[Any], Task] = {}
    # Not concurrent.futures.wait: it takes the locks of all futures, thousands of them and one by one, and Ctrl-C in
    # the middle leaves those it has locked for ever, with the executor waiting for them when it is shut down.
    finished: SimpleQueue[Future[Any]] = SimpleQueue()
    interrupts = _Interrupts()
    try:
        while waiting or running:
            while waiting and len(running) < _OUTSTANDING:
                future = workers.submit(work, *tasks[waiting[-1]])
                running[future] = waiting.pop()
                future.add_done_callback(finished.put)
                interrupts.check()
            taken = _taken(finished)
            interrupts.check()
            for future in sorted(taken, key=running.__getitem__):
                task = running.pop(future)
                try:
                    result = future.result()
                except Exception as error:
                    if not _worker_lost(error):
                        raise
                    losses[task] = losses.get(task, 0) + 1
                    if losses[task] > retries:
                        raise LostTask(task, losses[task], error) from error
                    _log.warning("a worker was lost (%s); its part %d:%d is run again", type(error).__name__, *task)
                    waiting.append(task)
                    continue
                yield task, result
    finally:
        for future in running:
            future.cancel()
        workers.close()
        interrupts.close()


class _Interrupts:
    """Lets Ctrl-C wait for a moment at which it can do no harm; a second one does not wait.

    The executors' own locks are taken in Python: an exception between taking and entering leaves one taken, and its
    worker waiting for ever.
    """

    def __init__(self) -> None:
        self._came = False
        main = threading.current_thread() is threading.main_thread()
        self._active = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._active:
            signal.signal(signal.SIGINT, self._note)

    def _note(self, *_: Any) -> None:
        if self._came:
            raise KeyboardInterrupt
        self._came = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if one came."""
        if self._came:
            self._came = False
            raise KeyboardInterrupt

    def close(self) -> None:
        """Leave Ctrl-C as it was."""
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._active = False
        self.check()


def _taken(queue: SimpleQueue[Future[Any]]) -> list[Future[Any]]:
    """What is in the queue, after a short wait for the first."""
    taken = []
    with contextlib.suppress(Empty):
        taken.append(queue.get(timeout=_POLL))
        while True:
            taken.append(queue.get_nowait())
    return taken


class _Workers:
    """An executor that is replaced when it breaks."""

    def __init__(self, executor: Executor | Callable[[], Executor]) -> None:
        self._make = None if isinstance(executor, Executor) else executor
        made = executor() if not isinstance(executor, Executor) and callable(executor) else executor
        if not isinstance(made, Executor):
            raise TypeError(f"executor must be a concurrent.futures.Executor or make one, got {made!r}")
        self._executor = made
        self._own = self._make is not None

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        try:
            return self._executor.submit(work, *args)
        except BrokenExecutor as error:
            self._replace(error)
            return self._executor.submit(work, *args)

    def _replace(self, error: BrokenExecutor) -> None:
        size = getattr(self._executor, "_max_workers", None)
        self.close()
        if self._make is not None:
            self._executor = self._make()
        elif isinstance(error, BrokenProcessPool):
            import multiprocessing

            # an executor of processes never recovers from the loss of one; its user is owed the results all the same
            _log.warning("the executor is broken (%s); the rest runs on %s new processes", error, size)
            self._executor = ProcessPoolExecutor(
                size, mp_context=multiprocessing.get_context("spawn"), initializer=ignore_interrupts
            )
        else:
            raise error
        self._own = True

    def close(self) -> None:
        """Shut down what was made here; the user's own executor stays his."""
        if self._own:
            self._executor.shutdown(wait=False, cancel_futures=True)


def _worker_lost(error: Exception) -> bool:
    """Distinguish a dead worker from an error in the work."""
    if isinstance(error, (BrokenExecutor, CancelledError)):
        return True
    # dask's exceptions, without importing dask
    return type(error).__name__ in ("KilledWorker", "CommClosedError", "FutureCancelledError", "FutureLostError")


@lru_cache(maxsize=4)
def runner_of(path: str, digest: str) -> Any:
    """The runner of a description, built once in each process."""
    from nusky.executors.spec import read_spec

    return read_spec(path, digest)


def work_on(path: str, digest: str, work: Callable[..., Any], *arguments: Any) -> Any:
    """What a worker does with a piece: ``work(runner, *arguments)`` with the runner of a description."""
    try:
        return work(runner_of(path, digest), *arguments)
    except KeyboardInterrupt:
        # Ctrl-C in a terminal reaches the workers, too; the parent has its own and knows what is finished
        raise KeyboardInterrupt from None


def run_pieces(
    runner: Any,
    work: Callable[..., Any],
    pieces: Mapping[Task, tuple[Any, ...]],
    *,
    executor: Executor | Callable[[], Executor] | None,
    spool: str | os.PathLike[str] | None,
    retries: int,
) -> Generator[tuple[Task, Any], None, None]:
    """Run ``work(runner, *arguments)`` for every piece, here or on an executor; yields results as they come in.

    Parameters
    ----------
    runner : Runner
    work : callable
        Of a module, so that another process finds it.
    pieces : mapping from task to arguments
    executor, spool, retries
        See `nusky.executors.batches.run_batches`.
    """
    if executor is None:
        for task, arguments in pieces.items():
            yield task, work(runner, *arguments)
    elif pieces:
        from nusky.executors.spec import write_spec

        spec = write_spec(runner, spool)
        tasks = {task: (*spec, work, *arguments) for task, arguments in pieces.items()}
        yield from run_tasks(executor, work_on, tasks, retries)
