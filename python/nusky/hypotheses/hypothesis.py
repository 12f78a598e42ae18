"""`HypothesisRunner`: trials of a hypothesis that is no single position, from values, an injection and parameters."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.progress import scan_progress
from nusky.runners.making import Background, Made
from nusky.runners.runner import Runner
from nusky.trial import PER_PRIOR_DTYPE, Fit, Trial

if TYPE_CHECKING:
    from nusky.hyp import Flux
    from nusky.injection import Injected, TrialDraws
    from nusky.likelihood import EventValues, TrialIndex

__all__ = ["HypothesisRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class HypothesisRunner(Runner):
    """Trials of a hypothesis whose likelihood is an `EventValues`.

    A subclass says three things, and has everything else a runner has: `values`, S/B of events and the shares of the
    seasons; `_inject`, its signal; and what `Runner` asks for of acceptance and configuration. Its parameters are n_s
    and, where it is free, γ.

    Parameters
    ----------
    analysis, likelihood, injection, mp_cpus, transient, declinations
        See `Runner`.
    """

    _sky: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.ts_to_p is not None:
            raise ValueError("ts_to_p takes a declination, and this hypothesis has none; ask a TSD of its own trials")
        super().__post_init__()

    @property
    @abstractmethod
    def values(self) -> EventValues:
        """S/B of events and shares of seasons."""

    @abstractmethod
    def _inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        """Signal of one trial."""

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        self.values.prepare()

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected = self._inject(draws, n_sig, poisson)
        return Trial(background, injected, (0,) * len(background), **made)

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

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
