"""`HypothesisRunner`: trials of a hypothesis that is no single position, from values, an injection and parameters."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.executors import InterruptedBatch
from nusky.hypotheses.reading import HypothesisReading
from nusky.hypotheses.subtraction import SubtractedFit
from nusky.progress import scan_progress
from nusky.runners import SeasonSignal
from nusky.runners.making import Background, Made
from nusky.runners.runner import Runner
from nusky.trial import PER_PRIOR_DTYPE, Fit, Trial, as_trial

if TYPE_CHECKING:
    from typing_extensions import Self

    from nusky.analysis import Analysis
    from nusky.hyp import Flux
    from nusky.injection import Injected, TrialDraws
    from nusky.likelihood import EventValues, TrialIndex
    from nusky.progress import Progress
    from nusky.typing import F64, I64

__all__ = ["HypothesisRunner"]

# Trials whose signal is made together: Python's share of each is then small
_TOGETHER = 256


def _tell(progress: Progress, before: int, n: int, _: int) -> None:
    progress.update(before + n)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class HypothesisRunner(Runner):
    """Trials of a hypothesis whose likelihood is an `EventValues`.

    A subclass says three things, and has everything else a runner has: `values`, S/B of events and the shares of the
    seasons; `_inject`, its signal; and what `Runner` asks for of acceptance and configuration. Its parameters are n_s
    and, where it is free, γ.

    Parameters
    ----------
    sigsub : bool
        The signal-subtracted likelihood, see `SubtractedFit`: for a signal that is part of the data which the
        background is made of. Of whole seasons.
    analysis, likelihood, injection, mp_cpus, transient, declinations, update_bg
        See `Runner`.
    """

    sigsub: bool = False

    _sky: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.sigsub and self.transient is not None:
            raise ValueError("sigsub=True is for whole seasons: in a time window the background comes from outside it")
        if self.ts_to_p is not None:
            raise ValueError("ts_to_p takes a declination, and this hypothesis has none; ask a TSD of its own trials")
        super().__post_init__()

    @property
    @abstractmethod
    def values(self) -> EventValues:
        """S/B of events and shares of seasons."""

    def signal_places(self, k: int) -> tuple[F64, F64]:
        """Declinations (P,), rad, that season k's signal comes from, and the share of each."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its signal comes from")

    @abstractmethod
    def _inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        """Signal of one trial."""

    @cached_property
    def subtracted(self) -> SubtractedFit:
        """The fit with signal subtraction."""
        return SubtractedFit(self.values)

    @property
    def sig_injs(self) -> tuple[SeasonSignal, ...]:
        """How each season's signal is injected."""
        return tuple(SeasonSignal(self, k) for k in range(len(self.analysis)))

    @property
    def sig_inj_acc_total(self) -> float:
        """Expected events for the injected flux as it stands, over all seasons."""
        return self.get_acc_total()

    def get_one_llh(
        self, n_sig: float = 0, poisson: bool = False, seed: Any = None, TRUTH: bool = False
    ) -> HypothesisReading:
        """Make one trial and give its likelihood, to be read at any parameters; arguments as for `get_one_trial`."""
        return self.get_one_llh_from_trial(self.get_one_trial(n_sig, poisson, seed, TRUTH))

    def get_one_llh_from_trial(self, trial: Any) -> HypothesisReading:
        """The likelihood of a trial, to be read at any parameters: `fit`, `scan_ts`, `get_minus_llh_ratio`, `carrying`.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)
        """
        given = as_trial(trial, len(self.analysis))
        runner, made = self._renewed(given)
        fitter = partial(self.get_one_fit_from_trial, given)
        return HypothesisReading(runner.model, made, np.nan, np.nan, fitter, runner.values, bool(self.sigsub))

    def _over(self, analysis: Analysis) -> Self:
        made = super()._over(analysis)
        made.__dict__["values"] = self.values.with_background(made.model)
        return made

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        if self.sigsub:
            self.subtracted.prepare()
        else:
            self.values.prepare()

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        if not self.sigsub:
            return super()._table(trial, n_threads, logging)
        with scan_progress(1, 1, logging):
            return self._row(*self.subtracted.fit(trial))

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected = self._inject(draws, n_sig, poisson)
        return Trial(background, injected, (0,) * len(background), **made)

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    def _in_core(
        self,
        fit_some: Callable[[I64, F64, Any], tuple[int, bool]],
        numbers: I64,
        n_sig: float,
        progress: Progress | None,
    ) -> NDArray[np.void]:
        """Rows of trials that the core makes: ``fit_some(numbers, rows, progress)`` fills rows of (T, columns)."""
        rows = np.zeros(len(numbers), dtype=self.dtype)
        table = rows.view(np.float64).reshape(len(rows), len(self.columns))
        step = _TOGETHER if n_sig else max(1, len(numbers))
        for start in range(0, len(numbers), step):
            some = slice(start, start + step)
            told = None if progress is None else partial(_tell, progress, start)
            try:
                done, interrupted = fit_some(numbers[some], table[some], told)
            except KeyboardInterrupt:
                done, interrupted = 0, True
            if interrupted:
                end = start + done
                raise InterruptedBatch(rows[:end].view(np.recarray), numbers[:end], len(numbers))
        return rows.view(np.recarray)

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        return self.values.index(trial, n_threads)

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        values = self.values
        with scan_progress(1, n_threads, logging):
            ts, ns, gamma, status = _core.scan(
                values.likelihood, index.core, values.direction, gamma=self.model.fixed_gamma, n_threads=n_threads
            )
        return self._row(ts[0], ns[0], gamma[0], status[0])

    def _row(self, ts: float, ns: float, gamma: float, status: int) -> NDArray[np.void]:
        table = np.empty(1, dtype=PER_PRIOR_DTYPE)
        table[0] = (0, -1, 0, ts, ts, ns, gamma, np.nan, np.nan, status)
        return table

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(n_scanned=1, **about)

    @property
    def _default_flux(self) -> Flux | None:
        return self.injection.flux
