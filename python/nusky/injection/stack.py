"""`StackInjector`: signal of many sources, whose shares follow from flux and acceptance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.hyp import SumFlux
from nusky.injection.signal import Injected, InjectedMany, SignalInjector
from nusky.transients import OnTimes, SignalTimesOfSources

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.hyp import Flux
    from nusky.injection.seeding import BatchDraws, TrialDraws
    from nusky.source import Sources
    from nusky.typing import F64, I64

__all__ = ["SpectraSignal", "StackInjector", "WindowsSignal"]


@dataclass(frozen=True, eq=False)
class SpectraSignal(SignalInjector):
    """Signal of J sources that have spectra of their own; the declinations it is asked for are those of the sources.

    Parameters
    ----------
    spectra : (J,) Flux
        As they stand.
    """

    spectra: tuple[Flux, ...] = ()

    @cached_property
    def _by_kind(self) -> tuple[SignalInjector, ...]:
        """What draws the events of each different spectrum."""
        return tuple(_of_flux(self, flux) for flux in SumFlux(self.spectra).kinds[0])

    @cached_property
    def _kind(self) -> I64:
        return SumFlux(self.spectra).kinds[1]

    def prepare(self) -> None:
        for one in self._by_kind:
            one.prepare()
        _ = self._kind

    def acceptance(self, dec: Any) -> F64:
        """(K, J) expected events of each season for each of the J sources, of its own spectrum."""
        dec = np.asarray(dec, dtype=np.float64)
        found = np.empty((len(self.analysis), len(dec)))
        for f, one in enumerate(self._by_kind):
            mine = self._kind == f
            found[:, mine] = one.acceptance(dec[mine])
        return found

    def _seasons(self, dec: F64, of: I64, uniform: F64) -> I64:
        n = len(self.spectra)
        ends = np.cumsum(self.shares(dec[:n]), axis=0)
        return np.asarray((uniform >= (ends / ends[-1])[:-1, of % n]).sum(axis=0))

    def placed(self, k: int, uniform: F64, ra: F64, dec: F64, of: I64 | None = None) -> Events:
        assert of is not None
        kind = self._kind[of % len(self.spectra)]
        parts, order = [], []
        for f, one in enumerate(self._by_kind):
            some = np.flatnonzero(kind == f)
            if len(some):
                parts.append(one.placed(k, uniform[some], ra[some], dec[some]))
                order.append(some)
        events = parts[0] if len(parts) == 1 else type(parts[0]).concatenate(parts)
        in_order: Events = events[np.argsort(np.concatenate(order), kind="stable")]
        return in_order


def _of_flux(signal: SignalInjector, flux: Flux) -> SignalInjector:
    """What injects the same with another spectrum."""
    return SignalInjector(signal.analysis, replace(signal.options, flux=flux), signal.extension, signal.on_time)


@dataclass(frozen=True, eq=False)
class WindowsSignal(SignalInjector):
    """Signal of sources that have windows of their own: acceptances are those in each window, and so are the times."""

    @property
    def _times(self) -> OnTimes | SignalTimesOfSources:
        assert isinstance(self.on_time, (OnTimes, SignalTimesOfSources))
        return self.on_time

    def acceptance(self, dec: Any) -> F64:
        """(K, J) expected events of each season for each of the J sources in its window, at their declinations."""
        whole = np.stack([np.asarray(acceptance(dec), dtype=np.float64) for acceptance in self._acceptances])
        return np.asarray(whole * self._times.shares)

    def _seasons(self, dec: F64, of: I64, uniform: F64) -> I64:
        n = len(self._times.windows)
        ends = np.cumsum(self.shares(dec[:n]), axis=0)
        return np.asarray((uniform >= (ends / ends[-1])[:-1, of % n]).sum(axis=0))

    def with_times(self, k: int, events: Events, uniform: F64, of: I64 | None = None) -> Events:
        assert of is not None
        source = of % len(self._times.windows)
        return events.with_columns(mjd=self._times.signal_times_of(k, source, uniform))


@dataclass(frozen=True, eq=False)
class StackInjector:
    """Signal of sources that share a spectrum, source j in proportion to w_j A_j.

    Parameters
    ----------
    signal : SignalInjector
    src : Sources
        Weights are ratios of fluxes; each source has its own extension.
    """

    signal: SignalInjector
    src: Sources

    @cached_property
    def extension(self) -> F64:
        """(J,) widths of the injected sources, rad."""
        options = self.signal.options
        return self.src.extension if options.extension is None else np.full(len(self.src), options.extension)

    @cached_property
    def shares(self) -> F64:
        """(J,) of the injected events that come from each source, over all seasons; their sum is 1."""
        weighted = self.src.weight * self.signal.acceptance(self.src.dec).sum(axis=0)
        if not weighted.any():
            raise ValueError("no season accepts signal from any of the sources: nothing can be injected")
        return np.asarray(weighted / weighted.sum())

    def prepare(self) -> None:
        """Make what all trials share."""
        self.signal.prepare()
        _ = self.shares, self.extension

    def inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        """Signal of one trial; None for each season without any."""
        return tuple(events for events, _ in self.inject_many(draws.batch, n_sig, poisson))

    def inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> InjectedMany:
        """Signal of several trials at once, the same events as `inject` gives one by one.

        Returns
        -------
        tuple of (Events or None, (T + 1,) int64)
            For each season the events of all trials, trial by trial, and where each trial begins.
        """
        counts = draws.shared(draws.signal_counts(n_sig, poisson), self.shares)
        ra, dec = (np.broadcast_to(one, counts.shape) for one in (self.src.ra, self.src.dec))
        return self.signal.inject_many(draws, ra, dec, counts, self.extension)
