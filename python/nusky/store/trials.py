"""`TrialStore`: trials on disk that survive a kill, know where they came from, and never mix.

A store holds the trials of one configuration. They are addressed by seed, injected signal and trial index; what is
there is never made twice (`missing`), what overlaps is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.files.identity import Identity
from nusky.files.journal import Journal, without_collection
from nusky.files.shard import Problem, Replaced, Shard
from nusky.store.block import Block, block_of, checked_block, overlap_within
from nusky.store.columns import check_trials, column_names, find_column, with_named_ts, without_named_ts
from nusky.store.export import export_trials
from nusky.store.held_blocks import HeldBlocks
from nusky.store.joining import WINDOWS, RecentRows, full_windows, join_shards, parts_to_join
from nusky.version import code_version

if TYPE_CHECKING:
    import pandas

__all__ = ["TrialStore"]

FORMAT = "nusky-trials-1"


class TrialStore:
    """Append-only store of trials of one configuration.

    Parameters
    ----------
    path : path-like
        Directory.
    config : mapping, optional
        JSON-able configuration the trials are made with, as a runner's ``config()`` gives it: data hash, likelihood,
        prior policy, pixels. None opens an existing store as it is; otherwise the store is made, or must have this one.
    mix_versions : bool
        Accept trials that another version of the code made.

    Raises
    ------
    FileNotFoundError
        If `config` is None and there is no store.
    ValueError
        If the store has another configuration: every key that differs is named with both values.
    TypeError
        If `config` is nothing that JSON can hold.

    Examples
    --------
    >>> import tempfile
    >>> rows = np.zeros(3, dtype=[("ts", "f8"), ("ns", "f8")])
    >>> store = TrialStore(tempfile.mkdtemp() + "/bg", config={"analysis": "demo", "prior": {"weight": 2.0}})
    >>> store.append(rows, seed=1, start=0)
    >>> store.missing(seed=1, start=0, stop=10)
    [(3, 10)]
    >>> TrialStore(store.path).read(n_sig=0)["trial"]
    array([0, 1, 2])
    """

    def __init__(
        self, path: str | os.PathLike[str], config: Mapping[str, Any] | None = None, *, mix_versions: bool = False
    ) -> None:
        identity = None if config is None else Identity(FORMAT, code_version(), _json(config))
        with without_collection():
            self._journal = Journal(path, identity, mix_versions=mix_versions)
            if self._journal.identity.format != FORMAT:
                raise ValueError(
                    f"{path} has the format {self._journal.identity.format!r}, not that of a trial store, {FORMAT!r}"
                )
            self._held = HeldBlocks(self._journal)
            self._recent = RecentRows()
            self._looked = False  # for shards that a killed process has left to be joined
            _ = self._index

    @property
    def path(self) -> Path:
        """Directory of the store."""
        return self._journal.path

    @property
    def identity(self) -> Identity:
        """Format, code version and configuration of every trial in the store."""
        return self._journal.identity

    @property
    def config(self) -> Mapping[str, Any]:
        """Configuration of every trial in the store."""
        return self._journal.identity.config

    @property
    def config_hash(self) -> str:
        """Hash of `config`."""
        return self._journal.identity.hash

    @property
    def version(self) -> str:
        """Version of the code that made the store."""
        return self._journal.identity.version

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Damaged, missing or foreign shards found so far; `verify` looks at every byte.

        A shard whose trials were all made again is no problem any more.
        """
        return tuple(p for p in self._journal.problems if not self._made_again(p.shard))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What the usable shards hold, sorted."""
        return self._held.blocks

    @property
    def n_sigs(self) -> tuple[float, ...]:
        """Injected signals for which there are trials, ascending."""
        return tuple(sorted({b.n_sig for b in self.blocks}))

    def __len__(self) -> int:
        return sum(len(b) for b in self.blocks)

    def __repr__(self) -> str:
        damaged = f", {len(self.problems)} unusable shards" if self.problems else ""
        return f"TrialStore({str(self.path)!r}, {len(self)} trials at {len(self.n_sigs)} n_sig{damaged})"

    def require(self, config: Mapping[str, Any]) -> None:
        """Raise ValueError, naming each key that differs, unless the store's configuration is this one."""
        given = Identity(self.identity.format, code_version(), dict(config))
        self.identity.require_same(given, str(self.path), mix_versions=self._journal.mix_versions)

    def refresh(self) -> None:
        """Look again at what other processes have added."""
        self._journal.refresh()

    def verify(self) -> tuple[Problem, ...]:
        """Read every shard to the last byte and return those that cannot be used."""
        self._journal.verify()
        return self.problems

    def append(self, trials: NDArray[Any], *, seed: int, start: int, n_sig: float = 0.0, poisson: bool = False) -> None:
        """Add one block of trials as one shard; when this returns, no kill of this process can lose it.

        Shards are synced to the disk at most once a second: a power cut may cost the last of them.

        Parameters
        ----------
        trials : (n,) structured array
            Numeric columns, one row a trial, in the order of the trial index.
        seed : int
            Seed of the run.
        start : int
            Index of the first trial; the block is start … start + n − 1.
        n_sig : float
            Injected signal events (their mean if `poisson`).
        poisson : bool
            Whether the number was drawn; without meaning, and ignored, for ``n_sig=0``.

        Raises
        ------
        ValueError
            If the block overlaps one that is there (both are named), the columns differ from those of the store, or an
            argument is out of range.
        OSError
            Full disk or no permission; nothing half-written is left.
        """
        given = np.asarray(trials)
        trials = without_named_ts(given, self.identity.config)
        names = check_trials(trials, start)
        block = checked_block(n_sig, poisson, seed, start, start + len(trials))
        self._journal.follow()
        self._refuse_overlap(block)
        columns = [[name, trials.dtype[name].str] for name in names]
        if self._index and self._stored_columns() != columns:
            stored = column_names(self._stored_columns())
            raise ValueError(f"the store has the columns {stored}, the trials {column_names(columns)}")
        for problem in self._journal.problems:
            lost = self._lost(problem.shard)
            if lost is not None and lost.overlaps(block) and problem.shard != block.file_name:
                self._journal.retire(problem.shard)
        meta = {**vars(block), "columns": columns, "instructions": _core.simd_level()}
        if trials is not given:
            meta["mlog10p_is_ts"] = True
        arrays: dict[str, NDArray[Any]] = {name: np.array(trials[name]) for name in names}
        self._journal.append(block.file_name, arrays, meta)
        self._recent.put(block, arrays)
        if not self._looked and len(self._index) > 1:
            self.join()
        last: Block | None = block
        while last is not None and (parts := parts_to_join(self._held.sets, last)):
            last = join_shards(self._journal, parts, self._index, self._recent)

    def join(self) -> int:
        """Join small shards where windows of 100, 10⁴ or 10⁵ trials are complete; `append` does it in passing.

        Returns
        -------
        int
            How many shards went into larger ones.
        """
        self._looked, n = True, 0
        for width in WINDOWS:
            for parts in full_windows(self.blocks, width):
                n += len(parts) if join_shards(self._journal, parts, self._index, self._recent) is not None else 0
        return n

    def missing(
        self, *, seed: int, start: int, stop: int, n_sig: float = 0.0, poisson: bool = False
    ) -> list[tuple[int, int]]:
        """Ranges of trial indices within start … stop that are not in the store yet, ascending.

        A killed job that asks this first makes only what it lost.
        """
        return self._held.sets.gaps(checked_block(n_sig, poisson, seed, start, stop))

    def next_index(self, seed: int) -> int:
        """Smallest trial index above every one stored with this seed, whatever the signal."""
        return max((b.stop for b in self.blocks if b.seed == seed), default=0)

    def count(self, *, n_sig: float | None = None, seed: int | None = None, poisson: bool | None = None) -> int:
        """Number of stored trials that fit the description."""
        return sum(len(b) for b in self._select(n_sig, seed, poisson))

    def read(
        self,
        *,
        n_sig: float | None = None,
        seed: int | None = None,
        poisson: bool | None = None,
        columns: Sequence[str] | None = None,
    ) -> NDArray[Any]:
        """Stored trials as one structured array, ordered by n_sig, seed and trial index.

        Parameters
        ----------
        n_sig, seed, poisson : optional
            Only trials that fit; None takes all.
        columns : sequence of str, optional
            Only these columns (fewer bytes are read); ``trial``, ``seed`` and ``n_sig`` say where a row came from and
            are part of every result unless `columns` is given without them.

        Returns
        -------
        structured ndarray
            Empty where nothing fits. Shards that turn out to be damaged are left out, logged, and listed in `problems`.

        Raises
        ------
        KeyError
            For a column the store does not have.
        """
        stored = self._columns()
        known = [*stored, ["trial", "<i8"], ["seed", "<u8"], ["n_sig", "<f8"]]
        wanted = known if columns is None else [find_column(name, known) for name in columns]
        while True:
            try:
                blocks = self._select(n_sig, seed, poisson)
                while twice := overlap_within(blocks):
                    self._refuse_unless_damaged(*twice)
                    blocks = self._select(n_sig, seed, poisson)
                return self._read_blocks(blocks, wanted)
            except Replaced:  # another process joins small shards: they are elsewhere now
                continue

    def _read_blocks(self, blocks: Sequence[Block], wanted: Sequence[Sequence[str]]) -> NDArray[Any]:
        out = np.empty(sum(len(b) for b in blocks), dtype=[(name, kind) for name, kind in wanted])
        names = [name for name, _ in wanted]
        at = 0
        shards = self._index
        for b in blocks:
            arrays = self._journal.read(shards[b], [*names, "ts"] if "mlog10p" in names else names)
            if arrays is None:
                continue
            arrays = with_named_ts(arrays)
            rows = out[at : at + len(b)]
            origin = {"trial": np.arange(b.start, b.stop), "seed": b.seed, "n_sig": b.n_sig}
            for name in names:
                rows[name] = arrays[name] if name in arrays else origin[name]
            at += len(b)
        return out[:at]

    def read_range(
        self, *, seed: int, start: int, stop: int, n_sig: float = 0.0, poisson: bool = False
    ) -> NDArray[Any] | None:
        """Stored columns of exactly these trials; None if not all of them are there and readable."""
        block = checked_block(n_sig, poisson, seed, start, stop)
        while True:
            try:
                return self._read_within(block)
            except Replaced:
                continue

    def _read_within(self, block: Block) -> NDArray[Any] | None:
        parts = []
        for b in self._overlapping(block):
            arrays = self._journal.read(self._index[b])
            if arrays is None:
                return None
            inside = slice(max(block.start - b.start, 0), min(block.stop, b.stop) - b.start)
            rows = np.empty(len(b), dtype=[(name, kind) for name, kind in self._columns()])
            for name in rows.dtype.names or ():
                rows[name] = with_named_ts(arrays)[name]
            parts.append(rows[inside])
        found = np.concatenate(parts) if parts else None
        return found if found is not None and len(found) == len(block) else None

    def read_by_n_sig(
        self, *, poisson: bool | None = None, columns: Sequence[str] | None = None
    ) -> dict[float, NDArray[Any]]:
        """{n_sig: trials}, as `find_n_sig` takes them."""
        return {n: self.read(n_sig=n, poisson=None if n == 0 else poisson, columns=columns) for n in self.n_sigs}

    def as_dataframe(self, **selection: Any) -> pandas.DataFrame:
        """`read` as a pandas DataFrame (needs pandas)."""
        import pandas

        return pandas.DataFrame.from_records(self.read(**selection))

    def export(self, path: str | os.PathLike[str], **selection: Any) -> None:
        """Write the trials, selected as in `read`, to ``.h5``/``.hdf5``, ``.parquet`` or ``.npz``."""
        identity = self._journal.identity
        export_trials(path, without_named_ts(self.read(**selection), identity.config), identity)

    def _select(self, n_sig: float | None, seed: int | None, poisson: bool | None) -> list[Block]:
        return [
            b
            for b in self.blocks
            if n_sig in (None, b.n_sig)
            and seed in (None, b.seed)
            and (poisson is None or b.n_sig == 0 or poisson == b.poisson)
        ]

    @property
    def _index(self) -> Mapping[Block, Shard]:
        """Shards by block, in no order."""
        return self._held.shards

    def _overlapping(self, block: Block) -> list[Block]:
        """Stored blocks that share trials with this one, in order."""
        return self._held.sets.overlapping(block)

    def _stored_columns(self) -> list[list[str]]:
        first = next(iter(self._index.values()), None)
        return [] if first is None else [list(column) for column in first.meta["columns"]]

    def _columns(self) -> list[list[str]]:
        stored = self._stored_columns()
        first = next(iter(self._index.values()), None)
        named = first is not None and first.meta.get("mlog10p_is_ts", False)
        return [["mlog10p", find_column("ts", stored)[1]], *stored] if named else stored

    def _refuse_overlap(self, block: Block) -> None:
        for b in self._overlapping(block):
            raise ValueError(
                f"{block} overlap the shard {b.file_name} of {self.path} ({b}): take trials from "
                f"{self.next_index(block.seed)} on, or another seed"
            )

    def _lost(self, name: str) -> Block | None:
        """Trials of a shard that cannot be used; None if nobody knows."""
        held = self._journal.held(name)
        return None if held is None else block_of(held)

    def _made_again(self, name: str) -> bool:
        lost = self._lost(name)
        return lost is not None and not self.missing(
            seed=lost.seed, start=lost.start, stop=lost.stop, n_sig=lost.n_sig, poisson=lost.poisson
        )

    def _refuse_unless_damaged(self, a: Block, b: Block) -> None:
        """Two shards with the same trials: whole ones are an error, a damaged one is found by reading and left out."""
        # append refuses them; two processes that append at the same instant can still make one
        if all(self._journal.read(self._index[block]) is not None for block in (a, b)):
            raise ValueError(
                f"the shards {a.file_name} and {b.file_name} hold the same trials ({a}; {b}): "
                "two processes wrote them at the same time; remove one of the files"
            )


def _json(config: Mapping[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(config)
    except TypeError as error:
        raise TypeError(f"config must be what JSON can hold, numbers, strings, lists and mappings: {error}") from None
    return dict(config)
