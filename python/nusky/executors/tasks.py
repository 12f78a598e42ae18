"""Tasks on an executor that may lose its workers: what is lost is run again, a bad worker does not stop the others."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Protocol

from nusky.executors.pool import LostExecutor, Pool, WorkerFailed

__all__ = ["LostTask", "Task", "TaskSource", "run_tasks"]

_log = logging.getLogger("nusky")

Task = tuple[int, int]

_POLL = 0.2  # seconds between looks at Ctrl-C
_COUNT = 5.0  # seconds between counts of the workers
_EACH = 4  # tasks under way for each worker: it never waits for the next one
_UNSEEN = 64  # tasks under way while there is no worker: what an adaptive cluster sizes itself by
_AGAIN = 16  # tasks that wait to be run again before they come first
_GIVEN_UP = 3  # tasks lost for good after which the others are not worth trying


class TaskSource(Protocol):
    """Where tasks come from."""

    def take(self, n_workers: int) -> tuple[Task, tuple[Any, ...]] | None:
        """The next task and the arguments of its work; None if there is no more."""


class LostTask(Exception):
    """Tasks were lost for good: they killed every worker that tried them, or raised an error of their own.

    Attributes
    ----------
    tasks : tuple of Task
        Ascending.
    times : int
        How often the first of them was tried.
    where : str
        The worker that failed last, or the executor that is gone.
    error : Exception
    dead : bool
        Whether the executor itself is gone.
    """

    def __init__(self, tasks: tuple[Task, ...], times: int, where: str, error: Exception, dead: bool) -> None:
        self.tasks = tasks
        self.times = times
        self.where = where
        self.error = error
        self.dead = dead
        super().__init__(f"{where}: {error}")

    def told(self, parts: str, finished: str) -> str:
        """One line for the user.

        Parameters
        ----------
        parts : str
            What the tasks were: "trials 8:16".
        finished : str
            What is done: "24 of 40 trials".
        """
        kept = f"{finished} are finished and kept"
        if self.dead:
            why = str(self.error) or type(self.error).__name__
            return f"{self.where} ({why}); {kept}: the same call with the same seed and store makes the others"
        if isinstance(self.error, WorkerFailed):
            times = f" {self.times} times, the last time" if self.times > 1 else ""
            return f"{parts} failed{times} on {self.where} ({self.error}); {kept}"
        if self.times == 1:
            return f"{parts} failed ({type(self.error).__name__}: {self.error}); {kept}"
        return (
            f"{self.where} fitting {parts} died {self.times} times ({self.error}); {kept}: "
            "give the workers more memory, or smaller chunks"
        )


def run_tasks(
    executor: Executor | Callable[[], Executor],
    work: Callable[..., Any],
    source: TaskSource,
    retries: int,
    waiting: Callable[[int], None] | None = None,
) -> Generator[tuple[Task, Any], None, None]:
    """Run ``work(*arguments)`` for every task; yields results as they come in.

    A task that lost its worker is run again, the last time alone: where one process takes others with it, that shows
    which one did. Tasks lost for good are set aside until the others are finished.

    Parameters
    ----------
    executor : Executor, or callable that makes one
        A callable is asked again when its executor broke; a broken executor of processes is replaced by one of spawned
        processes of the same size.
    work : callable
        Of a module, so that another process finds it.
    source : TaskSource
    retries : int
        How often a task may lose its worker.
    waiting : callable, optional
        Called with the number of workers about five times a second while no result comes.

    Raises
    ------
    LostTask
        At the end if tasks were lost for good; at once if the work itself raises, or the executor is gone.
    """
    with contextlib.closing(_Running(Pool(executor), work, source, retries, waiting)) as running:
        yield from running.results()


class _Running:
    """Tasks under way, and those that wait to be run again."""

    def __init__(
        self,
        pool: Pool,
        work: Callable[..., Any],
        source: TaskSource,
        retries: int,
        waiting: Callable[[int], None] | None,
    ) -> None:
        self._pool = pool
        self._work = work
        self._source = source
        self._retries = retries
        self._waiting = waiting
        self._more = True  # the source may have more
        self._again: deque[tuple[Task, tuple[Any, ...]]] = deque()
        self._alone: deque[tuple[Task, tuple[Any, ...]]] = deque()
        self._losses: dict[Task, int] = {}
        self._lost: list[tuple[Task, LostTask]] = []
        self._under_way: dict[Future[Any], tuple[Task, tuple[Any, ...]]] = {}
        # Not concurrent.futures.wait: it takes the locks of all futures, thousands of them and one by one, and Ctrl-C
        # in the middle leaves those it has locked for ever, with the executor waiting for them when it is shut down.
        self._finished: SimpleQueue[Future[Any]] = SimpleQueue()
        self._interrupts = _Interrupts()
        self._n_workers = pool.n_workers()
        self._counted = monotonic()

    def results(self) -> Iterator[tuple[Task, Any]]:
        """Results as they come in."""
        while self._submit():
            taken = _taken(self._finished)
            self._interrupts.check()
            self._count()
            if not taken:
                self._pool.wait()
                if self._waiting is not None:
                    self._waiting(self._n_workers)
            for future in sorted(taken, key=lambda f: self._under_way[f][0]):
                task, arguments = self._under_way.pop(future)
                try:
                    result = future.result()
                except Exception as error:
                    self._failed(task, arguments, error)
                    continue
                yield task, result
        if self._lost:
            first = self._lost[0][1]
            raise LostTask(
                tuple(sorted(task for task, _ in self._lost)), first.times, first.where, first.error, dead=False
            )

    def close(self) -> None:
        """Cancel what is under way."""
        for future in self._under_way:
            future.cancel()
        self._pool.close()
        self._interrupts.close()

    def _submit(self) -> bool:
        """Keep the workers busy; False if all is done."""
        room = _EACH * self._n_workers if self._n_workers else _UNSEEN
        while len(self._under_way) < room and (following := self._next()) is not None:
            task, arguments = following
            try:
                future = self._pool.submit(self._work, *arguments)
            except LostExecutor as gone:
                raise LostTask((task,), 0, str(gone), gone.error, dead=True) from gone.error
            self._under_way[future] = following
            future.add_done_callback(self._finished.put)
            self._interrupts.check()
        return bool(self._under_way)

    def _next(self) -> tuple[Task, tuple[Any, ...]] | None:
        if len(self._alone) < _GIVEN_UP:
            # those to be run again come late, lest a place that fails at once gets them all again
            if self._more and len(self._again) < _AGAIN:
                following = self._source.take(self._n_workers)
                if following is not None:
                    return following
                self._more = False
            if self._again:
                return self._again.popleft()
        return self._alone.popleft() if self._alone and not self._under_way else None

    def _failed(self, task: Task, arguments: tuple[Any, ...], error: Exception) -> None:
        """Run it again, or give it up."""
        if not self._pool.is_to_blame(error):
            raise LostTask((task,), 1, self._pool.name_of(error), error, dead=False) from error
        times = self._losses[task] = self._losses.get(task, 0) + 1
        where = self._pool.name_of(error)
        if (gone := self._pool.gone()) is not None:
            raise LostTask((task,), times, gone, error, dead=True) from error
        if times > self._retries:
            self._lost.append((task, LostTask((task,), times, where, error, dead=False)))
            if len(self._lost) >= _GIVEN_UP:
                self._more, self._again, self._alone = False, deque(), deque()
            return
        _log.warning("%s was lost (%s); its part %d:%d is run again", where, type(error).__name__, *task)
        self._pool.leave_out(error)
        (self._alone if times == self._retries else self._again).append((task, arguments))

    def _count(self) -> None:
        now = monotonic()
        if now - self._counted > (_COUNT if self._n_workers else 1.0):
            self._counted, self._n_workers = now, self._pool.n_workers()


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
