"""`TrialRunner`: trials of one source at a known position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.events import Events
from nusky.executors.on_threads import InterruptedBatch
from nusky.hyp.flux import Flux
from nusky.injection.point import PointInjector
from nusky.injection.seeding import TrialDraws, seed_key
from nusky.injection.signal import Injected
from nusky.likelihood.point import PointFit
from nusky.likelihood.reading import LikelihoodReading
from nusky.progress import Progress, scan_progress
from nusky.runners.injectors import SeasonSignal
from nusky.runners.making import Background, Made
from nusky.runners.runner import Runner
from nusky.source.positions import Sources
from nusky.source.window import TimeWindow
from nusky.transients.on_time import TransientOptions
from nusky.trial.fit import PER_PRIOR_DTYPE, Fit
from nusky.trial.trial import Trial, as_trial
from nusky.typing import I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex


__all__ = ["TrialRunner", "check_sources"]


def check_sources(src: Sources | None, transient: TransientOptions | None, n: int | None = None) -> None:
    """Raise for sources that a runner cannot take.

    Raises
    ------
    TypeError
        Not `Sources`.
    ValueError
        Another time window than the runner's, or another number of sources than `n`.
    """
    if src is None:
        return
    if not isinstance(src, Sources):
        raise TypeError(f"src must come from nusky.sources(ra, dec), got {type(src).__name__}")
    window = None if transient is None else transient.window
    if src.is_transient and TimeWindow.of(src) != window:
        raise ValueError(
            f"src has the time window {TimeWindow.of(src)}, the runner {window or 'none'}; make it with nusky's "
            "get_*_runner functions, or pass transient=TransientOptions(TimeWindow.of(src))"
        )
    if n is not None and len(src) != n:
        raise ValueError(f"src holds {len(src)} sources; this runner fits {n}: make one runner for each, src[i]")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TrialRunner(Runner):
    """Trials of one source: scramble, inject at its position, fit n_s and γ there.

    Parameters
    ----------
    src : Sources
        One source.
    analysis, likelihood, injection, mp_cpus, ts_to_p, transient
        See `Runner`.

    Examples
    --------
    >>> import nusky as cy                                                          # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana)   # doctest: +SKIP
    >>> ts, ns, gamma = tr.get_one_fit(10, seed=1)                                  # doctest: +SKIP
    """

    src: Sources

    _sky: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_sources(self.src, self.transient, 1)
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        return {"ra": float(self.src.ra[0]), "dec": float(self.src.dec[0])}

    @cached_property
    def _directions(self) -> _core.Directions:
        return _core.Directions(np.array(self.src.ra), np.array(self.src.dec))

    @cached_property
    def _point(self) -> PointFit:
        return PointFit(self.model, float(self.src.ra[0]), float(self.src.dec[0]))

    @cached_property
    def _injector(self) -> PointInjector:
        return PointInjector(self.signal_injector, float(self.src.ra[0]), float(self.src.dec[0]))

    @cached_property
    def _signal(self) -> _core.PointSignal:
        """Everything that can be injected, evaluated once."""
        seasons = self._injector.seasons
        columns = [self.model.columns_for(k, events) for k, (events, _) in enumerate(seasons)]
        ra = [events["ra"] for events, _ in seasons]
        return _core.PointSignal(columns, ra, [cumulative for _, cumulative in seasons], self._injector.shares)

    @property
    def _moves(self) -> bool:
        """Whether injected events come from other places in every trial."""
        return self.signal_injector.injected_extension > 0

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
    ) -> LikelihoodReading:
        """Make one trial and give its likelihood, to be read at any parameters; arguments as for `get_one_trial`."""
        return self.get_one_llh_from_trial(self.get_one_trial(n_sig, poisson, seed, TRUTH))

    def get_one_llh_from_trial(self, trial: Any) -> LikelihoodReading:
        """The likelihood of a trial, to be read at any parameters.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)

        Returns
        -------
        LikelihoodReading
            `fit`, `scan_ts`, `get_minus_llh_ratio`, `carrying`.
        """
        made = as_trial(trial, len(self.analysis))
        ra, dec = float(self.src.ra[0]), float(self.src.dec[0])
        return LikelihoodReading(self.model, made, ra, dec, partial(self.get_one_fit_from_trial, made))

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        _ = self._directions
        if self.on_time is None:
            _ = self._point.source
        if n_sig and not self._moves:
            _ = self._signal

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        if self.on_time is not None or self.declinations is not None or (n_sig and self._moves):
            return super()._fit_numbers(numbers, n_sig, poisson, seed, n_threads, progress)
        rows = np.zeros(len(numbers), dtype=self.dtype)
        done, interrupted = _core.fit_point_trials(
            self.model.likelihood,
            self._point.source,
            self._signal if n_sig else None,
            key=seed_key(seed),
            numbers=numbers,
            n_sig=n_sig,
            poisson=poisson,
            gamma=self.model.fixed_gamma,
            rows=rows.view(np.float64).reshape(len(rows), len(self.columns)),
            n_threads=n_threads,
            progress=None if progress is None else lambda n, _: progress.update(n),
        )
        if interrupted:
            raise InterruptedBatch(rows[:done].view(np.recarray), numbers[:done], len(numbers))
        return rows.view(np.recarray)

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected: Injected
        if self._moves:
            counts = [draws.signal_count(n_sig, poisson)]
            injected = self.signal_injector.inject(draws, self.src.ra, self.src.dec, counts)
        else:
            season, row = self._signal.draw(draws.key, draws.index, n_sig, poisson)
            injected = tuple(self._drawn(k, np.flatnonzero(season == k), row, draws) for k in range(len(background)))
        return Trial(background, injected, (0,) * len(background), **made)

    def _drawn(self, k: int, some: I64, row: I64, draws: TrialDraws) -> Events | None:
        """Injected events of season k: `some` of those of a trial."""
        if not len(some):
            return None
        events: Events = self._injector.seasons[k][0][row[some]]
        if self.on_time is None:
            return events
        return self.signal_injector.with_times(k, events, draws.uniforms("signal_time", len(row))[some, 0])

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        if self.on_time is not None:
            return super()._table(trial, n_threads, logging)
        with scan_progress(1, 1, logging):
            return self._row(*self._point.fit(trial))

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        with scan_progress(1, n_threads, logging):
            ts, ns, gamma, status = _core.scan(
                self.model.likelihood, index.core, self._directions, gamma=self.model.fixed_gamma, n_threads=n_threads
            )
        return self._row(ts[0], ns[0], gamma[0], status[0])

    def _row(self, ts: float, ns: float, gamma: float, status: int) -> NDArray[np.void]:
        table = np.empty(1, dtype=PER_PRIOR_DTYPE)
        table[0] = (0, -1, 0, ts, ts, ns, gamma, self.src.ra[0], self.src.dec[0], status)
        return table

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(n_scanned=1, **about)

    @property
    def _default_flux(self) -> Flux | None:
        return self.injection.flux

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the position is that of the source")
        return float(acceptance(self.src.dec[0]))
