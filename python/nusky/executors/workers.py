"""Pieces of a runner's work, here or on an executor."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from functools import lru_cache
from time import perf_counter
from typing import Any

from nusky.executors.pool import WorkerFailed
from nusky.executors.portions import Portions
from nusky.executors.tasks import Task, run_tasks

__all__ = ["run_pieces", "runner_of", "work_on"]


@lru_cache(maxsize=4)
def runner_of(path: str, digest: str) -> Any:
    """The runner of a description, built once in each process."""
    from nusky.executors.spec import read_spec

    return read_spec(path, digest)


def work_on(path: str, digest: str, work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What a worker does with a piece: ``work(runner, *arguments)`` with the runner of a description, and its seconds.

    Raises
    ------
    WorkerFailed
        For any error, with the name of the worker.
    """
    opening = True
    try:
        runner = runner_of(path, digest)
        opening = False
        start = perf_counter()
        return work(runner, *arguments), perf_counter() - start
    except KeyboardInterrupt:
        # Ctrl-C in a terminal reaches the workers, too; the parent has its own and knows what is finished
        raise KeyboardInterrupt from None
    except Exception as error:
        raise WorkerFailed.here(error, opening) from error


class _Pieces:
    """Tasks for the work on one runner."""

    def __init__(
        self, portions: Portions, arguments: Callable[[int, int], tuple[Any, ...]], always: tuple[Any, ...]
    ) -> None:
        self._portions = portions
        self._arguments = arguments
        self._always = always

    def take(self, n_workers: int) -> tuple[Task, tuple[Any, ...]] | None:
        """The next one."""
        task = self._portions.take(n_workers)
        return None if task is None else (task, (*self._always, *self._arguments(*task)))


def run_pieces(
    runner: Any,
    work: Callable[..., Any],
    runs: Iterable[Task],
    arguments: Callable[[int, int], tuple[Any, ...]],
    *,
    size: int | None,
    largest: int = 100_000,
    executor: Executor | Callable[[], Executor] | None,
    spool: str | os.PathLike[str] | None,
    retries: int,
    waiting: Callable[[int], None] | None = None,
) -> Generator[tuple[Task, Any], None, None]:
    """Run ``work(runner, *arguments(first, end))`` for pieces of the runs; yields results as they come in.

    Parameters
    ----------
    runner : Runner
    work : callable
        Of a module, so that another process finds it.
    runs : iterable of (first, end)
    arguments : callable
        Of the work, for a piece.
    size, largest : int
        Of a piece, see `nusky.executors.portions.Portions`.
    executor, spool, retries
        See `nusky.executors.batches.run_batches`.
    waiting : callable, optional
        See `nusky.executors.tasks.run_tasks`.
    """
    portions = Portions(runs, size, largest)
    if executor is None:
        while (task := portions.take(1)) is not None:
            start = perf_counter()
            result = work(runner, *arguments(*task))
            portions.note(task[1] - task[0], perf_counter() - start)
            yield task, result
    elif portions.left:
        from nusky.executors.spec import write_spec

        source = _Pieces(portions, arguments, (*write_spec(runner, spool), work))
        for task, (result, seconds) in run_tasks(executor, work_on, source, retries, waiting):
            portions.note(task[1] - task[0], seconds)
            yield task, result
