"""`SourceListTrialRunner`: one scramble, every source of a list fitted by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.catalogs.local_p import LocalP
from nusky.catalogs.result import InterruptedListFits, ListFits, SourceListResult
from nusky.executors import InterruptedBatch
from nusky.files import content_hash
from nusky.injection import BatchDraws, StackInjector, check_signal, resolve_seed, seed_key
from nusky.runners import Background, Made, Runner, TrialRunner, check_sources, whole
from nusky.source import check_distinct
from nusky.trial import Fit, Trial, as_trial
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.hyp import Flux
    from nusky.injection import TrialDraws
    from nusky.likelihood import LikelihoodModel, TrialIndex
    from nusky.progress import Progress
    from nusky.sensitivity import NSigResult
    from nusky.source import Sources
    from nusky.typing import I64

__all__ = ["SourceListTrialRunner"]

# Trials between two looks at progress and Ctrl-C
_TOGETHER = 4096


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SourceListTrialRunner(Runner):
    """Trials of a list: each source is fitted alone, all of them to the same events; the best one is the trial's fit.

    The fit of source j is, to the last bit, that of a `TrialRunner` at its position for the same seed. Which is the
    best says its local p once background trials are known (`with_background`), before that its TS.

    Parameters
    ----------
    src : Sources
        (J,). Weights (ratios of fluxes) say how injected events are shared.
    background : (n, J) array, optional
        TS of background trials of these sources, for local p.
    tail : bool
        Local p beyond these trials from fitted tails, see `LocalP`.
    analysis, likelihood, injection, mp_cpus, declinations
        See `Runner`.

    Examples
    --------
    >>> runner = cy.get_source_list_trial_runner(src=sources, ana=ana).with_background(10_000, seed=1)  # doctest: +SKIP
    >>> print(runner.test(TRUTH=True))                                                                  # doctest: +SKIP
    """

    src: Sources
    background: F64 | None = None
    tail: bool = False

    _sky: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_sources(self.src, self.transient)
        if self.transient is not None:
            raise ValueError(
                "a list of sources is tested on whole seasons; for a time window make a runner of each source"
            )
        if self.ts_to_p is not None:
            raise ValueError("ts_to_p: the local p of a list are those of its own positions; use with_background")
        check_distinct(self.src)
        if self.background is not None and np.shape(self.background)[1:] != (len(self.src),):
            raise ValueError(
                f"background has shape {np.shape(self.background)} for {len(self.src)} sources; use with_background"
            )
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        src = self.src
        about = {"n_sources": len(src), "sources": content_hash([src.ra, src.dec, src.weight, src.extension])}
        if self.background is not None:
            about |= {"background": content_hash([np.asarray(self.background)]), "tail": self.tail}
        return about

    @cached_property
    def runners(self) -> tuple[TrialRunner, ...]:
        """One for each source; those of the same extension share their likelihood."""
        models: dict[float, LikelihoodModel] = {}
        made = []
        for one in self.src:
            tr = TrialRunner(
                analysis=self.analysis,
                src=one,
                likelihood=replace(self.likelihood, extension=float(one.extension[0])),
                injection=self.injection,
                mp_cpus=self.mp_cpus,
                declinations=self.declinations,
            )
            vars(tr)["model"] = models.setdefault(tr.likelihood.extension, tr.model)
            made.append(tr)
        return tuple(made)

    @cached_property
    def stack_injector(self) -> StackInjector:
        """How the sources share the injected events."""
        return StackInjector(self.signal_injector, self.src)

    @cached_property
    def local_p(self) -> LocalP:
        """Local p from the background trials.

        Raises
        ------
        ValueError
            Without them.
        """
        if self.background is None:
            raise ValueError("local p need background trials: runner = runner.with_background(n_trials, seed=)")
        return LocalP(self.background, self.tail)

    def with_background(
        self,
        n_trials: int,
        seed: Any = None,
        mp_cpus: int | None = None,
        logging: bool = False,
        *,
        tail: bool = False,
    ) -> SourceListTrialRunner:
        """The same list, with local p from so many background trials.

        Parameters
        ----------
        n_trials, seed, mp_cpus, logging
            As for `fit_sources`.
        tail : bool
            Beyond the trials take p from fitted tails, see `LocalP`.
        """
        fits = self.fit_sources(n_trials, seed=seed, mp_cpus=mp_cpus, logging=logging)
        return replace(self, background=fits.ts, tail=tail)

    def fit_sources(
        self,
        n_trials: int,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        mp_cpus: int | None = None,
        logging: bool = False,
        *,
        first_trial: int = 0,
    ) -> ListFits:
        """Fit every source in many trials; arguments as for `get_many_fits`.

        Returns
        -------
        ListFits

        Raises
        ------
        InterruptedListFits
            On Ctrl-C, with the finished trials.
        """
        from nusky.progress import trial_progress

        n_trials, first_trial = whole("n_trials", n_trials, 1), whole("first_trial", first_trial, 0)
        n_sig, poisson = check_signal(n_sig, poisson)
        numbers = np.arange(first_trial, first_trial + n_trials, dtype=np.int64)
        n_threads = self._threads(mp_cpus)
        self._prepare(n_sig)
        parts: list[ListFits] = []
        with trial_progress(n_trials, n_sig, n_threads, logging) as progress:
            for start, fits, interrupted in self._batches(
                numbers, n_sig, poisson, resolve_seed(whole("seed", seed)), n_threads, progress
            ):
                parts.append(fits)
                if interrupted:
                    done = start + len(fits.ts)
                    raise InterruptedListFits(ListFits.joined(parts), numbers[:done], n_trials)
        return ListFits.joined(parts)

    def test(self, trial: Any = None, *, TRUTH: bool = False, largest: float = 1.0) -> SourceListResult:
        """Test a trial, or the real sky: local p, the best source and the binomial test with their trial corrections.

        Parameters
        ----------
        trial : Trial or (evss, n_exs), optional
        TRUTH : bool
            The real events, in place of `trial`.
        largest : float
            See `binomial_test`.

        Raises
        ------
        ValueError
            Without background trials, or with both `trial` and `TRUTH`.
        """
        local = self.local_p
        if (trial is None) != bool(TRUTH):
            raise ValueError("test: give a trial, or TRUTH=True for the real events")
        made = self._one_trial(0, False, None, True) if trial is None else as_trial(trial, len(self.analysis))
        return SourceListResult.of(self.src, self._table_of(made, self._threads(None)), local, largest)

    # What Runner asks for

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        for runner in self.runners:
            runner._prepare(0)
            if self._draws_rows:
                runner.model.prepare_simulation()
        if n_sig:
            self.stack_injector.prepare()

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected = self.stack_injector.inject(draws, n_sig, poisson)
        return Trial(background, injected, (0,) * len(background), **made)

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        raise TypeError("the sources of a list are fitted one by one: ask .runners[j].index_trial")

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        raise TypeError("the sources of a list are fitted one by one: ask .runners[j]")

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        table = np.concatenate([runner._table(trial, n_threads) for runner in self.runners])
        table["prior"] = np.arange(len(table))
        return table

    def _p(self, ts: F64) -> F64:
        """(…, J) what orders the sources: −log10 of the local p, or TS where there is none."""
        return ts if self.background is None else -np.log10(self.local_p.p(ts))

    def _winner(self, ts: F64) -> I64:
        """(…) the best source; of equal p the one with the larger TS."""
        p = self._p(ts)
        return np.asarray(np.where(p == p.max(axis=-1, keepdims=True), ts, -1.0).argmax(axis=-1))

    def _summaries(self, tables: NDArray[np.void]) -> NDArray[np.void]:
        return np.asarray(tables[np.arange(len(tables)), self._winner(tables["ts"])])

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        best = int(self._winner(table["ts"]))
        mlog10p = float(self._p(table["ts"])[best])
        return Fit(n_scanned=len(table), **{**about, "mlog10p": mlog10p, "mlog10p_is_ts": self.background is None})

    def fill_p(self, rows: NDArray[np.void]) -> None:
        """Nothing is left to do: the p of a row is that of its source."""

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        rows = np.zeros(len(numbers), dtype=self.dtype)
        for start, fits, interrupted in self._batches(numbers, n_sig, poisson, seed, n_threads, progress):
            end = start + len(fits.ts)
            best = self._winner(fits.ts)[:, None]
            values = {**fits._asdict(), "mlog10p": self._p(fits.ts)}
            for name in self.columns:
                if name in values:
                    rows[name][start:end] = np.take_along_axis(values[name], best, axis=1)[:, 0]
            rows["ra"][start:end], rows["dec"][start:end] = self.src.ra[best[:, 0]], self.src.dec[best[:, 0]]
            if interrupted:
                raise InterruptedBatch(rows[:end].view(np.recarray), numbers[:end], len(numbers))
        return rows.view(np.recarray)

    def _batches(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> Iterator[tuple[int, ListFits, bool]]:
        """Some trials after the other: the first of them, their fits, and whether Ctrl-C made them fewer."""
        names = [name for name in ListFits._fields if name in self.columns]
        for start in range(0, len(numbers), _TOGETHER):
            some = numbers[start : start + _TOGETHER]
            fits = np.full((len(some), len(self.src), 3), np.nan)
            if self._scrambles and not self._own_background(n_sig):
                made = np.empty((len(some), len(self.src), len(names)))
                done, interrupted = self._fill(made, some, n_sig, poisson, seed, n_threads, start, progress)
                fits[:, self._order, : len(names)] = made
            else:
                done, interrupted = self._one_by_one(fits, some, n_sig, poisson, seed, n_threads, start, progress)
            yield start, ListFits(*np.moveaxis(fits[:done], 2, 0)), interrupted
            if interrupted:
                return

    @cached_property
    def _order(self) -> I64:
        """The sources by extension: those that read the same columns of events follow each other."""
        return np.argsort(self.src.extension, kind="stable")

    def _fill(
        self,
        rows: F64,
        numbers: I64,
        n_sig: float,
        poisson: bool,
        seed: int,
        n_threads: int,
        before: int,
        progress: Progress | None,
    ) -> tuple[int, bool]:
        """Fits of every source in `_order` by the core; how many trials, and whether by Ctrl-C."""
        runners = [self.runners[j] for j in self._order]
        injected: list[Any] = []
        try:
            if n_sig:
                injected = self._injected(seed, numbers, n_sig, poisson, [tr.model for tr in runners])
        except KeyboardInterrupt:
            return 0, True
        return _core.fit_point_trials(
            runners[0].model.likelihood,
            [tr._point.source for tr in runners],
            None,
            key=seed_key(seed),
            numbers=numbers,
            injected=injected,
            rows=rows,
            n_threads=n_threads,
            progress=None if progress is None else lambda n, _: progress.update(before + n),
        )

    def _injected(
        self, seed: int, numbers: I64, n_sig: float, poisson: bool, models: list[LikelihoodModel]
    ) -> list[list[tuple[_core.PointRecords, F64, I64]]]:
        """The signal of some trials as each likelihood reads it."""
        drawn = self.stack_injector.inject_many(BatchDraws(seed_key(seed), numbers), n_sig, poisson)
        made: dict[float, list[tuple[_core.PointRecords, F64, I64]]] = {}
        for model in models:
            if model.options.extension in made:
                continue
            seasons = made[model.options.extension] = []
            for k, (given, first) in enumerate(drawn):
                events = self.analysis[k].sim[:0] if given is None else given
                records = model.records_of(model.columns_for(k, events))
                seasons.append((records, np.ascontiguousarray(events["ra"]), first))
        return [made[model.options.extension] for model in models]

    def _one_by_one(
        self,
        fits: F64,
        numbers: I64,
        n_sig: float,
        poisson: bool,
        seed: int,
        n_threads: int,
        before: int,
        progress: Progress | None,
    ) -> tuple[int, bool]:
        """The same for background at new declinations, or of the trial's own, which the core does not make."""
        for i, j in enumerate(numbers.tolist()):
            try:
                table = self._table_of(self.draw_trial(seed, j, n_sig, poisson), n_threads)
            except KeyboardInterrupt:
                return i, True
            for column, name in enumerate(ListFits._fields):
                if name in self.columns:
                    fits[i, :, column] = table[name]
            if progress is not None:
                progress.update(before + i + 1)
        return len(numbers), False

    @property
    def _default_flux(self) -> Flux | None:
        return self.injection.flux

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the positions are those of the sources")
        shares = self.src.weight / self.src.weight.sum()
        return float(np.sum(shares * np.asarray(acceptance(self.src.dec))))

    def upper_limits(self, fits: SourceListResult, **options: Any) -> tuple[NSigResult, ...]:
        """Upper limit of each source, of a spectrum injected at its place.

        Parameters
        ----------
        fits : SourceListResult
            See `test`.
        **options
            Those of `nusky.sensitivity.upper_limit`: ``beta``, ``seed``, ``E0``, ``unit``, ``tol`` …

        Returns
        -------
        tuple of NSigResult
        """
        from nusky.dists import TSD
        from nusky.sensitivity import upper_limit

        local = self.local_p
        return tuple(
            upper_limit(runner, float(ts), TSD(local.ts[:, j]), **options)
            for j, (runner, ts) in enumerate(zip(self.runners, fits.ts, strict=True))
        )
