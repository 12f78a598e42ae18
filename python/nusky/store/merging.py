"""Many trial stores into one: what a job array leaves behind becomes a few large shards."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.progress import Progress
from nusky.store.block import Block
from nusky.store.trials import TrialStore

__all__ = ["ROWS_PER_SHARD", "merge"]

ROWS_PER_SHARD = 100_000
"""Rows of a shard that `merge` writes: a few MB, so that opening 10⁷ trials opens a hundred files."""


def merge(
    out: str | os.PathLike[str],
    sources: Iterable[str | os.PathLike[str]],
    *,
    mix_versions: bool = False,
    logging: bool = False,
) -> TrialStore:
    """Copy the trials of several stores into one, in large shards.

    Everything is checked before anything is written. Blocks that `out` already has are compared and left alone, so an
    interrupted merge is simply started again. The sources stay as they are.

    Parameters
    ----------
    out : path-like
        Directory of the new store, or of one to add to.
    sources : iterable of path-like
        Directories of stores with one and the same configuration.
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
        If configurations differ (each key is named), ranges overlap without being the same, or two sources hold
        different results for the same trials.

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
    stores = [TrialStore(source, mix_versions=mix_versions) for source in sources]
    if not stores:
        raise ValueError("sources is empty: give at least one store to merge")
    first = stores[0]
    for store in stores[1:]:
        first.identity.require_same(store.identity, str(first.path), mix_versions=mix_versions)
    pieces = sorted(((block, i) for i, store in enumerate(stores) for block in store.blocks), key=lambda piece: piece)
    for (a, i), (b, j) in itertools.pairwise(pieces):
        if a != b and a.set_key == b.set_key and b.start < a.stop:
            raise ValueError(
                f"{stores[i].path / a.file_name} and {stores[j].path / b.file_name} overlap ({a}; {b}): "
                "give every job its own range of trials"
            )
    merged = TrialStore(out, first.config, mix_versions=mix_versions)
    run: list[tuple[Block, NDArray[Any]]] = []
    header = f"Merging {sum(len(block) for block, _ in pieces)} trials in {len(pieces)} parts:"
    with Progress(header, len(pieces), "parts", logging) as progress:
        for n_read, (block, i) in enumerate(pieces):
            progress.update(n_read)
            rows = stores[i].read_range(**block.where)
            if rows is None:
                continue  # damaged: already logged by name
            if run and block == run[-1][0]:
                _require_equal(run[-1][1], rows, block, f"two of the sources, {stores[i].path} one of them,")
                continue
            if not merged.missing(**_arguments(block), stop=block.stop):
                _require_equal(merged.read_range(**block.where), rows, block, f"{stores[i].path} and {merged.path}")
                continue
            joins = run and run[-1][0].set_key == block.set_key and run[-1][0].stop == block.start
            if run and not (joins and block.stop - run[0][0].start <= ROWS_PER_SHARD):
                _write(merged, run)
                run = []
            run.append((block, rows))
        if run:
            _write(merged, run)
    return merged


def _write(merged: TrialStore, run: list[tuple[Block, NDArray[Any]]]) -> None:
    merged.append(np.concatenate([rows for _, rows in run]), **_arguments(run[0][0]))


def _arguments(block: Block) -> dict[str, Any]:
    return {"n_sig": block.n_sig, "poisson": block.poisson, "seed": block.seed, "start": block.start}


def _require_equal(a: NDArray[Any] | None, b: NDArray[Any], block: Block, who: str) -> None:
    # bytes, so that NaN equals NaN
    if a is None or a.tobytes() != b.tobytes():
        raise ValueError(f"{who} hold different results for {block}: one of them is wrong; verify both stores")
