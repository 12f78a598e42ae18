"""Many scan libraries into one: what a job array leaves behind."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from nusky.files.journal import Journal
from nusky.files.shard import Shard
from nusky.progress import Progress
from nusky.store.block import Block, BlockSets
from nusky.store.scans import ScanLibrary
from nusky.store.sparse_scan import SparseScan, unpack

__all__ = ["merge_libraries"]


def merge_libraries(
    out: str | os.PathLike[str],
    sources: Iterable[str | os.PathLike[str] | ScanLibrary],
    *,
    mix_versions: bool = False,
    logging: bool = False,
) -> ScanLibrary:
    """Bring the scans of several libraries into one; files are linked, or copied where they cannot be.

    Every file is read, so that damaged ones stay out. What `out` has already is compared and left alone: an interrupted
    merge is simply started again. The sources stay as they are.

    Parameters
    ----------
    out : path-like
        Directory of the new library, or of one to add to.
    sources : iterable of path-like or ScanLibrary
        Directories of libraries, or the libraries, of one and the same configuration.
    mix_versions : bool
        Accept scans of different versions of the code.
    logging : bool
        Print progress.

    Returns
    -------
    ScanLibrary
        Damaged files of the sources are left out and logged by name.

    Raises
    ------
    ValueError
        If configurations differ (each key is named), or two sources hold different results for the same scans. Ranges
        may overlap where the results are equal.

    Examples
    --------
    >>> library = merge_libraries("scans", ["parts/0", "parts/1"])               # doctest: +SKIP
    """
    libraries = [s if isinstance(s, ScanLibrary) else ScanLibrary(s, mix_versions=mix_versions) for s in sources]
    if not libraries:
        raise ValueError("sources is empty: give at least one library to merge")
    first = libraries[0].journal
    for library in libraries[1:]:
        first.identity.require_same(library.journal.identity, str(first.path), mix_versions=mix_versions)
    merged = Journal(out, first.identity, mix_versions=mix_versions)
    shards = [(shard, library.journal) for library in libraries for shard in library.journal.shards]
    n_bytes = sum(shard.n_bytes for shard, _ in shards)
    header = f"Merging {len(libraries)} libraries, {n_bytes / 1e6:.0f} MB:"
    held = _Held(merged)
    with Progress(header, len(shards), "files", logging) as progress:
        for n, (shard, journal) in enumerate(sorted(shards, key=lambda pair: _block(pair[0]))):
            progress.update(n)
            held.add(shard, journal)
    merged.sync()
    return ScanLibrary(out, mix_versions=mix_versions)


class _Held:
    """Shards of the library that is made, found by the scans they hold."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._shards = {_block(shard): shard for shard in journal.shards}
        self._sets = BlockSets(sorted(self._shards))

    def add(self, shard: Shard, source: Journal) -> None:
        """Take a shard; scans that are there must be equal."""
        block = _block(shard)
        same = self._sets.overlapping(block)
        if any(_one_file(self._journal, self._shards[other], source, shard) for other in same):
            return
        arrays = source.read(shard)
        if arrays is None:  # damaged: already logged by name
            return
        scans = unpack(arrays)
        new = np.ones(len(block), dtype=bool)
        for other in same:
            there = self._journal.read(self._shards[other])
            if there is None:
                self._sets.remove(other)
                self._journal.retire(self._shards.pop(other).name)
                continue
            for k, scan in enumerate(unpack(there), other.start):
                if block.start <= k < block.stop:
                    _require_equal(scan, scans[k - block.start], f"{source.path} and another source", k, block.seed)
                    new[k - block.start] = False
        if new.any():
            self._shards[block] = self._journal.take(source, shard)
            self._sets.add(block)


def _block(shard: Shard) -> Block:
    return Block(0.0, False, int(shard.meta["seed"]), int(shard.meta["start"]), int(shard.meta["stop"]))


def _one_file(a: Journal, shard_a: Shard, b: Journal, shard_b: Shard) -> bool:
    """Whether both are links to the same file."""
    return shard_a.name == shard_b.name and os.path.samefile(
        a.path / "shards" / shard_a.name, b.path / "shards" / shard_b.name
    )


def _require_equal(a: SparseScan, b: SparseScan, who: str, number: int, seed: int) -> None:
    # bytes, so that NaN equals NaN
    if any(getattr(a, name).tobytes() != getattr(b, name).tobytes() for name in ("pixel", "ts", "ns", "gamma")):
        raise ValueError(f"{who} hold different scans {number} of seed {seed}: one of them is wrong; verify both")
