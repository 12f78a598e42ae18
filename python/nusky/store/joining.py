"""Which small shards of a store become one large: a rule that depends on what is stored only.

Trials are numbered, and windows of 100, 10⁴ and 10⁵ of them are joined once all their trials are there. Two processes
that see a window filled at the same instant therefore write the same file, and nobody needs a lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.files.journal import Journal
from nusky.files.shard import Replaced, Shard
from nusky.store.block import Block, BlockSets

__all__ = ["ROWS_PER_SHARD", "WINDOWS", "RecentRows", "full_windows", "join_shards", "parts_to_join"]

ROWS_PER_SHARD = 100_000
"""Rows of a large shard: a few MB, so that opening 10⁷ trials opens a hundred files."""

WINDOWS = (100, 10_000, ROWS_PER_SHARD)
"""Trials of a window, ascending."""

_FEWEST = 8  # shards worth the writing of another file


def parts_to_join(sets: BlockSets, added: Block) -> list[Block]:
    """Blocks that can become one because `added` has completed their window; empty where there are none.

    Parameters
    ----------
    sets : BlockSets
    added : Block
        One of them.

    Examples
    --------
    >>> blocks = [Block(0.0, False, 1, a, a + 10) for a in range(0, 100, 10)]
    >>> len(parts_to_join(BlockSets(blocks), blocks[3])), parts_to_join(BlockSets(blocks[:9]), blocks[3])
    (10, [])
    """
    for width in WINDOWS:
        for window in {added.start // width, (added.stop - 1) // width}:
            parts = _filled(sets, added.set_key, window, width)
            if parts:
                return parts
    return []


def full_windows(blocks: Sequence[Block], width: int) -> list[list[Block]]:
    """All windows of this many trials that can be joined, of sorted blocks."""
    sets = BlockSets(blocks)
    windows = dict.fromkeys((b.set_key, b.start // width) for b in blocks)
    found = [_filled(sets, set_key, window, width) for set_key, window in windows]
    return [parts for parts in found if parts]


class RecentRows:
    """Columns of the blocks that this process wrote last: joining them reads no file."""

    def __init__(self) -> None:
        self._columns: dict[Block, dict[str, NDArray[Any]]] = {}
        self._rows = 0

    def put(self, block: Block, columns: dict[str, NDArray[Any]]) -> None:
        """Remember a block, and forget the oldest beyond two large shards."""
        self.take(block)
        self._rows += len(block)
        self._columns[block] = columns
        while self._rows > 2 * ROWS_PER_SHARD:
            oldest = next(iter(self._columns))
            self._rows -= len(oldest)
            del self._columns[oldest]

    def take(self, block: Block) -> dict[str, NDArray[Any]] | None:
        """Columns of a block, which is forgotten; None if it is not among the last."""
        found = self._columns.pop(block, None)
        self._rows -= len(block) if found is not None else 0
        return found


def join_shards(
    journal: Journal, parts: Sequence[Block], shards: Mapping[Block, Shard], recent: RecentRows
) -> Block | None:
    """Make one shard of adjacent ones.

    Parameters
    ----------
    journal : Journal
    parts : sequence of Block, adjacent and ascending
    shards : mapping from block to its shard
    recent : RecentRows

    Returns
    -------
    Block or None
        None where one of them is damaged, or another process has joined them meanwhile.
    """
    first = parts[0]
    block = Block(first.n_sig, first.poisson, first.seed, first.start, parts[-1].stop)
    pieces = []
    try:
        for part in parts:
            arrays = recent.take(part)
            arrays = journal.read(shards[part]) if arrays is None else arrays
            if arrays is None:
                return None
            pieces.append(arrays)
    except Replaced:
        return None
    meta = dict(shards[first].meta)
    meta.pop("replaces", None)
    levels = sorted({level for part in parts for level in shards[part].meta.get("instructions", "").split(", ")})
    meta |= {**vars(block), "instructions": ", ".join(level for level in levels if level)}
    columns = [name for name, _ in meta["columns"]]
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in columns}
    journal.join(block.file_name, [shards[part] for part in parts], joined, meta)
    recent.put(block, joined)
    return block


def _filled(sets: BlockSets, set_key: tuple[float, bool, int], window: int, width: int) -> list[Block]:
    low, high = window * width, (window + 1) * width
    parts, before = sets.starting(set_key, low, high)
    if len(parts) < _FEWEST or parts[-1].stop < high or parts[0].start > max(low, before):
        return []
    return parts if all(a.stop == b.start for a, b in itertools.pairwise(parts)) else []
