"""`Block`: which trials a shard of a store holds."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Block", "BlockSets", "block_of", "checked_block", "overlap_within"]


@dataclass(frozen=True, order=True)
class Block:
    """Trials start … stop − 1 of one seed with one injected signal.

    Examples
    --------
    >>> block = Block(0.0, False, 1, 0, 500)
    >>> len(block), str(block), block.overlaps(Block(0.0, False, 1, 499, 600))
    (500, 'n_sig = 0, seed 1, trials 0:500', True)
    """

    n_sig: float
    poisson: bool
    seed: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def set_key(self) -> tuple[float, bool, int]:
        """What blocks must share to be parts of one run of trials."""
        return (self.n_sig, self.poisson, self.seed)

    def overlaps(self, other: Block) -> bool:
        """Whether a trial is in both."""
        return self.set_key == other.set_key and self.start < other.stop and other.start < self.stop

    @property
    def where(self) -> dict[str, Any]:
        """The arguments of a store's calls that name this block."""
        return {"n_sig": self.n_sig, "poisson": self.poisson, "seed": self.seed, "start": self.start, "stop": self.stop}

    @property
    def file_name(self) -> str:
        """Name of the shard that holds exactly this block."""
        mode = "poisson" if self.poisson else "exact"
        return f"nsig{self.n_sig!r}-{mode}-seed{self.seed}-{self.start:012d}-{self.stop:012d}.npz"

    def __str__(self) -> str:
        return f"n_sig = {self.n_sig:g}, seed {self.seed}, trials {self.start}:{self.stop}"


def block_of(m: Mapping[str, Any]) -> Block:
    """Block of a shard from what the shard says of itself."""
    return Block(float(m["n_sig"]), bool(m["poisson"]), int(m["seed"]), int(m["start"]), int(m["stop"]))


def checked_block(n_sig: float, poisson: bool, seed: int, start: int, stop: int) -> Block:
    """Block of a user's arguments.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range, or could not be kept: a seed has 64 bits.
    """
    if not (np.isfinite(n_sig) and n_sig >= 0):
        raise ValueError(f"n_sig = {n_sig}: the number of injected events must be finite and >= 0")
    for name, value in (("seed", seed), ("start", start), ("stop", stop)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{name} = {value!r} must be an integer")
        if not 0 <= value < (2**64 if name == "seed" else 2**63):
            limit = "2**64" if name == "seed" else "2**63"
            raise ValueError(f"{name} = {value} must not be negative, and be less than {limit}")
    if stop <= start:
        raise ValueError(f"trials {start}:{stop} are no range: give start < stop")
    return Block(float(n_sig), bool(poisson) and n_sig > 0, int(seed), int(start), int(stop))


class BlockSets:
    """Blocks in the order of their trials, one list for each set: finds those that share trials without a look at all.

    Parameters
    ----------
    blocks : iterable of Block, sorted

    Examples
    --------
    >>> blocks = [Block(0.0, False, 1, a, a + 10) for a in (0, 10, 30)]
    >>> [b.start for b in BlockSets(blocks).overlapping(Block(0.0, False, 1, 15, 31))]
    [10, 30]
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._sets: dict[tuple[float, bool, int], tuple[list[Block], list[int], list[int]]] = {}
        for b in blocks:
            members, starts, reach = self._sets.setdefault(b.set_key, ([], [], []))
            members.append(b)
            starts.append(b.start)
            reach.append(max(b.stop, reach[-1]) if reach else b.stop)  # of all up to here: they may overlap each other

    def add(self, block: Block) -> None:
        """Take another block; at the end of its set, where new trials are, this costs next to nothing."""
        members, starts, reach = self._sets.setdefault(block.set_key, ([], [], []))
        insort(members, block)
        at = bisect_left(members, block)
        starts.insert(at, block.start)
        reach.insert(at, block.stop)
        for i in range(at, len(members)):
            furthest = max(members[i].stop, reach[i - 1]) if i else members[i].stop
            if i > at and reach[i] == furthest:
                break
            reach[i] = furthest

    def remove(self, block: Block) -> None:
        """Leave out a block that is there."""
        members, starts, reach = self._sets[block.set_key]
        at = bisect_left(members, block)
        del members[at], starts[at], reach[at]
        for i in range(at, len(members)):
            reach[i] = max(members[i].stop, reach[i - 1]) if i else members[i].stop

    def starting(self, set_key: tuple[float, bool, int], low: int, high: int) -> tuple[list[Block], int]:
        """Those of a set that start in low … high − 1, in order, and where the trials of those before them end."""
        members, starts, reach = self._sets.get(set_key, ([], [], []))
        first, end = bisect_left(starts, low), bisect_left(starts, high)
        return members[first:end], reach[first - 1] if first else 0

    def overlapping(self, block: Block) -> list[Block]:
        """Those that share a trial with `block`, in order."""
        members, starts, reach = self._sets.get(block.set_key, ([], [], []))
        first, end = bisect_right(reach, block.start), bisect_left(starts, block.stop)
        return [b for b in members[first:end] if b.stop > block.start]

    def gaps(self, block: Block) -> list[tuple[int, int]]:
        """Ranges of the trials of `block` that none of the blocks holds, ascending."""
        found, at = [], block.start
        for b in self.overlapping(block):
            if b.start > at:
                found.append((at, b.start))
            at = max(at, b.stop)
        return [*found, (at, block.stop)] if at < block.stop else found


def overlap_within(blocks: Sequence[Block]) -> tuple[Block, Block] | None:
    """The first two of the sorted blocks that share trials."""
    for a, b in itertools.pairwise(blocks):
        if a.overlaps(b):
            return a, b
    return None
