"""Many trials on threads, with Ctrl-C that keeps what is finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from nusky.progress import Progress
from nusky.typing import I64

__all__ = ["InterruptedBatch", "check_indices", "fit_batch", "share_threads"]

# Bytes that one event of one trial takes while it is fitted: its right ascension and its place in the core's index
_BYTES_PER_EVENT = 150
_MEMORY_FOR_TRIALS = 2e9
# Neighbouring trials whose right ascensions come from one block of random numbers
_BLOCK = 4
_PIECE = 0.2  # seconds of a call for several trials
_POLL = 0.1  # seconds between looks at progress and Ctrl-C


class InterruptedBatch(KeyboardInterrupt):
    """Ctrl-C came in the middle of a batch; the finished trials are in `partial`.

    A KeyboardInterrupt, so that a script stops as it should and does not go on with fewer trials than it asked for. In
    an interactive session: ``sys.last_value.partial``.

    Attributes
    ----------
    partial : (M,) structured array
        The finished trials.
    indices : (M,) int64
        Their numbers in the batch; ``get_many_fits(..., first_trial=...)`` with the same seed makes the others.
    n_trials : int
        How many were asked for.

    Examples
    --------
    >>> try:
    ...     raise InterruptedBatch(np.zeros(2, dtype=[("ts", "f8")]), np.array([0, 1]), 1000)
    ... except InterruptedBatch as stopped:
    ...     print(len(stopped.partial), "of", stopped.n_trials)
    2 of 1000
    """

    def __init__(self, partial: NDArray[np.void], indices: I64, n_trials: int) -> None:
        self.partial = partial
        self.indices = indices
        self.n_trials = n_trials
        super().__init__(
            f"interrupted after {len(partial)} of {n_trials} trials; they are kept in this exception's .partial "
            "(sys.last_value.partial in an interactive session), their numbers in .indices"
        )


def check_indices(indices: Sequence[int] | I64) -> I64:
    """Trial numbers as int64, checked.

    Raises
    ------
    TypeError, ValueError
        Not integers, not one-dimensional, negative.

    Examples
    --------
    >>> check_indices(range(3))
    array([0, 1, 2])
    """
    array = np.asarray(indices)
    if array.ndim != 1:
        raise ValueError(f"indices must be one-dimensional, got shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers, got dtype {array.dtype}")
    if array.size and array.min() < 0:
        raise ValueError(f"trial numbers must not be negative, got {array.min()}")
    return np.ascontiguousarray(array, dtype=np.int64)  # the core takes no strided array


def share_threads(n_trials: int, n_threads: int, n_events: int) -> tuple[int, int]:
    """Decide how many trials run at once and how many threads each one gets.

    One trial per thread is fastest: nothing is shared. A few trials, or trials too large to hold one per thread in
    2 GB, use all threads inside each trial.

    Parameters
    ----------
    n_trials, n_threads : int
    n_events : int
        Events of one trial.

    Returns
    -------
    at_once, threads_each : int

    Examples
    --------
    >>> share_threads(1000, 8, 136_264), share_threads(1, 8, 136_264), share_threads(1000, 64, 1_100_000)
    ((8, 1), (1, 8), (12, 5))
    """
    if n_trials < n_threads:
        return 1, n_threads
    room = max(1, int(_MEMORY_FOR_TRIALS / (_BYTES_PER_EVENT * max(1, n_events))))
    at_once = max(1, min(n_threads, n_trials, room))
    return at_once, max(1, n_threads // at_once)


class _Pieces:
    """What is left of a batch, in pieces of whole blocks that take about `_PIECE`."""

    def __init__(self, n: int, most: int) -> None:
        self._n, self._next = n, 0
        self._most = most if most < _BLOCK else most - most % _BLOCK
        self._size = min(most, _BLOCK)
        self._lock = threading.Lock()

    def take(self) -> slice | None:
        """The next piece; None: there is nothing left."""
        with self._lock:
            first, self._next = self._next, min(self._n, self._next + self._size)
            return None if first == self._n else slice(first, self._next)

    def took(self, n: int, seconds: float) -> None:
        """So many trials took so long: the next pieces are longer or shorter."""
        with self._lock:
            if n == self._size and seconds < 0.5 * _PIECE:
                self._size = min(2 * n, self._most)
            elif n == self._size and seconds > 2.0 * _PIECE:
                self._size = max(n // 2 - n // 2 % _BLOCK, min(n, _BLOCK))


def fit_batch(
    fit_some: Callable[[I64, int], NDArray[np.void]],
    indices: I64,
    dtype: np.dtype[np.void],
    n_threads: int,
    n_events: int,
    progress: Progress | None = None,
    together: int = 1,
) -> NDArray[np.void]:
    """Fit trials and collect one row each; the result depends on the indices only, not on the threads.

    Parameters
    ----------
    fit_some : callable
        ``fit_some(indices, n_threads) -> rows``; must release the GIL where it works.
    indices : (n,) int64
    dtype : structured dtype of a row
    n_threads : int
    n_events : int
        Events of one trial, for `share_threads`.
    progress : Progress, optional
    together : int
        Trials of one call of `fit_some` at most; fewer where they take long, so that progress shows and little is lost
        at Ctrl-C.

    Returns
    -------
    (n,) record array

    Raises
    ------
    InterruptedBatch
        On Ctrl-C, with the finished trials.
    """
    n = len(indices)
    out = np.zeros(n, dtype=dtype)
    done = np.zeros(n, dtype=bool)
    at_once, threads_each = share_threads(n, n_threads, n_events)
    # Some calls for each thread, so that all end together
    pieces = _Pieces(n, min(together, n if at_once == 1 else max(1, n // (4 * at_once))))
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set() and (some := pieces.take()) is not None:
            began = time.perf_counter()
            out[some] = fit_some(indices[some], threads_each)
            done[some] = True
            pieces.took(some.stop - some.start, time.perf_counter() - began)
            if at_once == 1 and progress is not None:
                progress.update(some.stop)

    try:
        if at_once == 1:
            work()
        else:
            _run_threads(work, at_once, stop, done, progress)
    except KeyboardInterrupt:
        raise InterruptedBatch(out[done].view(np.recarray), indices[done], len(indices)) from None
    return out.view(np.recarray)


def _run_threads(
    work: Callable[[], None],
    at_once: int,
    stop: threading.Event,
    done: NDArray[np.bool_],
    progress: Progress | None,
) -> None:
    with ThreadPoolExecutor(at_once, thread_name_prefix="nusky-trials") as pool:
        futures: set[Future[None]] = {pool.submit(work) for _ in range(at_once)}
        try:
            pending = futures
            while pending:
                finished, pending = wait(pending, timeout=_POLL, return_when=FIRST_EXCEPTION)
                if progress is not None:
                    progress.update(int(np.count_nonzero(done)))
                for future in finished:
                    future.result()
        finally:
            # After an error or Ctrl-C the others finish the trial they are in, and leaving the pool waits for them
            stop.set()
