"""csky's view of how a runner injects, season by season: ``tr.sig_injs[k]``, ``tr.bg_injs[k]``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nusky.analysis import Analysis
from nusky.events import Events
from nusky.hyp import SumFlux
from nusky.trial import Scramble, Trial
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.analysis import SubAnalysis
    from nusky.hyp import Flux
    from nusky.injection import InjectionOptions
    from nusky.runners.runner import Runner

__all__ = ["SeasonBackground", "SeasonSignal", "renewed_seasons"]


class _InjectsSignal(Protocol):
    """A runner that says where its signal comes from."""

    @property
    def analysis(self) -> Analysis: ...

    @property
    def injection(self) -> InjectionOptions: ...

    def signal_places(self, k: int) -> tuple[F64, F64]:
        """Declinations (P,), rad, and the share of season k's signal that comes from each."""

    def get_acc_total(self) -> float: ...

    def get_one_trial(self, n_sig: float = 0, poisson: bool = False, seed: Any = None) -> Trial: ...


class _Spectra(tuple["Flux", ...]):
    """Spectra that are read; setting one says what to do instead."""

    __slots__ = ()

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            f"flux[{key!r}] cannot be set: a runner's signal stays as it was made. Make another runner: "
            "get_trial_runner(…, inj_conf={'flux': …}), with a list for one spectrum for each source"
        )


class _ReadOnly:
    """What a runner was made with; setting an attribute says what to do instead."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{name} cannot be set: a runner's injectors stay as they were made. For another spectrum make another "
            "runner (inj_conf={'flux': …}); for other events another analysis (selections.CustomDataSpecs, or "
            "ana[k].data = … before runners are made)"
        )


@dataclass(frozen=True)
class _SignalFields:
    runner: _InjectsSignal
    k: int


class SeasonSignal(_ReadOnly, _SignalFields):
    """Signal of one season, as a runner injects it; to change it, make another runner (``flux=``).

    Attributes
    ----------
    runner : TrialRunner or HypothesisRunner
    k : int
        Season.
    """

    @property
    def flux(self) -> tuple[Flux, ...]:
        """Spectrum of the injected events, one for each source; of a template one."""
        spectra = getattr(self.runner, "spectra", None)
        if isinstance(spectra, tuple):
            return _Spectra(spectra)
        return _Spectra((self.runner.injection.flux,) * len(getattr(self.runner, "src", (None,))))

    @property
    def src(self) -> Any:
        """The sources; None for a template."""
        return getattr(self.runner, "src", None)

    @property
    def acc_total(self) -> float:
        """Expected events of this season for the injected flux as it stands."""
        return float(self._alone().get_acc_total())

    @property
    def sig(self) -> Events:
        """Simulated events that are drawn from."""
        return self.runner.analysis[self.k].sim

    @property
    def probs(self) -> F64:
        """(M,) probability of each simulated event to be drawn; they add up to 1."""
        dec, share = self.runner.signal_places(self.k)
        if not isinstance(getattr(self.runner, "spectra", None), tuple):
            return self._drawn_for(self.runner.injection.flux, dec, share)
        kinds, of = SumFlux(self.flux).kinds
        parts = [self._drawn_for(flux, dec[of == f], share[of == f]) for f, flux in enumerate(kinds)]
        return np.asarray(sum(share[of == f].sum() * part for f, part in enumerate(parts)))

    def _drawn_for(self, flux: Flux, dec: F64, share: F64) -> F64:
        """Probabilities of signal of one spectrum from some places."""
        options, sim = self.runner.injection, self.sig
        sin_true = np.sin(sim["true_dec"])
        order = np.argsort(sin_true, kind="stable")
        weight = (sim["oneweight"] * flux(sim["true_energy"]))[order]
        ends = np.concatenate([[0.0], np.cumsum(weight)])
        low, high = (np.searchsorted(sin_true[order], np.sin(dec) + d * options.sindec_bandwidth) for d in (-1, 1))
        inside = ends[high] - ends[low]
        if not np.all(inside[share > 0] > 0):
            raise ValueError("no simulated event with weight is near a source; widen sindec_bandwidth")
        # each place adds the same factor to all events of its band
        factor = np.divide(share, inside, out=np.zeros(len(share)), where=inside > 0)
        steps = np.zeros(len(weight) + 1)
        np.add.at(steps, low, factor)
        np.add.at(steps, high, -factor)
        drawn = np.empty(len(weight))
        drawn[order] = weight * np.maximum(np.cumsum(steps)[:-1], 0.0)
        return np.asarray(drawn / drawn.sum())

    def _alone(self) -> Any:
        """The runner of this season only."""
        runner: Any = self.runner
        return replace(runner, analysis=Analysis([runner.analysis[self.k]]))

    def inject(self, n_inj: int, seed: Any = None) -> Events | None:
        """So many signal events of this season; None for 0."""
        alone = self._alone()
        injected: Events | None = alone.get_one_trial(n_inj, seed=seed).injected[0]
        return injected


@dataclass(frozen=True)
class _BackgroundFields:
    runner: Runner
    k: int


class SeasonBackground(_ReadOnly, _BackgroundFields):
    """Background of one season; to change it, make another analysis.

    Attributes
    ----------
    runner : Runner
    k : int
        Season.
    """

    @property
    def data(self) -> Events:
        """Events that are scrambled, or drawn from the simulation."""
        season = self.runner.analysis[self.k]
        return season.data if self.runner.simulated is None else season.sim

    @property
    def probs(self) -> F64:
        """(N,) share of each event: every one of the data is used once, one of the simulation by its weight."""
        if self.runner.simulated is not None:
            rates = self.runner.simulated.rates(self.runner.analysis[self.k])
            return np.asarray(rates / rates.sum())
        return np.full(len(self.data), 1.0 / len(self.data))

    def inject(self, seed: Any = None) -> Events:
        """The season's events of a background trial."""
        part = self.runner.get_one_trial(seed=seed).background[self.k]
        return part.events() if isinstance(part, Scramble) else part


def renewed_seasons(analysis: Analysis, trial: Trial) -> tuple[list[SubAnalysis], tuple[Scramble | Events, ...]]:
    """The seasons with the background density of a trial's events, and the trial's background over them.

    A season whose events are at their own declinations, with nothing injected, is the same object.
    """
    seasons: list[SubAnalysis] = []
    backgrounds: list[Scramble | Events] = []
    for k, season in enumerate(analysis):
        background, injected = trial.background[k], trial.injected[k]
        own = isinstance(background, Scramble) and background.season is season and background.dec is None
        added = injected is not None and len(injected) > 0
        if own and (not added or trial.TRUTH):
            new = season
        else:
            bins = season.background.sindec_bins
            events = background.events() if isinstance(background, Scramble) else background
            counts = season.background.counts if own else _counts(events["sindec"], bins)
            if injected is not None and added:
                counts = counts + _counts(injected["sindec"], bins)
            new = season.with_background(type(season.background)(bins, counts))
        seasons.append(new)
        if own and isinstance(background, Scramble) and new is not season:
            background = replace(background, season=new)
        backgrounds.append(background)
    return seasons, tuple(backgrounds)


def _counts(sindec: F64, bins: F64) -> F64:
    return np.histogram(np.clip(sindec, bins[0], bins[-1]), bins)[0].astype(np.float64)
