"""`MakesTrials`: one pseudo-experiment after the other, of background scrambled and signal injected."""

from __future__ import annotations

import logging as logging_module
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from nusky.events import Events
from nusky.injection.background import BackgroundInjector
from nusky.injection.declination import DecRandomization
from nusky.injection.off_time import OffTimeInjector
from nusky.injection.seeding import BatchDraws, TrialDraws, resolve_seed, trial_draws
from nusky.injection.signal import InjectedMany, InjectionOptions, SignalInjector, check_signal
from nusky.injection.simulated import SimulatedBackground, SimulatedInjector
from nusky.likelihood.model import LikelihoodOptions
from nusky.runners.fitter_args import whole
from nusky.source.window import TimeWindow
from nusky.source.windows import TimeWindows
from nusky.threads import resolve_threads
from nusky.transients.on_time import OnTime, TransientOptions
from nusky.transients.signal_times import SignalTimes
from nusky.trial.trial import Scramble, Trial

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis

__all__ = ["Background", "Made", "MakesTrials"]

Background = tuple[Scramble | Events, ...]

_log = logging_module.getLogger("nusky")


class Made(TypedDict):
    """Which trial this is."""

    seed: int | None
    index: int | None
    TRUTH: bool
    window: TimeWindow | TimeWindows | None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MakesTrials(ABC):
    """The trials of an analysis; a kind of runner says where signal is put.

    Parameters
    ----------
    analysis : Analysis
    likelihood : LikelihoodOptions
        γ, energy term, cut, source extension.
    injection : InjectionOptions
        Spectrum and band of injected events.
    mp_cpus : int or None
        Threads unless a call says otherwise; None or 0: all the process may use.
    transient : TransientOptions or None
        A time window: trials are Poisson draws of its background, the likelihood is the extended one, and acceptance,
        fluxes and fluences are those of the window. None: the whole livetime.
    declinations : DecRandomization or None
        Background events at new declinations, too.
    simulated : SimulatedBackground or None
        Background drawn from weighted simulation, not from the data.
    """

    analysis: Analysis
    likelihood: LikelihoodOptions = field(default_factory=LikelihoodOptions)
    injection: InjectionOptions = field(default_factory=InjectionOptions)
    mp_cpus: int | None = None
    transient: TransientOptions | None = None
    declinations: DecRandomization | None = None
    simulated: SimulatedBackground | None = None

    def __post_init__(self) -> None:
        if self.declinations is not None and self.transient is not None:
            raise ValueError("declinations are not randomised in a time window, whose background is few events anyway")
        if self.simulated is not None and self.transient is not None:
            raise ValueError("simulated background has no times: in a time window the background is that of the data")
        resolve_threads(self.mp_cpus)
        for season in self.analysis:
            season.in_use()
        if not len(self.analysis):
            raise ValueError("the analysis has no seasons")
        if self.simulated is not None:
            _ = self.background_injector  # checks the weights

    @abstractmethod
    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        """Trial with `n_sig` events injected; `made` holds its seed and index."""

    def _inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> InjectedMany:
        """Events that many trials inject, the same as `_with_signal` for each; for runners that fit trials together."""
        raise NotImplementedError(f"{type(self).__name__} makes one trial after the other")

    @abstractmethod
    def _background_only(self, background: Background, made: Made) -> Trial:
        """Trial of these events, with nothing injected."""

    @cached_property
    def on_time(self) -> OnTime | None:
        """Uptime and expected background of each season in the time window; None without one."""
        return None if self.transient is None else OnTime(self.analysis, self.transient)

    @property
    def timing(self) -> OnTime | SignalTimes | None:
        """When signal comes, and what acceptance and fluxes are those of; None: the whole livetime, no times."""
        return self.on_time

    @cached_property
    def background_injector(self) -> BackgroundInjector | OffTimeInjector:
        """Scrambles the seasons' events, or brings off-time events into the window."""
        if self.simulated is not None:
            return SimulatedInjector(self.analysis, self.simulated)
        return BackgroundInjector(self.analysis) if self.on_time is None else OffTimeInjector(self.on_time)

    @property
    def _scrambles(self) -> bool:
        """Whether background is the seasons' own events at new right ascensions, which the core can draw."""
        return self.declinations is None and self.simulated is None

    @property
    def _draws_rows(self) -> bool:
        """Whether background events are rows of the simulation as they stand."""
        return self.simulated is not None and self.declinations is None

    @cached_property
    def signal_injector(self) -> SignalInjector:
        """Puts simulated events onto a position."""
        return SignalInjector(self.analysis, self.injection, self.likelihood.extension, self.timing)

    def _threads(self, mp_cpus: int | None) -> int:
        return resolve_threads(self.mp_cpus if mp_cpus is None else mp_cpus)

    def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Trial:
        draws = trial_draws(seed, index)
        background = self.background_injector.scramble(draws)
        if self.declinations is not None:
            background = self.declinations.scramble(background, draws)
        made = self._made(seed, index)
        if n_sig == 0:
            return self._background_only(background, made)
        return self._with_signal(background, draws, n_sig, poisson, made)

    def _made(self, seed: int | None, index: int | None) -> Made:
        window = None if self.transient is None else self.transient.window
        return {"seed": seed, "index": index, "TRUTH": seed is None, "window": window}

    def _one_trial(self, n_sig: float, poisson: bool, seed: Any, TRUTH: bool) -> Trial:
        n_sig, poisson = check_signal(n_sig, poisson)
        if not isinstance(TRUTH, (bool, np.bool_)):
            raise TypeError(f"TRUTH must be True or False, got {TRUTH!r}")
        if TRUTH:
            if n_sig:
                raise ValueError(f"TRUTH=True takes the real sky as it is; n_sig={n_sig:g} cannot be injected into it")
            _log.warning("TRUTH=True: these are the real, unscrambled events of %s.", ", ".join(self.analysis.keys))
            return self._background_only(self.background_injector.truth(), self._made(None, None))
        return self.draw_trial(resolve_seed(whole("seed", seed)), 0, n_sig, poisson)

    def get_one_trial(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        replace_evts: bool = False,
    ) -> Trial:
        """Make one trial: scrambled background, and signal where the runner puts it.

        Parameters
        ----------
        n_sig : float
            Events to inject, over all seasons; whole unless `poisson`.
        poisson : bool
            Draw the number of injected events from a Poisson distribution of mean `n_sig`.
        seed : int, numpy.random.Generator or None
            The same seed gives the same trial, also inside `get_one_fit`, and trial 0 of `get_many_fits`. None: a new
            one, recorded in the trial.
        TRUTH : bool
            The real, unscrambled events; logged and recorded.
        mp_cpus : int or None
            Accepted as by the other calls; making a trial takes one thread.
        logging : bool
            Accepted as by the other calls.
        replace_evts : bool
            Each injected event takes the place of one of the season's background events, drawn at random: N is the same
            with and without signal.

        Returns
        -------
        Trial

        Raises
        ------
        ValueError, TypeError
            For `n_sig`, `poisson`, `seed` or `mp_cpus` out of range, or signal with ``TRUTH=True``.
        """
        self._threads(mp_cpus)
        trial = self._one_trial(n_sig, poisson, seed, TRUTH)
        return trial.replaced() if replace_evts else trial
