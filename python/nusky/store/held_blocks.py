"""`HeldBlocks`: which block is in which shard of a journal, kept up to date at little cost."""

from __future__ import annotations

from collections.abc import Mapping

from nusky.files.journal import Journal
from nusky.files.shard import Shard
from nusky.store.block import Block, BlockSets, block_of

__all__ = ["HeldBlocks"]

_MANY = 16  # changes at once: opened, or small shards joined


class HeldBlocks:
    """Shards by block; follows the changes of the journal.

    Parameters
    ----------
    journal : Journal
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0  # changes of the journal that the three below know
        self._shards: dict[Block, Shard] = {}
        self._sets = BlockSets([])
        self._sorted: tuple[Block, ...] | None = None

    @property
    def shards(self) -> Mapping[Block, Shard]:
        """Shards by block, in no order."""
        self._follow()
        return self._shards

    @property
    def sets(self) -> BlockSets:
        """The blocks, in the order of their trials."""
        self._follow()
        return self._sets

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, sorted."""
        self._follow()
        if self._sorted is None:
            self._sorted = tuple(sorted(self._shards))
        return self._sorted

    def _follow(self) -> None:
        changes = self._journal.changes
        if self._seen == len(changes):
            return
        fresh = changes[self._seen :]
        self._seen, self._sorted = len(changes), None
        if not self._shards or len(fresh) > _MANY:  # sorted once instead of one by one
            self._shards = {block_of(shard.meta): shard for shard in self._journal.shards}
            self._sets = BlockSets(sorted(self._shards))
            return
        for added, shard in fresh:
            block = block_of(shard.meta)
            if added and block not in self._shards:
                self._sets.add(block)
            if added:
                self._shards[block] = shard
            elif self._shards.get(block) is shard:
                del self._shards[block]
                self._sets.remove(block)
