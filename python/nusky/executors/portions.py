"""`Portions`: work cut into tasks by how fast it goes and by how many workers wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

__all__ = ["Portions"]

_SECONDS = 10.0  # of a task: long against what sending it takes, short against what losing it costs
_SHORTEST = 0.5
_GROWTH = 16  # no task is longer than this many times the longest one that has come back
_MEMORY = 0.5  # share of an earlier measurement at each new one


class Portions:
    """Cuts ranges into tasks of some 10 s each, smaller ones towards the end so that no worker is left alone at work.

    Parameters
    ----------
    runs : iterable of (first, end)
        What is to be done, in order.
    size : int, optional
        Items of every task; by default they are measured: the first are of one item.
    largest : int
        Items of a task at most.

    Examples
    --------
    >>> work = Portions([(0, 10_000), (20_000, 20_010)])
    >>> work.take(2), work.take(2)
    ((0, 1), (1, 2))
    >>> work.note(1, 0.001)
    >>> work.take(2)
    (2, 18)
    """

    def __init__(self, runs: Iterable[tuple[int, int]], size: int | None = None, largest: int = 100_000) -> None:
        self._runs = deque((a, z) for a, z in runs if z > a)
        self._size = size
        self._largest = largest
        self._longest = 0  # items of the longest task that has come back
        self._items = 0.0  # decaying sums
        self._seconds = 0.0
        self.left = sum(z - a for a, z in self._runs)

    def take(self, n_workers: int) -> tuple[int, int] | None:
        """The next task; None if nothing is left.

        Parameters
        ----------
        n_workers : int
            Tasks that run at once.
        """
        if not self._runs:
            return None
        first, end = self._runs[0]
        stop = min(first + self._next_size(max(n_workers, 1)), end)
        if stop == end:
            self._runs.popleft()
        else:
            self._runs[0] = (stop, end)
        self.left -= stop - first
        return first, stop

    def note(self, n_items: int, seconds: float) -> None:
        """A task of so many items took so long, without the opening of the runner."""
        self._longest = max(self._longest, n_items)
        self._items = _MEMORY * self._items + n_items
        self._seconds = _MEMORY * self._seconds + seconds

    def _next_size(self, n_workers: int) -> int:
        if self._size is not None:
            return self._size
        if self._longest == 0:
            return 1
        rate = self._items / max(self._seconds, 1e-9)
        even = max(self.left / (2 * n_workers), _SHORTEST * rate)
        return max(1, int(min(_SECONDS * rate, even, _GROWTH * self._longest, self._largest)))
