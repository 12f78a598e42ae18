"""Many trial stores into one: what a job array leaves behind becomes a few large shards."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.progress import Progress
from nusky.store.block import Block
from nusky.store.joining import ROWS_PER_SHARD
from nusky.store.trials import TrialStore

__all__ = ["merge"]


def merge(
    out: str | os.PathLike[str],
    sources: Iterable[str | os.PathLike[str] | TrialStore],
    *,
    mix_versions: bool = False,
    logging: bool = False,
) -> TrialStore:
    """Copy the trials of several stores into one, in large shards.

    Configurations are checked before anything is written. Trials that `out` already has are compared and left alone,
    so an interrupted merge is simply started again. The sources stay as they are.

    Parameters
    ----------
    out : path-like
        Directory of the new store, or of one to add to.
    sources : iterable of path-like or TrialStore
        Directories of stores, or the stores, with one and the same configuration.
    mix_versions : bool
        Accept trials of different versions of the code.
    logging : bool
        Print progress.

    Returns
    -------
    TrialStore
        The merged store. Damaged shards of the sources are left out and logged by name; `TrialStore.problems` of the
        source lists them.

    Raises
    ------
    ValueError
        If configurations differ (each key is named), or two sources hold different results for the same trials. Ranges
        may overlap where the results are equal.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> where = tempfile.mkdtemp()
    >>> for job in range(2):
    ...     store = TrialStore(f"{where}/job{job}", config={"nside": 64})
    ...     store.append(np.zeros(5, dtype=[("ts", "f8")]), seed=1, start=5 * job)
    >>> merge(f"{where}/all", [f"{where}/job0", f"{where}/job1"]).blocks
    (Block(n_sig=0.0, poisson=False, seed=1, start=0, stop=10),)
    """
    stores = [s if isinstance(s, TrialStore) else TrialStore(s, mix_versions=mix_versions) for s in sources]
    if not stores:
        raise ValueError("sources is empty: give at least one store to merge")
    first = stores[0]
    for store in stores[1:]:
        first.identity.require_same(store.identity, str(first.path), mix_versions=mix_versions)
    pieces = sorted(((block, i) for i, store in enumerate(stores) for block in store.blocks), key=lambda piece: piece)
    merged = TrialStore(out, first.config, mix_versions=mix_versions)
    joined = _Joined(merged)
    header = f"Merging {sum(len(block) for block, _ in pieces)} trials in {len(pieces)} parts:"
    with Progress(header, len(pieces), "parts", logging) as progress:
        for n_read, (block, i) in enumerate(pieces):
            progress.update(n_read)
            rows = stores[i].read_range(**block.where)
            if rows is not None:  # else damaged: already logged by name
                joined.add(block, rows, str(stores[i].path))
        joined.flush()
    return merged


class _Joined:
    """Rows on their way into a store: pieces of one run of trials become one shard."""

    def __init__(self, merged: TrialStore) -> None:
        self._merged = merged
        self._block: Block | None = None  # what `_rows` hold, not yet written
        self._rows: list[NDArray[Any]] = []
        self._stored: tuple[Block, NDArray[Any]] | None = None  # a stretch of the store, read once for many pieces

    def add(self, block: Block, rows: NDArray[Any], who: str) -> None:
        """Take one piece; trials that are there already must be equal, and are not written again."""
        if self._block is not None and self._block.overlaps(block):
            self.flush()
        gaps = self._merged.missing(**block.where)
        for start, stop in _between(block, gaps):
            there = self._read(Block(block.n_sig, block.poisson, block.seed, start, stop))
            _require_equal(there, rows[start - block.start : stop - block.start], block, f"{who} and another source")
        for start, stop in gaps:
            piece = Block(block.n_sig, block.poisson, block.seed, start, stop)
            self._take(piece, rows[start - block.start : stop - block.start])

    def _take(self, block: Block, rows: NDArray[Any]) -> None:
        run = self._block
        joins = run is not None and run.set_key == block.set_key and run.stop == block.start
        if run is not None and not (joins and block.stop - run.start <= ROWS_PER_SHARD):
            self.flush()
        first = block if self._block is None else self._block
        self._block = Block(block.n_sig, block.poisson, block.seed, first.start, block.stop)
        self._rows.append(rows)

    def flush(self) -> None:
        """Write what is held."""
        if self._block is not None:
            where = {name: value for name, value in self._block.where.items() if name != "stop"}
            self._merged.append(np.concatenate(self._rows), **where)
        self._block, self._rows = None, []

    def _read(self, block: Block) -> NDArray[Any] | None:
        """Rows of the store; as many as a shard holds are read at once, because the next pieces follow."""
        held = self._stored
        if held is None or not (
            held[0].set_key == block.set_key and held[0].start <= block.start and block.stop <= held[0].stop
        ):
            wide = {**block.where, "stop": block.start + max(ROWS_PER_SHARD, len(block))}
            gaps = self._merged.missing(**wide)
            end = gaps[0][0] if gaps else wide["stop"]
            rows = self._merged.read_range(**{**wide, "stop": end}) if end >= block.stop else None
            if rows is None:
                return self._merged.read_range(**block.where)
            held = self._stored = (Block(block.n_sig, block.poisson, block.seed, block.start, end), rows)
        return held[1][block.start - held[0].start : block.stop - held[0].start]


def _between(block: Block, gaps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges of a block that are not in its gaps."""
    edges = [block.start, *(edge for gap in gaps for edge in gap), block.stop]
    return [(a, z) for a, z in zip(edges[::2], edges[1::2], strict=True) if z > a]


def _require_equal(a: NDArray[Any] | None, b: NDArray[Any], block: Block, who: str) -> None:
    # bytes, so that NaN equals NaN
    if a is None or a.tobytes() != b.tobytes():
        raise ValueError(f"{who} hold different results for {block}: one of them is wrong; verify both stores")
