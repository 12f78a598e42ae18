"""TS distributions of a whole sky: one for each of many declinations, from the same scrambles.

A scramble is good for every declination at once, and for several right ascensions far apart on each: the cost of
setting a trial up is shared by all of them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky import _core
from nusky.dists.between import ts_to_p, ts_to_p_error
from nusky.dists.chi2_tsd import Chi2TSD
from nusky.dists.tsd import TSD
from nusky.executors.batches import LostBatch, contiguous_runs
from nusky.executors.tasks import LostTask
from nusky.executors.workers import run_pieces
from nusky.files.identity import differences
from nusky.files.npz import read_format, write_npz
from nusky.likelihood import PointFits
from nusky.progress import Progress
from nusky.sphere import at_limits
from nusky.threads import resolve_threads
from nusky.typing import F64
from nusky.units import numbers
from nusky.version import code_version

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from nusky.executors.protocols import DrawsTrials

__all__ = ["DeclinationTSDs", "InterruptedTSDs", "declination_tsds", "ts_at"]


FORMAT = "nusky-sky-tsd-1"

# Declinations that a runner's pixels may have to be the default: nside 256 has 1023
_RINGS = 1023
# deg, of the default otherwise: p at TS 4 is then interpolated to 2 % (bench/trials/declinations.py)
_STEP = 0.25
_LOCAL = 4  # scrambles between two looks at the progress
_TILE = 1e-9  # rad: a position alone


@dataclass(frozen=True, eq=False)
class DeclinationTSDs:
    """Background TS distributions over declination; itself a ``ts_to_p`` for the runners.

    Parameters
    ----------
    dec : (D,) array_like, rad
        Ascending.
    tsds : sequence of TSD
        One for each.
    about : mapping
        How they were made; values JSON can hold.

    Raises
    ------
    ValueError
        If the declinations do not ascend, or there is not one distribution for each.

    Examples
    --------
    >>> sky = DeclinationTSDs([0.2, 0.206], [TSD([1.0], n_zero=9), TSD([1.0] * 3, n_zero=7)])
    >>> sky(np.array([0.206, 0.203]), np.array([0.5, 0.5])).round(4).tolist()
    [0.3636, 0.2571]
    """

    dec: F64
    tsds: tuple[TSD, ...]
    about: Mapping[str, Any]

    def __init__(self, dec: ArrayLike, tsds: Sequence[TSD], about: Mapping[str, Any] | None = None) -> None:
        nodes = _checked_dec(dec)
        if nodes.ndim != 1 or len(nodes) != len(tsds) or len(nodes) == 0:
            raise ValueError(
                f"dec has shape {nodes.shape} for {len(tsds)} distributions: give one declination for each"
            )
        if not (np.all(np.diff(nodes) > 0) and np.all(np.abs(nodes) <= np.pi / 2)):
            raise ValueError(f"dec must ascend within −π/2 … π/2 rad, got {nodes}")
        nodes.setflags(write=False)
        object.__setattr__(self, "dec", nodes)
        object.__setattr__(self, "tsds", tuple(tsds))
        object.__setattr__(self, "about", dict(about or {}))

    def __call__(self, dec: ArrayLike, ts: ArrayLike) -> F64:
        """p-values; log p is linear in δ between the declinations (see `nusky.dists.ts_to_p`, also for
        its warning with what was measured between distant declinations).

        Parameters
        ----------
        dec : array_like, rad
            Within those of the distributions.
        ts : array_like
        """
        return ts_to_p(dict(zip(self.dec.tolist(), self.tsds, strict=True)), dec, ts, _degrees=False)

    def relative_error(self, dec: ArrayLike, ts: ArrayLike) -> F64:
        """Standard deviation of p divided by p, of the trials and of what lies between the declinations (see
        `nusky.dists.ts_to_p_error`); arguments as for a call.
        """
        return ts_to_p_error(dict(zip(self.dec.tolist(), self.tsds, strict=True)), dec, ts, _degrees=False)

    @classmethod
    def merged(cls, parts: Iterable[DeclinationTSDs]) -> DeclinationTSDs:
        """All trials of several, which must be of the same search and declinations and share no scramble.

        Raises
        ------
        ValueError
            If they are not (each key that differs is named), or the same scrambles are in two of them.

        Examples
        --------
        >>> a, b = (DeclinationTSDs([0.1], [TSD([ts])]) for ts in (1.0, 2.0))
        >>> DeclinationTSDs.merged([a, b]).tsds
        (TSD(2 trials, eta=1.000, median=1.500),)
        """
        parts = list(parts)
        if not parts:
            raise ValueError("parts is empty: give at least one DeclinationTSDs")
        first = parts[0]
        for i, part in enumerate(parts[1:], 1):
            if not np.array_equal(part.dec, first.dec):
                raise ValueError(f"parts[{i}] has other declinations than parts[0]: make all with the same dec=")
            lines = [
                line
                for name in ("config", "n_ra")
                for line in differences(first.about.get(name), part.about.get(name), name)
            ]
            if lines:
                raise ValueError(f"parts[{i}] was made with another search than parts[0]: {'; '.join(lines)}")
        scrambles = sorted(list(piece) for part in parts for piece in part.about.get("scrambles", ()))
        for a, b in itertools.pairwise(scrambles):
            if a[0] == b[0] and b[1] < a[2]:
                raise ValueError(
                    f"scrambles {b[1]}:{min(a[2], b[2])} of seed {a[0]} are in two of the parts: take another seed, or "
                    "first_scramble="
                )
        joined = [TSD(np.concatenate([part.tsds[d].values for part in parts])) for d in range(len(first))]
        fits: list[Any] = [tsd.fit_options if isinstance(tsd, Chi2TSD) else None for tsd in first.tsds]
        tsds = [tsd if fit is None else Chi2TSD(tsd, **fit) for tsd, fit in zip(joined, fits, strict=True)]
        about = {**first.about, "scrambles": scrambles, "n_scrambles": sum(z - a for _, a, z in scrambles)}
        return cls(first.dec, tsds, about)

    def __len__(self) -> int:
        return len(self.dec)

    def __iter__(self) -> Iterator[tuple[float, TSD]]:
        return iter(zip(self.dec.tolist(), self.tsds, strict=True))

    def __repr__(self) -> str:
        low, high = np.degrees(self.dec[[0, -1]])
        n = min(tsd.n_total for tsd in self.tsds)
        return f"DeclinationTSDs({len(self)} declinations {low:.1f} ... {high:.1f} deg, at least {n} trials each)"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an npz file; `DeclinationTSDs.read` reads it back."""
        fits = [tsd.fit_options if isinstance(tsd, Chi2TSD) else None for tsd in self.tsds]
        meta = {
            "format": FORMAT,
            "version": code_version(),
            "about": dict(self.about),
            "fits": [None if f is None else dict(f) for f in fits],
        }
        values = [tsd.values[tsd.values != 0] for tsd in self.tsds]
        arrays = {
            "dec": self.dec,
            "indptr": np.cumsum([0, *map(len, values)]),
            "values": np.concatenate(values),
            "n_zero": np.array([tsd.n_zero for tsd in self.tsds]),
        }
        write_npz(path, arrays, meta)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> DeclinationTSDs:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged or something else (named).
        """
        meta, arrays = read_format(path, FORMAT, "TS distributions of a sky")
        tsds: list[TSD] = []
        for k, fit in enumerate(meta["fits"]):
            values = arrays["values"][arrays["indptr"][k] : arrays["indptr"][k + 1]]
            n_zero = int(arrays["n_zero"][k])
            tsds.append(TSD(values, n_zero) if fit is None else Chi2TSD(values, n_zero, **fit))
        return cls(arrays["dec"], tsds, meta["about"])


class InterruptedTSDs(KeyboardInterrupt):
    """Ctrl-C came while distributions were made; those of the finished scrambles are in `partial` (None: none is).

    With ``first_scramble=`` the rest can be made, and with `DeclinationTSDs.merged` both be joined.
    """

    def __init__(self, partial: DeclinationTSDs | None, n_scrambles: int) -> None:
        self.partial = partial
        done = 0 if partial is None else partial.about["n_scrambles"]
        super().__init__(
            f"interrupted after {done} of {n_scrambles} scrambles; the distributions of those are in this exception's "
            ".partial (sys.last_value.partial in an interactive session)"
        )


def declination_tsds(
    runner: DrawsTrials,
    n_trials: int,
    *,
    dec: ArrayLike | None = None,
    seed: int,
    n_ra: int = 12,
    first_scramble: int = 0,
    fit: bool = True,
    mp_cpus: int | None = None,
    executor: Executor | Callable[[], Executor] | None = None,
    logging: bool = False,
    spool: str | os.PathLike[str] | None = None,
    retries: int = 3,
) -> DeclinationTSDs:
    """Background TS distributions of every declination, in one call.

    Parameters
    ----------
    runner : Runner
        Any runner of the analysis: its likelihood is what is fitted.
    n_trials : int
        TS values wanted at each declination, at least.
    dec : (D,) array_like, rad, optional
        Default: those of the runner's pixels, where p is then exact (up to nside 256; finer ones, and a runner without
        pixels, −85° … 85°: every 0.25°). Give those of your sources: p is exact at these declinations, and between them
        structure of the size of an event's angular error is missed.
    seed : int
    n_ra : int
        Directions fitted at each declination of a scramble, evenly spaced in right ascension. They share no event near
        them as long as they are tens of degrees apart: 12 are 30° apart at the equator. 1 makes strictly independent
        trials.
    first_scramble : int
        Number of the first scramble, to continue or to share the work: ``n_trials / n_ra`` are taken from there.
    fit : bool
        Give `Chi2TSD` with a fitted tail (True) or plain `TSD`.
    mp_cpus, executor, spool, retries
        As for `nusky.executors.batches.run_batches`.
    logging : bool
        Print progress.

    Returns
    -------
    DeclinationTSDs

    Raises
    ------
    ValueError
        For declinations that do not ascend or lie outside −π/2 … π/2, or numbers below 1.
    InterruptedTSDs
        On Ctrl-C, with the distributions of the finished scrambles.
    LostBatch
        If the workers fail for good, with them as `partial`.

    Examples
    --------
    >>> sky = declination_tsds(sstr, 10_000, seed=1)                                  # doctest: +SKIP
    >>> scans = cy.get_sky_scan_trial_runner(nside=64, ts_to_p=sky, ana=ana)          # doctest: +SKIP
    """
    for name, value, least in (("n_trials", n_trials, 1), ("n_ra", n_ra, 1), ("first_scramble", first_scramble, 0)):
        if isinstance(value, bool) or int(value) != value or value < least:
            raise ValueError(f"{name} = {value!r} must be an integer >= {least}")
    nodes = _default_dec(runner) if dec is None else _checked_dec(dec)
    if nodes.ndim != 1 or len(nodes) == 0 or not np.all(np.diff(nodes) > 0) or np.abs(nodes).max() > np.pi / 2:
        raise ValueError(f"dec must be ascending declinations within −π/2 … π/2 rad, got {nodes}")
    n_scrambles = -(-int(n_trials) // int(n_ra))
    threads = resolve_threads(mp_cpus) if executor is None or mp_cpus is not None else 1
    size = _LOCAL if executor is None else None  # here a piece costs nothing but a look at the progress
    indices = range(first_scramble, first_scramble + n_scrambles)
    ts = np.empty((n_scrambles, len(nodes), int(n_ra)))
    done = np.zeros(n_scrambles, dtype=bool)
    config = runner.config()

    def distributions() -> DeclinationTSDs:
        kind = Chi2TSD if fit else TSD
        made = np.flatnonzero(done)
        runs = [[int(seed), *(int(first_scramble + made[i]) for i in (a, z - 1))] for a, z in contiguous_runs(made)]
        about = {
            "seed": int(seed), "n_scrambles": len(made), "n_ra": int(n_ra), "config": config,
            "scrambles": [[s, a, z + 1] for s, a, z in runs],
        }  # fmt: skip
        return DeclinationTSDs(nodes, [kind(ts[made, d].ravel()) for d in range(len(nodes))], about)

    header = f"Fitting {len(nodes)} declinations in {n_scrambles} scrambles using {threads} cores:"
    try:
        with (
            Progress(header, n_scrambles, "scrambles", logging) as progress,
            contextlib.closing(
                _in_core(runner, indices, seed, nodes, threads, ts, progress)
                if executor is None and _whole_seasons(runner)
                else run_pieces(
                    runner,
                    ts_at,
                    [(0, n_scrambles)],
                    lambda a, z: (indices[a:z], seed, nodes, int(n_ra), threads),
                    size=size,
                    executor=executor,
                    spool=spool,
                    retries=retries,
                )
            ) as results,
        ):
            for (a, z), values in results:
                ts[a:z] = values
                done[a:z] = True
                progress.update(int(done.sum()))
    except LostTask as lost:
        ranges = ", ".join(f"{indices[a]}:{indices[z - 1] + 1}" for a, z in lost.tasks)
        message = lost.told(f"scrambles {ranges}", f"{int(done.sum())} of {n_scrambles} scrambles")
        raise LostBatch(message, distributions() if done.any() else None, np.flatnonzero(done)) from lost.error
    except KeyboardInterrupt:
        raise InterruptedTSDs(distributions() if done.any() else None, n_scrambles) from None
    return distributions()


def ts_at(
    runner: Any, numbers: Sequence[int], seed: int, dec: NDArray[np.float64], n_ra: int, n_threads: int
) -> NDArray[np.float64]:
    """(n, D, n_ra) TS of background trials at declinations (D,) rad, each at `n_ra` right ascensions; those of whole
    seasons are, to the bit, what a `TrialRunner` at each position gives.
    """
    ra = _right_ascensions(len(dec), n_ra)
    out = np.empty((len(numbers), len(dec), n_ra))
    if _whole_seasons(runner):
        if PointFits(runner.model, ra, dec).fill(out, seed, numbers, n_threads)[1]:
            raise KeyboardInterrupt
        return out
    # a tile for each, so that a TS does not depend on what else is asked for
    flat, each = ra.ravel(), np.repeat(dec, n_ra)
    directions = _core.Directions(flat, each, np.arange(len(flat)), flat, each, np.full(len(flat), _TILE))
    for i, j in enumerate(numbers):
        index = runner.model.index(runner.draw_trial(seed, j, 0.0, False), n_threads)
        ts, _, _, _ = _core.scan(
            runner.model.likelihood, index.core, directions, gamma=runner.model.fixed_gamma, n_threads=n_threads
        )
        out[i] = ts.reshape(len(dec), n_ra)
    return out


def _right_ascensions(n_dec: int, n_ra: int) -> F64:
    """(D, n_ra): every declination begins at another one, so that neighbours do not look at the same events."""
    start = np.arange(n_dec) * (np.pi * (3 - np.sqrt(5)))
    return np.asarray((start[:, None] + 2 * np.pi / n_ra * np.arange(n_ra)) % (2 * np.pi))


def _whole_seasons(runner: Any) -> bool:
    """Whether the core makes the trials: whole seasons at their own declinations."""
    return runner.on_time is None and bool(runner._scrambles)


def _in_core(
    runner: Any, numbers: Sequence[int], seed: int, dec: F64, n_threads: int, out: F64, progress: Progress
) -> Generator[tuple[tuple[int, int], F64], None, None]:
    """All trials in one call of the core, as a piece of work."""
    fits = PointFits(runner.model, _right_ascensions(len(dec), out.shape[2]), dec)
    done, interrupted = fits.fill(out, seed, numbers, n_threads, progress.update)
    yield (0, done), out[:done]
    if interrupted:
        raise KeyboardInterrupt


def _checked_dec(dec: ArrayLike) -> F64:
    return np.array(at_limits(numbers("dec", dec, "rad"), -np.pi / 2, np.pi / 2))


def _default_dec(runner: Any) -> F64:
    pixels = getattr(runner, "pixels", None)
    low, high = np.radians(-85.0), np.radians(85.0)
    if pixels is not None:
        rings = np.unique(pixels.dec.round(12))
        if len(rings) <= _RINGS:
            return np.asarray(rings)
        low, high = rings[0], rings[-1]
    n = max(2, int(np.ceil(np.degrees(high - low) / _STEP)) + 1)
    return np.linspace(low, high, n)
