"""`Pool`: an executor of any kind, and what is to be known of its workers: how many, whose fault, still there?"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from time import monotonic, sleep
from typing import Any

__all__ = ["LostExecutor", "Pool", "WorkerFailed", "ignore_interrupts", "n_workers"]

_log = logging.getLogger("nusky")

_RECONNECT = 60.0  # seconds for dask's client to find its scheduler again; its own limit is 30 by default
_STUCK = 5.0  # seconds without a result after which a dead process has taken its executor with it
# dask's exceptions, without importing dask
_LOST = ("KilledWorker", "CommClosedError", "FutureCancelledError", "FutureLostError")
_CLOSED = ("ClosedClientError", "CommClosedError")


class WorkerFailed(Exception):
    """What a worker could not do, as text: the error itself may not be known where it arrives.

    Attributes
    ----------
    worker : str
        Address or host and process.
    kind, text : str
        Of the error.
    of_worker : bool
        Whether the place is to blame and not the work: another worker may do it.
    """

    def __init__(self, worker: str, kind: str, text: str, of_worker: bool) -> None:
        super().__init__(worker, kind, text, of_worker)
        self.worker = worker
        self.kind = kind
        self.text = text
        self.of_worker = of_worker

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"

    @staticmethod
    def here(error: Exception, opening: bool) -> WorkerFailed:
        """Of an error in this process; `opening`: before the work began."""
        of_worker = opening or isinstance(error, (OSError, MemoryError, ImportError))
        return WorkerFailed(_own_name(), type(error).__name__, str(error), of_worker)


class LostExecutor(Exception):
    """The executor takes no more tasks."""

    def __init__(self, message: str, error: Exception) -> None:
        super().__init__(message)
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
    """How many tasks an executor runs at once, as far as it says; 1 where it does not, 0 while a cluster has none.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> n_workers(ThreadPoolExecutor(3))
    3
    """
    client = getattr(executor, "_client", None)  # dask's
    if client is not None and hasattr(client, "nthreads"):
        return int(sum(client.nthreads().values()))
    return int(getattr(executor, "_max_workers", None) or 1)


class Pool:
    """An executor that is replaced when it breaks.

    Parameters
    ----------
    executor : Executor, or callable that makes one
    """

    def __init__(self, executor: Executor | Callable[[], Executor]) -> None:
        self._make = None if isinstance(executor, Executor) else executor
        made = executor() if not isinstance(executor, Executor) and callable(executor) else executor
        if not isinstance(made, Executor):
            raise TypeError(f"executor must be a concurrent.futures.Executor or make one, got {made!r}")
        self._executor = made
        self._own = self._make is not None
        self._client: Any = getattr(made, "_client", None)
        self._address = _address(self._client)  # of the scheduler; unknown once it is gone
        self._dead_since: float | None = None

    def n_workers(self) -> int:
        """See `n_workers`; a scheduler that does not answer has none."""
        if self._client is not None and self._client.status != "running":
            return 0
        try:
            return n_workers(self._executor)
        except (OSError, TimeoutError):
            return 0

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """Hand in one task.

        Raises
        ------
        LostExecutor
            If there is no executor any more, and none can be made.
        """
        try:
            return self._executor.submit(work, *args)
        except BrokenExecutor as error:
            self._replace(error)
            return self._executor.submit(work, *args)
        except Exception as error:
            if self._client is not None and (type(error).__name__ in _CLOSED or self._client.status == "closed"):
                raise LostExecutor(self._scheduler_gone(), error) from error
            if isinstance(error, RuntimeError) and "shutdown" in str(error):
                raise LostExecutor("the executor was shut down", error) from error
            raise

    def is_to_blame(self, error: Exception) -> bool:
        """Whether a worker or its place failed, and not the work."""
        if isinstance(error, WorkerFailed):
            return error.of_worker
        return isinstance(error, (BrokenExecutor, CancelledError)) or type(error).__name__ in _LOST

    def name_of(self, error: Exception) -> str:
        """The worker that failed, as far as it is known."""
        if isinstance(error, WorkerFailed):
            return f"worker {error.worker}"
        last = getattr(error, "last_worker", None)  # of dask's KilledWorker
        if last is not None:
            return f"worker {getattr(last, 'address', last)}"
        dead = []
        for pid, process in list((getattr(self._executor, "_processes", None) or {}).items()):
            code = getattr(process, "exitcode", None)
            if code is not None and code < 0 and code != -signal.SIGTERM:  # the pool itself ends the others by SIGTERM
                dead.append(f"process {pid} ({signal.Signals(-code).name})")
        return f"worker {', '.join(dead)}" if dead else "a worker"

    def gone(self) -> str | None:
        """What is to be said if the executor is gone for good; waits for a client that is looking for its scheduler."""
        if self._client is None:
            return None
        until = monotonic() + _RECONNECT
        while self._client.status == "connecting" and monotonic() < until:
            sleep(0.1)
        return None if self._client.status == "running" else self._scheduler_gone()

    def wait(self) -> None:
        """To be called while no result comes: end an executor of processes that waits for a dead one.

        `concurrent.futures` notices dead processes between messages only. One that dies in the middle of sending its
        result leaves it waiting for the rest for ever: nothing else closes the pipe.
        """
        if not isinstance(self._executor, ProcessPoolExecutor):
            return
        processes = list((self._executor._processes or {}).values())
        if all(process.exitcode is None for process in processes):
            self._dead_since = None
        elif self._dead_since is None:
            self._dead_since = monotonic()
        elif monotonic() - self._dead_since > _STUCK:
            self._dead_since = None
            _log.warning("a worker died while it sent its result; the others are ended, too")
            for process in processes:
                process.kill()
            queue: Any = getattr(self._executor, "_result_queue", None)
            if queue is not None and not queue._writer.closed:
                queue._writer.close()  # the last one that holds the pipe open

    def leave_out(self, error: Exception) -> None:
        """Give no more work to a dask worker that cannot open the search, unless it is the last one."""
        if self._client is None or not isinstance(error, WorkerFailed):
            return
        workers = self._client.nthreads()
        if error.worker in workers and len(workers) > 1:
            _log.warning("worker %s is left out: %s", error.worker, error)
            self._client.retire_workers(workers=[error.worker])

    def close(self) -> None:
        """Shut down what was made here; the user's own executor stays his."""
        if self._own:
            self._executor.shutdown(wait=False, cancel_futures=True)

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
            raise LostExecutor(f"the executor is broken ({error})", error)
        self._own = True

    def _scheduler_gone(self) -> str:
        return f"the dask scheduler{self._address} is gone"


def _address(client: Any) -> str:
    scheduler = getattr(client, "scheduler", None)
    address = getattr(scheduler, "address", None) or getattr(scheduler, "addr", None)
    return f" at {address}" if address else ""


def _own_name() -> str:
    """Of this worker: dask's address, or host and process."""
    import sys

    if "distributed" in sys.modules:
        from distributed import get_worker

        try:
            return str(get_worker().address)
        except ValueError:
            pass
    return f"{socket.gethostname()}, process {os.getpid()}"
