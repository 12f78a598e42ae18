"""csky's `timing`: how long a part of a script takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import perf_counter

__all__ = ["Timer"]


class Timer:
    """Prints how long the lines of a block took.

    Examples
    --------
    >>> with Timer().time("fit"):                            # doctest: +SKIP
    ...     trials = tr.get_many_fits(1000)
    fit...
    0:00:01.234567 elapsed.
    """

    @contextmanager
    def time(self, label: str = "") -> Iterator[None]:
        """Print `label` before the block, and its duration after it, whatever happens inside.

        Parameters
        ----------
        label : str
        """
        if label:
            sys.stdout.write(f"{label}...\n")
        start = perf_counter()
        try:
            yield
        finally:
            sys.stdout.write(f"{timedelta(seconds=perf_counter() - start)} elapsed.\n")
