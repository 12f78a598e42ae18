"""`ScanLibrary`: background scans without any prior, kept sparsely, to which any prior is applied afterwards.

Scanning is what costs; a prior only adds a number to each pixel. One library therefore serves every alert, every burst
of a catalogue and every question asked later, and gives the very numbers that fitting with the prior would have given.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.executors.batches import LostBatch, contiguous_runs
from nusky.executors.on_threads import check_indices
from nusky.executors.tasks import LostTask
from nusky.executors.workers import run_pieces
from nusky.files.identity import Identity
from nusky.files.journal import Journal
from nusky.files.shard import Problem
from nusky.injection.seeding import resolve_seed
from nusky.pixels.pixel_set import PixelSet
from nusky.progress import Progress
from nusky.sphere import radians
from nusky.store.p_search import PValueSearch
from nusky.store.prior_search import FIT_DTYPE, PriorSearch, pixel_centres
from nusky.store.sparse_scan import SparseScan, StoredScan, background_config, pixels_of, scan_trials, unpack
from nusky.threads import resolve_threads
from nusky.typing import F64, I64
from nusky.version import code_version

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from nusky.executors.protocols import ScansPixels
    from nusky.trial.sky_scan import SkyScan

__all__ = ["ScanLibrary"]


FORMAT = "nusky-scans-2"

_LARGEST = 20  # scans of a shard, unless asked otherwise


class ScanLibrary:
    """Stored background scans of one configuration.

    Parameters
    ----------
    path : path-like
        Directory.
    runner : SkyScanTrialRunner, optional
        What the scans are made with. None opens an existing library as it is; otherwise it is made, or must be one of
        this runner's configuration.
    mix_versions : bool
        Accept scans that another version of the code made.

    Raises
    ------
    FileNotFoundError
        If `runner` is None and there is no library.
    ValueError
        If the library has another configuration: every key that differs is named.

    Examples
    --------
    >>> library = ScanLibrary("scans", sstr)                             # doctest: +SKIP
    >>> library.add(sstr, range(1000), seed=1)                           # doctest: +SKIP
    >>> background = library.fit(sptr.priors)                            # doctest: +SKIP
    >>> background.shape                                                 # doctest: +SKIP
    (1000, 1)
    """

    def __init__(
        self, path: str | os.PathLike[str], runner: ScansPixels | None = None, *, mix_versions: bool = False
    ) -> None:
        identity = None if runner is None else Identity(FORMAT, code_version(), background_config(runner.config()))
        self.journal = Journal(path, identity, mix_versions=mix_versions)
        if self.journal.identity.format != FORMAT:
            raise ValueError(f"{path} has the format {self.journal.identity.format!r}, not that of a scan library")

    @property
    def path(self) -> Path:
        """Directory of the library."""
        return self.journal.path

    @property
    def config(self) -> Mapping[str, Any]:
        """Configuration of every scan."""
        return self.journal.identity.config

    @property
    def nside(self) -> int:
        """HEALPix resolution of the scans."""
        return int(self.config["nside"])

    def verify(self) -> tuple[Problem, ...]:
        """Read every file to the last byte and return those that cannot be used."""
        self.journal.verify()
        return self.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Damaged, missing or foreign shards found so far; those whose scans were all made again are none any more."""
        return tuple(p for p in self.journal.problems if not self._made_again(p.shard))

    @property
    def n_bytes(self) -> int:
        """Size on disk."""
        return sum(shard.n_bytes for shard in self.journal.shards)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the scans, ascending."""
        return tuple(sorted({int(s.meta["seed"]) for s in self.journal.shards}))

    def __len__(self) -> int:
        return sum(map(self.count, self.seeds))

    def count(self, seed: int) -> int:
        """Scans of a seed."""
        return len(np.unique(self._stored(seed)))

    def missing(self, *, seed: int, start: int, stop: int) -> list[tuple[int, int]]:
        """Ranges of scan numbers within start … stop that are not there, ascending."""
        numbers = np.setdiff1d(np.arange(start, stop), self._stored(seed))
        return [(int(numbers[a]), int(numbers[z - 1]) + 1) for a, z in contiguous_runs(numbers)]

    def __repr__(self) -> str:
        damaged = f", {len(self.problems)} unusable shards" if self.problems else ""
        return f"ScanLibrary({str(self.path)!r}, {len(self)} scans at nside {self.nside}{damaged})"

    def add(
        self,
        runner: ScansPixels,
        indices: Sequence[int] | I64,
        *,
        seed: int,
        mp_cpus: int | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
        chunk: int | None = None,
        logging: bool = False,
        spool: str | os.PathLike[str] | None = None,
        retries: int = 3,
    ) -> None:
        """Scan background trials and keep them; those that are there are not made again.

        Parameters
        ----------
        runner : SkyScanTrialRunner
            Of the library's configuration.
        indices : (n,) int
            Trial numbers of the batch with this seed.
        seed : int
        mp_cpus : int, optional
            Threads; with an executor, threads of a worker (1 by default).
        executor, spool, retries
            See `nusky.executors.batches.run_batches`.
        chunk : int, optional
            Scans of one shard: what a kill may cost. Default: some 10 s of work, at most 20 scans.
        logging : bool
            Print progress.

        Raises
        ------
        ValueError, TypeError
            For another configuration than the library's (each key is named), trial numbers or a chunk that are no
            whole numbers, or none at all.
        LostBatch
            If the workers fail for good; finished scans are in the library.
        KeyboardInterrupt
            On Ctrl-C; whole shards are kept, and adding the same trials again makes the rest.
        """
        given = Identity(FORMAT, code_version(), background_config(runner.config()))
        self.journal.identity.require_same(given, str(self.path), mix_versions=self.journal.mix_versions)
        if chunk is not None and (isinstance(chunk, bool) or int(chunk) != chunk or chunk < 1):
            raise ValueError(f"chunk = {chunk!r} must be a positive integer")
        wanted = check_indices(indices)
        if len(wanted) == 0:
            raise ValueError("indices is empty: give at least one trial")
        seed = resolve_seed(seed)
        self.journal.refresh()
        numbers = np.setdiff1d(wanted, self._stored(seed))
        threads = resolve_threads(mp_cpus) if executor is None or mp_cpus is not None else 1
        done = 0
        header = f"Scanning {len(numbers)} trials at {len(runner.pixels)} locations using {threads} cores:"
        pieces = run_pieces(
            runner, scan_trials, contiguous_runs(numbers), lambda a, z: (numbers[a:z].tolist(), seed, threads),
            size=chunk, largest=_LARGEST, executor=executor, spool=spool, retries=retries,
            waiting=lambda workers: progress.update(done, note="" if workers else "waiting for workers"),
        )  # fmt: skip
        with Progress(header, len(numbers), "trials", logging) as progress, contextlib.closing(pieces) as made:
            try:
                for (a, z), arrays in made:
                    self._keep(arrays, seed, int(numbers[a]), z - a)
                    done += z - a
                    progress.update(done)
            except LostTask as lost:
                ranges = ", ".join(f"{numbers[a]}:{numbers[z - 1] + 1}" for a, z in lost.tasks)
                message = lost.told(f"scans {ranges}", f"{done} of {len(numbers)} scans")
                raise LostBatch(message, None, np.intersect1d(numbers, self._stored(seed))) from lost.error

    def _keep(self, arrays: Mapping[str, NDArray[Any]], seed: int, start: int, n: int) -> None:
        meta = {"seed": int(seed), "start": start, "stop": start + n}
        name = f"scans-seed{seed}-{start:09d}-{start + n:09d}.npz"
        self._retire(name, meta)
        self.journal.append(name, arrays, meta)

    def scans(self) -> Iterator[StoredScan]:
        """All scans, ordered by seed and trial; a shard in memory at a time.

        A scan that two processes made at the same time comes once: it is the same to the last bit.
        """
        last = (-1, -1)
        for shard in sorted(self.journal.shards, key=lambda s: (s.meta["seed"], s.meta["start"])):
            arrays = self.journal.read(shard)
            for k, scan in enumerate([] if arrays is None else unpack(arrays)):
                at = (int(shard.meta["seed"]), int(shard.meta["start"]) + k)
                if at > last:
                    last = at
                    yield StoredScan(*at, scan)

    @cached_property
    def pixels(self) -> PixelSet:
        """Pixels that were scanned."""
        for shard in self.journal.shards:
            arrays = self.journal.read(shard, ["scanned_runs"])
            if arrays is not None:
                return PixelSet(self.nside, pixels_of(arrays["scanned_runs"]))
        raise ValueError(f"{self.path} holds no scans yet: add some")

    def fit(
        self, priors: Any, *, min_dec: float | None = None, max_dec: float | None = None, logging: bool = False
    ) -> NDArray[np.void]:
        """Hottest spot of every stored scan with every prior: bit for bit what fitting with the prior gives.

        Parameters
        ----------
        priors : SpatialPrior, sequence of them, maps, or None
            Of the library's nside. None: no prior.
        min_dec, max_dec : float, optional
            rad; only pixels whose centre lies between.
        logging : bool
            Print progress.

        Returns
        -------
        (S, J) structured array, `FIT_DTYPE`
            Scan by prior. TS is exact; n_s and γ are kept in float32. Where nothing is hot, ts = ns = 0, γ = NaN and
            the position is the prior's most probable scanned pixel.

        Raises
        ------
        ValueError
            If a prior has another nside, no pixel is left, or the library is empty.

        Examples
        --------
        >>> background = TSD(library.fit(prior)[:, 0])                   # doctest: +SKIP
        """
        search = PriorSearch.of(priors, self._within(min_dec, max_dec))
        out = np.zeros((len(self), len(search.terms)), dtype=FIT_DTYPE)
        n = 0
        with Progress(
            f"Searching {len(self)} scans with {len(search.terms)} priors:", len(self), "scans", logging
        ) as p:
            for stored in self.scans():
                out[n] = search(stored.scan)
                out[n]["trial"], out[n]["seed"] = stored.index, stored.seed
                n += 1
                p.update(n)
        out = out[:n]  # fewer where a shard turned out to be damaged
        out["ra"], out["dec"] = pixel_centres(self.nside, out["pixel"])
        return out

    def fit_one(
        self, scan: SparseScan, priors: Any = None, *, min_dec: float | None = None, max_dec: float | None = None
    ) -> NDArray[np.void]:
        """The same for one scan, such as that of the real sky (see `take`): (J,) structured array."""
        out = PriorSearch.of(priors, self._within(min_dec, max_dec))(scan)
        out["ra"], out["dec"] = pixel_centres(self.nside, out["pixel"])
        return out

    def hottest_by_p(
        self,
        ts_to_p: Callable[[F64, F64], Any],
        *,
        min_dec: float | None = None,
        max_dec: float | None = None,
        logging: bool = False,
    ) -> NDArray[np.void]:
        """The most significant pixel of every scan: the largest −log10 p instead of the largest TS.

        Parameters
        ----------
        ts_to_p : callable
            ``p = ts_to_p(dec, ts)``, vectorised, rad; a `DeclinationTSDs`, say.
        min_dec, max_dec : float, optional
            rad.
        logging : bool
            Print progress.

        Returns
        -------
        (S,) structured array, `FIT_DTYPE`
            `mlog10p` holds −log10 p.
        """
        search = PValueSearch(self._within(min_dec, max_dec), ts_to_p)
        rows = []
        with Progress(f"Searching {len(self)} scans for the smallest p:", len(self), "scans", logging) as progress:
            for stored in self.scans():
                rows.append(search(stored.scan))
                progress.update(len(rows))
        out = np.concatenate(rows)
        out["ra"], out["dec"] = pixel_centres(self.nside, out["pixel"])
        return out

    def most_significant(
        self,
        scan: SparseScan,
        ts_to_p: Callable[[F64, F64], Any],
        *,
        min_dec: float | None = None,
        max_dec: float | None = None,
    ) -> NDArray[np.void]:
        """The same for one scan: (1,) structured array; where all TS are 0, the first pixel stands for the sky."""
        out = PValueSearch(self._within(min_dec, max_dec), ts_to_p)(scan)
        out["ra"], out["dec"] = pixel_centres(self.nside, out["pixel"])
        return out

    def require(self, scan: SkyScan) -> None:
        """Raise ValueError, naming each key that differs, unless the scan was made as the library's were."""
        config = scan.provenance.get("config")
        if config is not None:
            given = Identity(FORMAT, self.journal.identity.version, background_config(config))
            self.journal.identity.require_same(given, str(self.path))

    def take(self, scan: SkyScan) -> SparseScan:
        """A full scan, of the real sky say, as the library keeps its own; it must cover the same pixels.

        Raises
        ------
        ValueError
            If it does not.
        """
        if scan.nside != self.nside:
            raise ValueError(f"the scan has nside {scan.nside}, the library {self.nside}")
        scanned = np.flatnonzero(scan.scanned)
        if not np.array_equal(scanned, self.pixels.pixels):
            raise ValueError(
                f"the scan covers {scan.n_scanned} pixels, not the {len(self.pixels)} of the library: scan with the "
                "runner the library was made with"
            )
        return SparseScan.of(scanned, scan.ts[scanned], scan.ns[scanned], scan.gamma[scanned])

    def _stored(self, seed: int) -> I64:
        ranges = [np.arange(s.meta["start"], s.meta["stop"]) for s in self.journal.shards if s.meta["seed"] == seed]
        return np.concatenate(ranges) if ranges else np.empty(0, dtype=np.int64)

    def _retire(self, name: str, meta: Mapping[str, int]) -> None:
        """Put damaged shards that held some of these scans out of the way."""
        for problem in self.journal.problems:
            held = self.journal.held(problem.shard)
            if held is None or problem.shard == name or held["seed"] != meta["seed"]:
                continue
            if held["start"] < meta["stop"] and meta["start"] < held["stop"]:
                self.journal.retire(problem.shard)

    def _made_again(self, name: str) -> bool:
        held = self.journal.held(name)
        return held is not None and bool(
            np.isin(np.arange(held["start"], held["stop"]), self._stored(held["seed"])).all()
        )

    def _within(self, min_dec: float | None, max_dec: float | None) -> PixelSet:
        pixels = self.pixels
        low = -np.pi / 2 if min_dec is None else float(radians("min_dec", min_dec))
        high = np.pi / 2 if max_dec is None else float(radians("max_dec", max_dec))
        inside = pixels.pixels[(pixels.dec >= low) & (pixels.dec <= high)]
        if len(inside) == 0:
            raise ValueError(f"no scanned pixel lies between min_dec = {low:.4f} and max_dec = {high:.4f} rad")
        return PixelSet(self.nside, inside)
