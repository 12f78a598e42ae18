"""`FitsMany`: many fits of one runner, the same rows whatever the threads, chunks or executor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky.arrays import require_pandas
from nusky.executors.batches import run_batches
from nusky.executors.on_threads import InterruptedBatch, check_indices, fit_batch
from nusky.injection.seeding import resolve_seed
from nusky.injection.signal import check_signal
from nusky.progress import Progress, trial_progress
from nusky.runners.fitter_args import fitting, whole
from nusky.threads import resolve_threads
from nusky.trial.trial_set import TrialSet
from nusky.typing import I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.trial.trial import Trial


__all__ = ["FitsMany"]


class FitsMany(ABC):
    """The calls for many trials, over what a kind of runner says of one: draw, index, best fits, its row."""

    _sky: ClassVar[bool] = True

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[np.void]:
        """Structured dtype of a row."""

    @property
    @abstractmethod
    def config_hash(self) -> str:
        """Hash of `config`."""

    @property
    @abstractmethod
    def _gamma_free(self) -> bool:
        """Whether γ is fitted."""

    @property
    @abstractmethod
    def _n_events(self) -> int:
        """Events of a trial, about: what decides how trials are spread over threads."""

    @abstractmethod
    def get_one_fit(self, n_sig: float = 0, poisson: bool = False, seed: Any = None, TRUTH: bool = False) -> Any:
        """Make one trial and fit it."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Everything that decides the numbers, as values JSON can hold."""

    @abstractmethod
    def _threads(self, mp_cpus: int | None) -> int:
        """Threads of a call."""

    @abstractmethod
    def _prepare(self, n_sig: float) -> None:
        """Make what all trials share before threads start, so that it is made once."""

    @abstractmethod
    def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Trial:
        """Make one trial."""

    @abstractmethod
    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        """Its events, indexed for the core."""

    @abstractmethod
    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        """Best fits of the events, one row a prior (`nusky.trial.fit.PER_PRIOR_DTYPE`); `logging` prints progress."""

    @abstractmethod
    def _summaries(self, tables: NDArray[np.void]) -> NDArray[np.void]:
        """The own row of each trial, (n,), of tables (n, J)."""

    @abstractmethod
    def fill_p(self, rows: NDArray[np.void]) -> None:
        """Put −log10 p into finished rows."""

    def fit_trials(
        self,
        indices: Sequence[int] | I64,
        n_sig: float = 0,
        poisson: bool = False,
        seed: int = 0,
        n_threads: int = 1,
        progress: Progress | None = None,
    ) -> NDArray[np.void]:
        """Fit the trials with these numbers: a pure function of its arguments, whatever the threads.

        Parameters
        ----------
        indices : (n,) int
            Numbers of the trials in the batch with this seed.
        n_sig, poisson
            As for `get_one_trial`.
        seed : int
        n_threads : int
            0: all that the process may use.
        progress : Progress, optional

        Returns
        -------
        (n,) structured array
            Columns `columns`, row i for ``indices[i]``.

        Raises
        ------
        InterruptedBatch
            On Ctrl-C, with the finished trials.
        """
        numbers = check_indices(indices)
        n_sig, poisson = check_signal(n_sig, poisson)
        seed, n_threads = resolve_seed(seed), resolve_threads(n_threads, "n_threads")
        self._prepare(n_sig)
        try:
            fit = self._fit_each if self._own_background(n_sig) else self._fit_numbers
            rows = fit(numbers, n_sig, poisson, seed, n_threads, progress)
        except InterruptedBatch as interrupted:
            self.fill_p(interrupted.partial)
            raise
        self.fill_p(rows)
        return rows

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        """Best fits of a trial's events, see `_best`."""
        return self._best(self.index_trial(trial, n_threads), n_threads, logging)

    def _table_of(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        """`_table`, of a runner that may have to be made for the trial first."""
        return self._table(trial, n_threads, logging)

    def _own_background(self, n_sig: float) -> bool:
        """Whether trials have backgrounds of their own, so that each is fitted by itself."""
        return False

    def _fit_each(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        """As `_fit_numbers`, one trial after the other."""

        def fit_some(some: I64, threads: int) -> NDArray[np.void]:
            made = [self._table_of(self.draw_trial(seed, j, n_sig, poisson), threads) for j in some.tolist()]
            return self._rows_of(self._summaries(np.stack(made)))

        return fit_batch(fit_some, numbers, self.dtype, n_threads, self._n_events, progress, 1)

    def _rows_of(self, best: NDArray[np.void]) -> NDArray[np.void]:
        rows = np.empty(len(best), dtype=self.dtype)
        for name in self.dtype.names or ():
            rows[name] = best["ts" if name == "mlog10p" else name]
        return rows

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        """Rows of the trials with these numbers, of checked arguments and without −log10 p."""

        def fit_some(some: I64, threads: int) -> NDArray[np.void]:
            return self._rows_of(self._summaries(self._tables(some, n_sig, poisson, seed, threads)))

        return fit_batch(fit_some, numbers, self.dtype, n_threads, self._n_events, progress, self._together(n_sig))

    def _together(self, n_sig: float) -> int:
        """Trials of one call of `_tables` at most."""
        return 1

    def _tables(self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int) -> NDArray[np.void]:
        """Best fits (n, J) of the trials with these numbers, see `_best`."""
        return np.stack([self._table(self.draw_trial(seed, j, n_sig, poisson), n_threads) for j in numbers.tolist()])

    def get_many_fits(
        self,
        n_trials: Any,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        flat: bool = True,
        *,
        first_trial: int = 0,
        as_dataframe: bool = False,
        executor: Any = None,
        **fitter_args: Any,
    ) -> Any:
        """Make and fit many trials.

        Parameters
        ----------
        n_trials : int
            At least 1; a float of whole value is taken.
        n_sig, poisson
            As for `get_one_trial`.
        seed : int, numpy.random.Generator or None
            Of the batch; in the result's ``seed``. Trial j depends on seed and j only, not on threads or order.
        TRUTH : bool
            The real sky, of which there is one: with ``n_trials=1``, as `get_one_fit`, in a table of one row.
        mp_cpus : int or None
            Threads; with an executor, threads of each worker (1 by default).
        logging : bool
            Print progress: count, rate and time left.
        flat, fitter_args
            As for `get_one_fit`.
        first_trial : int
            Number of the first trial, to continue a batch.
        as_dataframe : bool
            Give a `pandas.DataFrame`.
        executor : concurrent.futures.Executor, optional
            Fit the trials there.

        Returns
        -------
        TrialSet (n_trials,)
            Table with columns `columns`, see `Arrays`; or a DataFrame.

        Raises
        ------
        InterruptedBatch
            On Ctrl-C: the finished trials are in its ``partial``.
        ValueError, TypeError
            For arguments out of range.
        """
        fits = fitting("get_many_fits", self, flat, fitter_args)
        if fits is not self:
            return fits.get_many_fits(
                n_trials, n_sig, poisson, seed, TRUTH, mp_cpus, logging,
                first_trial=first_trial, as_dataframe=as_dataframe, executor=executor,
            )  # fmt: skip
        n_trials, first_trial = whole("n_trials", n_trials, 1), whole("first_trial", first_trial, 0)
        if TRUTH:
            return self._real_sky(n_trials, n_sig, as_dataframe)
        n_sig, poisson = check_signal(n_sig, poisson)
        seed = resolve_seed(whole("seed", seed))
        if as_dataframe:
            require_pandas()
        indices = np.arange(first_trial, first_trial + n_trials, dtype=np.int64)
        if executor is None:
            n_threads = self._threads(mp_cpus)
            with trial_progress(n_trials, n_sig, n_threads, logging) as progress:
                rows = self.fit_trials(indices, n_sig, poisson, seed, n_threads, progress if logging else None)
        else:
            rows = self._on_executor(executor, indices, n_sig, poisson, seed, mp_cpus, logging)
        trials = TrialSet.of(
            rows,
            seed=seed,
            first_trial=first_trial,
            n_sig=n_sig,
            poisson=poisson,
            config_hash=self.config_hash,
            config=self.config(),
        )
        return trials.as_dataframe if as_dataframe else trials

    def _real_sky(self, n_trials: int, n_sig: float, as_dataframe: bool) -> Any:
        if n_trials != 1:
            raise ValueError(
                f"TRUTH=True with n_trials={n_trials}: there is one real sky; n_trials=1, or use get_one_fit"
            )
        fit = self.get_one_fit(n_sig, TRUTH=True)
        row = np.array([tuple(float(fit[name]) for name in self.dtype.names or ())], dtype=self.dtype)
        table = TrialSet.of(
            row.view(np.recarray), seed=None, first_trial=0, n_sig=0.0, poisson=False, config_hash=self.config_hash,
            config=self.config(),
        )  # fmt: skip
        return table.as_dataframe if as_dataframe else table

    def _on_executor(
        self,
        executor: Any,
        indices: I64,
        n_sig: float,
        poisson: bool,
        seed: int,
        mp_cpus: int | None,
        logging: bool,
    ) -> NDArray[np.void]:
        rows: NDArray[np.void] = run_batches(
            self,
            indices,
            n_sig=n_sig,
            poisson=poisson,
            seed=seed,
            executor=executor,
            n_threads=mp_cpus,
            logging=logging,
        )
        return rows
