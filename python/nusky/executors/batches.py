"""Trials on any `concurrent.futures.Executor`: threads, spawned processes, loky, dask.

A batch is cut into chunks of trial indices. A worker gets the path and hash of a description of the runner
(`nusky.executors.spec`), never the data; it builds the runner once and keeps it. Since a trial depends on its seed and
index only, the results are the same bit for bit whichever way they ran and were cut, and a chunk whose worker died is
simply run again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.executors.on_threads import InterruptedBatch, check_indices
from nusky.executors.pool import n_workers
from nusky.executors.protocols import FitsTrials, KeepsTrials
from nusky.executors.tasks import LostTask
from nusky.executors.workers import run_pieces
from nusky.progress import trial_progress
from nusky.threads import resolve_threads
from nusky.typing import I64

if TYPE_CHECKING:
    from nusky.progress import Progress

__all__ = ["LostBatch", "contiguous_runs", "fit_chunk", "run_batches"]

Chunk = tuple[int, int]  # positions first … last + 1 in the list of indices, whose trial numbers are consecutive

_SECONDS_A_SHARD = 5.0


class LostBatch(RuntimeError):
    """Workers failed for good, or the executor is gone; what is finished is kept.

    Attributes
    ----------
    partial : (M,) structured array
        The finished trials. Distributions or None where they were made of trials.
    indices : (M,) int64
        Their numbers.
    """

    def __init__(self, message: str, partial: Any, indices: I64) -> None:
        super().__init__(message)
        self.partial = partial
        self.indices = indices


def run_batches(
    runner: FitsTrials,
    indices: Sequence[int] | I64,
    *,
    n_sig: float = 0.0,
    poisson: bool = False,
    seed: int = 0,
    executor: Executor | Callable[[], Executor] | None = None,
    chunk: int | None = None,
    n_threads: int | None = None,
    store: KeepsTrials | None = None,
    logging: bool | Progress = False,
    spool: str | os.PathLike[str] | None = None,
    retries: int = 3,
) -> NDArray[np.void]:
    """Fit trials here or on an executor, and keep them in a store.

    Parameters
    ----------
    runner : FitsTrials
        With an executor: a runner of nusky (it is rebuilt in the workers from its description).
    indices : (n,) int
        Numbers of the trials in the batch with this seed.
    n_sig, poisson, seed
        As for `Runner.fit_trials`.
    executor : Executor, or callable that makes one, optional
        None: in this process. A callable is asked again when its executor broke; an executor of processes that broke is
        replaced by one of spawned processes of the same size. For dask: ``client.get_executor(pure=False)``.
    chunk : int, optional
        Trials of one task, and of one shard of the store. Default: what takes a worker some 10 s, measured as it goes,
        less towards the end; without an executor, some seconds.
    n_threads : int, optional
        Threads of each worker, 1 by default; without an executor 0 (all).
    store : TrialStore, optional
        Trials that it has are not made again, new ones are added chunk by chunk: what was interrupted goes on.
    logging : bool or Progress
        Print progress, or print it there.
    spool : path-like, optional
        Directory that all workers see, for the description of the runner; default: beside the analysis cache, or the
        temporary directory of this machine.
    retries : int
        How often a chunk may lose its worker before the batch is given up.

    Returns
    -------
    (n,) structured array
        Row i for ``indices[i]``.

    Raises
    ------
    InterruptedBatch
        On Ctrl-C, with the finished trials.
    LostBatch
        If a chunk lost its worker more than `retries` times (the others are finished first), a trial raised an error
        there, or the executor is gone: with the finished trials.
    """
    numbers = check_indices(indices)
    if len(numbers) == 0:
        raise ValueError("indices is empty: give at least one trial")
    if chunk is not None and (isinstance(chunk, bool) or int(chunk) != chunk or chunk < 1):
        raise ValueError(f"chunk = {chunk!r} must be a positive integer")
    batch = _Batch(runner, numbers, float(n_sig), bool(poisson), int(seed), store)
    if store is not None:
        store.require(runner.config())
        batch.take_stored()
    if executor is None:
        threads = resolve_threads(n_threads)
        with _progress(len(numbers), n_sig, threads, logging) as progress:
            # a runner of one's own knows no progress: it is between its portions
            if chunk is None and (store is not None or progress.logging):
                batch.run_growing(32 * threads, threads, progress)
            else:
                batch.run_here(batch.chunks(len(numbers) if chunk is None else int(chunk)), threads, progress)
    else:
        threads = 1 if n_threads is None else resolve_threads(n_threads)
        with _progress(len(numbers), n_sig, threads * max(n_workers(executor), 1), logging) as progress:
            batch.run_on(executor, None if chunk is None else int(chunk), threads, spool, retries, progress)
    assert batch.rows is not None
    return batch.rows


def _progress(n_trials: int, n_sig: float, n_threads: int, logging: bool | Progress) -> Progress:
    return trial_progress(n_trials, n_sig, n_threads, logging) if isinstance(logging, bool) else logging


def contiguous_runs(indices: I64) -> Iterator[tuple[int, int]]:
    """Positions (first, end) of the stretches in which the numbers go up by one.

    Examples
    --------
    >>> list(contiguous_runs(np.array([3, 4, 5, 9, 10])))
    [(0, 3), (3, 5)]
    """
    edges = np.flatnonzero(np.diff(indices) != 1) + 1
    bounds = [0, *edges.tolist(), len(indices)]
    yield from ((a, z) for a, z in itertools.pairwise(bounds) if z > a)


def fit_chunk(runner: FitsTrials, numbers: Sequence[int], how: dict[str, Any], n_threads: int) -> NDArray[np.void]:
    """Rows of some trials as a plain array, which travels lighter than what a runner gives.

    Parameters
    ----------
    runner : FitsTrials
    numbers : sequence of int
        Trial numbers.
    how : dict
        ``n_sig``, ``poisson``, ``seed``.
    n_threads : int
    """
    return np.array(runner.fit_trials(numbers, **how, n_threads=n_threads).view(np.ndarray))


class _Batch:
    """Rows of one batch as they come in."""

    def __init__(
        self, runner: FitsTrials, numbers: I64, n_sig: float, poisson: bool, seed: int, store: KeepsTrials | None
    ) -> None:
        self.runner = runner
        self.numbers = numbers
        self.how: dict[str, Any] = {"n_sig": n_sig, "poisson": poisson, "seed": seed}
        self.store = store
        self.done = np.zeros(len(numbers), dtype=bool)
        self.n_done = 0
        self.rows: NDArray[np.void] | None = None

    def take_stored(self) -> None:
        assert self.store is not None
        where = {"n_sig": self.how["n_sig"], "poisson": self.how["poisson"], "seed": self.how["seed"]}
        for first, end in contiguous_runs(self.numbers):
            start, stop = int(self.numbers[first]), int(self.numbers[end - 1]) + 1
            gaps = self.store.missing(**where, start=start, stop=stop)
            edges = [start, *(edge for gap in gaps for edge in gap), stop]
            for a, z in zip(edges[::2], edges[1::2], strict=True):
                found = self.store.read_range(**where, start=a, stop=z) if z > a else None
                if found is not None:
                    self._put(first + a - start, found)

    def stretches(self) -> Iterator[Chunk]:
        """What is not done yet, in stretches of consecutive trial numbers."""
        missing = np.flatnonzero(~self.done)
        for first, end in contiguous_runs(missing):
            for a, z in contiguous_runs(self.numbers[missing[first:end]]):
                yield int(missing[first]) + a, int(missing[first]) + z

    def chunks(self, size: int) -> list[Chunk]:
        """The same in pieces."""
        return [(i, min(i + size, high)) for low, high in self.stretches() for i in range(low, high, size)]

    def keep(self, first: int, rows: NDArray[np.void]) -> None:
        """Take the rows of one chunk, and store them."""
        try:
            if self.store is not None and len(rows):
                self.store.append(np.asarray(rows), start=int(self.numbers[first]), **self.how)
        finally:
            self._put(first, rows)  # Ctrl-C in the middle of writing must not lose them for the caller, too

    def _put(self, first: int, rows: NDArray[np.void]) -> None:
        if self.rows is None:
            self.rows = np.zeros(len(self.numbers), dtype=rows.dtype)
        self.rows[first : first + len(rows)] = rows
        self.n_done += len(rows) - int(np.count_nonzero(self.done[first : first + len(rows)]))
        self.done[first : first + len(rows)] = True

    def partial(self) -> tuple[NDArray[np.void], I64]:
        """The finished trials and their numbers."""
        rows = np.zeros(0, dtype=[("ts", "f8")]) if self.rows is None else self.rows[self.done]
        return rows, self.numbers[self.done]

    def run_growing(self, size: int, n_threads: int, progress: Progress) -> None:
        """Chunks that take some seconds each: what a kill may cost, without a file for every handful of trials."""
        progress.resume(self.n_done)
        while pieces := self.chunks(size):
            start = monotonic()
            self.run_here(pieces[:1], n_threads, progress)
            if monotonic() - start < _SECONDS_A_SHARD:
                size *= 2

    def run_here(self, chunks: Sequence[Chunk], n_threads: int, progress: Progress) -> None:
        for a, z in chunks:
            try:
                rows = self.runner.fit_trials(self.numbers[a:z], **self.how, n_threads=n_threads)
            except InterruptedBatch as interrupted:
                for first, end in contiguous_runs(interrupted.indices):
                    self.keep(a + int(interrupted.indices[first] - self.numbers[a]), interrupted.partial[first:end])
                raise InterruptedBatch(*self.partial(), len(self.numbers)) from None
            except KeyboardInterrupt:
                raise InterruptedBatch(*self.partial(), len(self.numbers)) from None
            self.keep(a, rows)
            progress.update(self.n_done)

    def run_on(
        self,
        executor: Executor | Callable[[], Executor],
        size: int | None,
        n_threads: int,
        spool: str | os.PathLike[str] | None,
        retries: int,
        progress: Progress,
    ) -> None:
        def arguments(a: int, z: int) -> tuple[Any, ...]:
            first = int(self.numbers[a])
            return range(first, first + z - a), self.how, n_threads

        def waiting(workers: int) -> None:
            progress.update(self.n_done, note="" if workers else "waiting for workers")

        pieces = run_pieces(
            self.runner, fit_chunk, self.stretches(), arguments,
            size=size, executor=executor, spool=spool, retries=retries, waiting=waiting,
        )  # fmt: skip
        progress.resume(self.n_done)
        try:
            with contextlib.closing(pieces) as results:
                for (a, _), rows in results:
                    if hasattr(self.runner, "fill_p"):
                        self.runner.fill_p(rows)  # the workers have no ts_to_p
                    self.keep(a, rows)
                    progress.update(self.n_done)
        except LostTask as lost:
            ranges = ", ".join(f"{self.numbers[a]}:{self.numbers[z - 1] + 1}" for a, z in lost.tasks)
            done = f"{self.n_done} of {len(self.numbers)} trials"
            raise LostBatch(lost.told(f"trials {ranges}", done), *self.partial()) from lost.error
        except KeyboardInterrupt:
            raise InterruptedBatch(*self.partial(), len(self.numbers)) from None
