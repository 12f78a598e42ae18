"""`StackingTrialRunner`: trials of many sources that are fitted together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.files import config_hash, content_hash
from nusky.hyp import SumFlux
from nusky.hypotheses.hypothesis import HypothesisRunner
from nusky.injection import BatchDraws, SignalInjector, SpectraSignal, StackInjector, WindowsSignal, seed_key
from nusky.likelihood import StackSpectraValues, StackValues
from nusky.progress import scan_progress
from nusky.runners.point_source import check_sources
from nusky.source import TimeWindows, check_distinct
from nusky.transients import OnTime, OnTimes
from nusky.units import counted

if TYPE_CHECKING:
    from nusky.hyp import Flux
    from nusky.injection import Injected, TrialDraws
    from nusky.progress import Progress
    from nusky.source import Sources
    from nusky.trial import Trial
    from nusky.typing import F64, I64

__all__ = ["StackingTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class StackingTrialRunner(HypothesisRunner):
    """Trials of a stack: n_s events of all sources together, shared by flux and acceptance, one spectrum.

    S = Σ_j w_j A_j(γ) S_j / Σ_j w_j A_j(γ); the weights w_j are ratios of fluxes. `to_E2dNdE` and the other conversions
    give the flux of all sources together, `per_source` that of each.

    Parameters
    ----------
    src : Sources
        With `weight` and `extension` of each.
    inject_src : Sources or None
        Other sources that the signal comes from, and whose flux the conversions give: what a fit of `src` makes of a
        displaced source, or of other weights. Of whole seasons.
    spectra : (J,) Flux or None
        Of each source that signal comes from, as they stand: source j shines with w_j φ_j. Fluxes are then multiples of
        their sum. Of whole seasons.
    energy_spectra : (J,) Flux or None
        The energy term is that of a spectrum of each source of `src`, see `StackSpectraValues`; n_s is fitted, and
        `likelihood` has the mode "flux" with their sum. Of whole seasons, without signal subtraction.
    analysis, likelihood, injection, mp_cpus, transient, declinations, sigsub, update_bg
        See `HypothesisRunner`.

    Examples
    --------
    >>> import nusky as cy                                                                     # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=cy.sources([1.4, 1.8], [0.1, 0.3], weight=[2, 1]), ana=ana)   # doctest: +SKIP
    >>> tr.get_one_fit(10, seed=1)                                                             # doctest: +SKIP
    """

    src: Sources
    inject_src: Sources | None = None
    spectra: tuple[Flux, ...] | None = None
    energy_spectra: tuple[Flux, ...] | None = None

    def __post_init__(self) -> None:
        if self.inject_src is not None:
            if self.transient is not None:
                raise ValueError("in a time window signal is injected where it is fitted: leave out other sources")
            check_sources(self.inject_src, None)
            check_distinct(self.inject_src)
        check_sources(self.src, self.transient, own_windows=True)
        if self.likelihood.extension:
            raise ValueError(
                f"likelihood.extension={self.likelihood.extension:g}: the sources of a stack have their own; "
                "give sources(…, extension=)"
            )
        check_distinct(self.src)
        self._check_spectra()
        super().__post_init__()

    def _check_spectra(self) -> None:
        for name, src in (("spectra", self.injected_src), ("energy_spectra", self.src)):
            given = getattr(self, name)
            if given is None:
                continue
            if len(given) != len(src):
                raise ValueError(f"{name} holds {len(given)} spectra for {len(src)} sources: give one for each")
            if self.transient is not None:
                raise ValueError("sources with spectra of their own are those of whole seasons: give one flux")
        if self.energy_spectra is not None:
            if self.sigsub:
                raise ValueError("sigsub=True takes one energy term for all sources: give one flux")
            if self.likelihood.mode != "flux":
                raise ValueError("energy_spectra need likelihood=LikelihoodOptions('flux', flux=SumFlux(…))")

    def _describe(self) -> dict[str, Any]:
        src = self.src
        about = {"n_sources": len(src), "sources": content_hash([src.ra, src.dec, src.weight, src.extension])}
        if self.inject_src is not None:
            one = self.inject_src
            about["injected"] = content_hash([one.ra, one.dec, one.weight, one.extension])
        for name in ("spectra", "energy_spectra"):
            if (given := getattr(self, name)) is not None:
                about[name] = config_hash({"spectra": [flux.to_json() for flux in given]})
        return {**about, "sigsub": True} if self.sigsub else about

    @cached_property
    def values(self) -> StackValues:
        if self.energy_spectra is not None:
            return StackSpectraValues(self.model, self.src, self.energy_spectra)
        return StackValues(self.model, self.src)

    @cached_property
    def on_time(self) -> OnTime | None:
        if self.transient is not None and isinstance(self.transient.window, TimeWindows):
            return OnTimes(self.analysis, self.transient, self.src.weight)
        return super().on_time

    @cached_property
    def signal_injector(self) -> SignalInjector:
        if isinstance(self.on_time, OnTimes):
            return WindowsSignal(self.analysis, self.injection, self.likelihood.extension, self.on_time)
        if self.spectra is not None:
            extension = self.likelihood.extension
            return SpectraSignal(self.analysis, self.injection, extension, spectra=self.spectra)
        return super().signal_injector

    @cached_property
    def stack_injector(self) -> StackInjector:
        """How the sources share the injected events."""
        return StackInjector(self.signal_injector, self.injected_src)

    @property
    def injected_src(self) -> Sources:
        """The sources that signal comes from."""
        return self.src if self.inject_src is None else self.inject_src

    @property
    def flux_shares(self) -> F64:
        """(J,) of the flux of all sources that shine, that of each; the weights, adding up to 1."""
        return np.asarray(self.injected_src.weight / self.injected_src.weight.sum())

    def per_source(self, flux: float, E0: float = 1.0, unit: float = 1.0) -> F64:
        """(J,) flux of each source, of a flux of all together such as `to_E2dNdE` gives.

        Parameters
        ----------
        flux : float
        E0, unit : float
            The energy `E0`·`unit` GeV that the flux is given at, as for `to_E2dNdE`; only where sources have spectra of
            their own does the share of each depend on it.

        Examples
        --------
        >>> tr.per_source(tr.to_E2dNdE(12.0))                             # doctest: +SKIP
        """
        if self.spectra is None:
            return flux * self.flux_shares
        E0, unit = counted(E0, unit)
        each = self.flux_shares * np.array([one(E0 * unit) for one in self.spectra])
        if not each.any():
            raise ValueError(f"no source shines at E0 = {E0!r} x {unit!r} GeV: choose another energy")
        return np.asarray(flux * each / each.sum())

    @property
    def _default_flux(self) -> Flux | None:
        return super()._default_flux if self.spectra is None else SumFlux(self.spectra, self.flux_shares.tolist())

    def _expected_events(self, gamma: float | None, flux: Flux, where: dict[str, Any]) -> float:
        if self.spectra is None or gamma is not None or where or flux != self._default_flux:
            return super()._expected_events(gamma, flux, where)
        return float((self.signal_injector.acceptance(self.injected_src.dec) * self.flux_shares).sum())

    def signal_places(self, k: int) -> tuple[F64, F64]:
        src = self.injected_src
        share = src.weight * self.signal_injector.acceptance(src.dec)[k]
        return src.dec, np.asarray(share / share.sum())

    def _inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        return self.stack_injector.inject(draws, n_sig, poisson)

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the positions are those of the sources")
        return float(np.sum(self.flux_shares * np.asarray(acceptance(self.injected_src.dec))))

    @property
    def _fitted_by_core(self) -> bool:
        """Whether the core knows the sources: whole seasons, one spectrum for all."""
        return self.on_time is None and not self.sigsub and self.energy_spectra is None

    @property
    def _whole_seasons(self) -> bool:
        """Whether the core makes the trials: whole seasons at their own declinations."""
        return self._fitted_by_core and self._scrambles

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        if self._fitted_by_core:
            _ = self.values.stack
        if n_sig:
            self.stack_injector.prepare()

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        if not self._fitted_by_core:
            return super()._table(trial, n_threads, logging)
        with scan_progress(1, 1, logging):
            return self._row(*self.values.fit(trial))

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        if not self._whole_seasons:
            return super()._fit_numbers(numbers, n_sig, poisson, seed, n_threads, progress)

        def fit_some(some: I64, rows: F64, told: Any) -> tuple[int, bool]:
            injected = self._injected(seed, some, n_sig, poisson) if n_sig else None
            values, gamma = self.values, self.model.fixed_gamma
            return _core.fit_hypothesis_trials(
                values.likelihood, values.stack, injected,
                key=seed_key(seed), numbers=some, gamma=gamma, rows=rows, n_threads=n_threads, progress=told,
            )  # fmt: skip

        return self._in_core(fit_some, numbers, n_sig, progress)

    def _injected(
        self, seed: int, numbers: I64, n_sig: float, poisson: bool
    ) -> list[tuple[_core.EventColumns, F64, I64]]:
        """The signal of some trials as the core takes it."""
        draws = BatchDraws(seed_key(seed), np.ascontiguousarray(numbers))
        seasons = []
        for k, (events, first) in enumerate(self.stack_injector.inject_many(draws, n_sig, poisson)):
            made = self.analysis[k].sim[:0] if events is None else events
            seasons.append((self.model.columns_for(k, made), np.ascontiguousarray(made["ra"]), first))
        return seasons
