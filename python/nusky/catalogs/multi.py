"""`MultiTrialRunner`: several hypotheses fitted to the same trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.executors import InterruptedBatch, fit_batch
from nusky.files import config_hash, content_hash
from nusky.runners import FitsMany, Runner
from nusky.threads import resolve_threads
from nusky.trial import as_trial

if TYPE_CHECKING:
    from nusky.analysis import Analysis
    from nusky.dists import TSD
    from nusky.likelihood import TrialIndex
    from nusky.progress import Progress
    from nusky.trial import Trial
    from nusky.typing import F64, I64

__all__ = ["MultiTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False)
class MultiTrialRunner(FitsMany):
    """csky's `MultiTrialRunner`: trials of one runner, fitted by several, so that their correlations are right.

    Columns of hypothesis i of `get_many_fits` end in its number with four digits: ``mlog10p_0000``, ``ts_0000``,
    ``ns_0000``, and ``gamma_0000`` where it is fitted, ``t0_0000`` and ``dt_0000`` of a flare.

    Parameters
    ----------
    ana : Analysis
    tr_inj : Runner
        Makes the trials.
    trs : sequence of Runner
        Fit them; of the same analysis.
    bgs : sequence of TSD, optional
        Background distribution of each, for ``mlog10p_…``; without them these columns are TS.
    mp_cpus : int, optional

    Raises
    ------
    ValueError
        No hypothesis, another analysis, or another number of distributions.
    TypeError
        Something that is no runner.

    Examples
    --------
    >>> trs = [cy.get_trial_runner(src=s) for s in src]                                     # doctest: +SKIP
    >>> bgs = [cy.dists.TSD(tr.get_many_fits(1000)) for tr in trs]                          # doctest: +SKIP
    >>> multi = cy.trial.MultiTrialRunner(ana, trs[0], trs, bgs=bgs)                        # doctest: +SKIP
    >>> hottest = np.max([multi.get_many_fits(1000)[f"mlog10p_{i:04d}"] for i in range(3)]) # doctest: +SKIP
    """

    ana: Analysis
    tr_inj: Runner
    trs: tuple[Runner, ...]
    bgs: tuple[TSD, ...] | None = None
    mp_cpus: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "trs", tuple(self.trs))
        if not self.trs:
            raise ValueError("trs is empty; give the runner of each hypothesis")
        for name, runner in (("tr_inj", self.tr_inj), *((f"trs[{i}]", tr) for i, tr in enumerate(self.trs))):
            if not isinstance(runner, Runner):
                raise TypeError(f"{name} must be a trial runner, got {type(runner).__name__}")
            if runner.analysis.fingerprint != self.ana.fingerprint:
                raise ValueError(f"{name} is a runner of another analysis; make all with ana=")
        if self.bgs is not None:
            object.__setattr__(self, "bgs", tuple(self.bgs))
            if len(self.bgs) != len(self.trs):
                raise ValueError(f"there are {len(self.bgs)} background distributions for {len(self.trs)} hypotheses")
            for i, bg in enumerate(self.bgs):
                if not hasattr(bg, "p_values"):
                    raise TypeError(f"bgs[{i}] must be a distribution such as dists.TSD, got {type(bg).__name__}")
        resolve_threads(self.mp_cpus)

    @property
    def analysis(self) -> Analysis:
        """The analysis of all runners."""
        return self.ana

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `get_many_fits`."""
        return tuple(f"{name}_{i:04d}" for i, tr in enumerate(self.trs) for name in ("mlog10p", *self._of(tr)))

    @staticmethod
    def _of(tr: Runner) -> tuple[str, ...]:
        return tuple(name for name in tr.columns if name not in ("mlog10p", "ra", "dec"))

    @property
    def dtype(self) -> np.dtype[np.void]:
        return np.dtype([(name, np.float64) for name in self.columns])

    def config(self) -> dict[str, Any]:
        bgs = None if self.bgs is None else [content_hash([np.asarray(bg.values)]) for bg in self.bgs]
        return {
            "runner": type(self).__name__,
            "trials_of": self.tr_inj.config(),
            "hypotheses": [tr.config() for tr in self.trs],
            "backgrounds": bgs,
        }

    @property
    def config_hash(self) -> str:
        return config_hash(self.config())

    def get_one_trial(self, n_sig: float = 0, poisson: bool = False, seed: Any = None, **options: Any) -> Trial:
        """One trial of `tr_inj`, which see."""
        return self.tr_inj.get_one_trial(n_sig, poisson, seed, **options)

    def get_one_fit(
        self, n_sig: float = 0, poisson: bool = False, seed: Any = None, TRUTH: bool = False, logging: bool = False
    ) -> np.void:
        """Make one trial and fit every hypothesis to it; the row of `get_many_fits`, with names."""
        return self.get_one_fit_from_trial(self.tr_inj.get_one_trial(n_sig, poisson, seed, TRUTH))

    def get_one_fit_from_trial(self, trial: Any, mp_cpus: int | None = None) -> np.void:
        """Fit every hypothesis to a trial."""
        rows = np.zeros(1, dtype=self.dtype)
        rows[0] = self._row(as_trial(trial, len(self.ana)), self._threads(mp_cpus))
        self.fill_p(rows)
        row: np.void = rows[0]
        return row

    def get_many_trials(
        self, n_trials: Any, n_sig: float = 0, poisson: bool = False, seed: Any = None, **options: Any
    ) -> Any:
        """csky's name of `get_many_fits`."""
        return self.get_many_fits(n_trials, n_sig, poisson, seed, **options)

    def hottest(self, trials: Any) -> I64:
        """(n,) the hypothesis with the largest mlog10p in each of some trials."""
        every = [np.asarray(trials[f"mlog10p_{i:04d}"]) for i in range(len(self.trs))]
        return np.asarray(np.argmax(every, axis=0))

    # What FitsMany asks for

    @property
    def _gamma_free(self) -> bool:
        return any("gamma" in tr.columns for tr in self.trs)

    @property
    def _n_events(self) -> int:
        return sum(len(season.data) for season in self.ana)

    def _threads(self, mp_cpus: int | None) -> int:
        return resolve_threads(self.mp_cpus if mp_cpus is None else mp_cpus)

    def _prepare(self, n_sig: float) -> None:
        self.tr_inj._prepare(n_sig)
        for tr in self.trs:
            tr._prepare(0)

    def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Trial:
        return self.tr_inj.draw_trial(seed, index, n_sig, poisson)

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        raise TypeError("each hypothesis has an index of its own: ask .trs[i].index_trial")

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        raise TypeError("each hypothesis is fitted by its own runner: ask .trs[i]")

    def _summaries(self, tables: NDArray[np.void]) -> NDArray[np.void]:
        raise TypeError("no hypothesis stands for all; see `hottest`")

    def _row(self, trial: Trial, n_threads: int) -> tuple[float, ...]:
        row: list[float] = []
        for tr in self.trs:
            best = tr._summaries(tr._table_of(trial, n_threads)[None])[0]
            row += [float(best["ts"]), *(float(best[name]) for name in self._of(tr))]
        return tuple(row)

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        same = [_background_of(tr) == _background_of(self.tr_inj) for tr in self.trs]
        if n_sig or not all(same):

            def fit_some(some: I64, threads: int) -> NDArray[np.void]:
                made = np.empty(len(some), dtype=self.dtype)
                for i, j in enumerate(some.tolist()):
                    made[i] = self._row(self.draw_trial(seed, j, n_sig, poisson), threads)
                return made

            return fit_batch(fit_some, numbers, self.dtype, n_threads, self._n_events, progress)
        # the background of a trial is the same for every runner: each makes all of them in its fastest way
        rows = np.zeros(len(numbers), dtype=self.dtype)
        for i, tr in enumerate(self.trs):
            try:
                fits = tr._fit_numbers(numbers, 0, False, seed, n_threads, None)
            except InterruptedBatch:
                raise InterruptedBatch(rows[:0].view(np.recarray), numbers[:0], len(numbers)) from None
            for name in self._of(tr):
                rows[f"{name}_{i:04d}"] = fits[name]
            if progress is not None:
                progress.update(len(numbers) * (i + 1) // len(self.trs))
        return rows.view(np.recarray)

    def fill_p(self, rows: NDArray[np.void]) -> None:
        for i in range(len(self.trs)):
            ts: F64 = rows[f"ts_{i:04d}"]
            rows[f"mlog10p_{i:04d}"] = ts if self.bgs is None else -np.log10(self.bgs[i].p_values(ts))


def _background_of(runner: Runner) -> Any:
    """What decides a runner's background trials."""
    return runner.transient, runner.declinations, runner.simulated
