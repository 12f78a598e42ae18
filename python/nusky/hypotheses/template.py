"""`TemplateTrialRunner`: trials of a whole map of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.files import content_hash
from nusky.hypotheses.hypothesis import HypothesisRunner
from nusky.hypotheses.template_fit import TemplateFit
from nusky.injection import BatchDraws, SpectraInjector, TemplateInjector, seed_key
from nusky.likelihood import TemplateValues
from nusky.progress import scan_progress
from nusky.units import counted

if TYPE_CHECKING:
    from nusky.hyp import Flux, PixelSpectra
    from nusky.injection import Injected, TrialDraws
    from nusky.maps import SkyMap
    from nusky.progress import Progress
    from nusky.trial import Trial
    from nusky.typing import F64, I64

__all__ = ["TemplateTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TemplateTrialRunner(HypothesisRunner):
    """Trials of a template: n_s events from a map of the sky, in proportion to its flux and the acceptance.

    `to_E2dNdE` and the other conversions give the flux of the whole map; `per_steradian` and `flux_map` spread it.

    Parameters
    ----------
    template : SkyMap
        Share of the flux of each pixel. The map may be of any nside; what is finer than 0.4° is smoothed.
    spectra : PixelSpectra or None
        A spectrum in each pixel, of which `template` holds the shares: of the signal, of the acceptances, and of the
        fluxes, which are then multiples of this one.
    by_pixel : bool
        With `spectra`: the energy term is that of each pixel's spectrum, see `TemplateValues`; False: that of
        `likelihood`, the same for all pixels.
    analysis, likelihood, injection, mp_cpus, transient, declinations, sigsub, update_bg
        See `HypothesisRunner`.

    Examples
    --------
    >>> import nusky as cy                                                     # doctest: +SKIP
    >>> tr = cy.get_trial_runner(template=galactic_plane, gamma=2.7, ana=ana)  # doctest: +SKIP
    >>> tr.get_one_fit(200, seed=1)                                            # doctest: +SKIP
    """

    template: SkyMap
    spectra: PixelSpectra | None = None
    by_pixel: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by_pixel and (self.spectra is None or self.likelihood.mode != "flux"):
            raise ValueError(
                "by_pixel=True needs spectra= and likelihood=LikelihoodOptions('flux', flux=spectra.total)"
            )
        if self.spectra is not None and self.likelihood.mode == "fit":
            raise ValueError("with a spectrum in each pixel γ is not free: give by_pixel=True, or fix the energy term")
        _, sindec, table = self.model.acceptances()
        most = np.exp(self.values.log_acceptance() - table.max())
        if not np.all(most.max(axis=0) > 1e-30):
            raise ValueError(
                "the template is zero wherever the seasons accept signal: give a map that overlaps with them "
                f"(sin δ = {sindec[0]:.3g} … {sindec[-1]:.3g})"
            )

    def _describe(self) -> dict[str, Any]:
        return {
            "nside": self.template.nside,
            "template": content_hash([self.template.probability]),
            "sigsub": bool(self.sigsub),
            **self._describe_spectra(),
        }

    def _describe_spectra(self) -> dict[str, Any]:
        if self.spectra is None:
            return {}
        return {"spectra": content_hash([self.spectra.flux, self.spectra.energy_bins]), "by_pixel": self.by_pixel}

    @cached_property
    def values(self) -> TemplateValues:
        share = self.template.probability
        return TemplateValues(self.model, share, bool(self.sigsub), self.spectra, bool(self.by_pixel))

    @cached_property
    def core_fit(self) -> TemplateFit:
        """The fit of whole seasons by the core."""
        return TemplateFit(self.values, bool(self.sigsub))

    @property
    def _fits_in_core(self) -> bool:
        # Of a fixed spectrum signal subtraction has a second likelihood, and pixels' own energy terms one for each map
        return self.on_time is None and (self.values.free or not (self.sigsub or self.by_pixel))

    @cached_property
    def template_injector(self) -> TemplateInjector | SpectraInjector:
        """How events are drawn from the map."""
        if self.spectra is not None:
            return SpectraInjector(self.signal_injector, self.spectra)
        return TemplateInjector(self.signal_injector, self.template.probability)

    def per_steradian(self, flux: float) -> float:
        """A flux of the whole map, averaged over the sky: ``flux / 4π``, per sr.

        Examples
        --------
        >>> tr.per_steradian(tr.to_E2dNdE(100, unit=1e3))              # doctest: +SKIP
        """
        return flux / (4 * np.pi)

    def flux_map(self, flux: float, E0: float = 1.0, unit: float = 1.0) -> F64:
        """(npix,) a flux of the whole map as it lies on the sky, per sr, RING.

        Parameters
        ----------
        flux : float
        E0, unit : float
            The energy `E0`·`unit` GeV that the flux is given at, as for `to_E2dNdE`; only where pixels have spectra of
            their own does the map depend on it.
        """
        E0, unit = counted(E0, unit)
        share = self.template.probability if self.spectra is None else self.spectra.share_at(E0 * unit)
        return np.asarray(flux * share * (share.size / (4 * np.pi)))

    def _prepare(self, n_sig: float) -> None:
        self.model.prepare()
        if n_sig:
            self.signal_injector.prepare()
        if self._fits_in_core:
            self.core_fit.prepare()
        elif self.sigsub and not self.values.fits_spectrum:
            self.subtracted.prepare()
        else:
            self.values.prepare()
        if n_sig:
            self.template_injector.prepare()

    def signal_places(self, k: int) -> tuple[F64, F64]:
        if not isinstance(self.template_injector, TemplateInjector):
            raise ValueError("with a spectrum in each pixel events come from places and energies together")
        return self.template_injector.places(k)

    def _inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        return self.template_injector.inject(draws, n_sig, poisson)

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the acceptance is that of the whole template")
        return self.values.average(acceptance)

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        if not self._fits_in_core and not self.values.fits_spectrum:
            return super()._table(trial, n_threads, logging)
        with scan_progress(1, n_threads, logging):
            return self._row(*(self.core_fit if self._fits_in_core else self.values).fit(trial))

    def _fit_numbers(
        self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int, progress: Progress | None
    ) -> NDArray[np.void]:
        injector = self.template_injector
        if not self._fits_in_core or not self._scrambles or not isinstance(injector, TemplateInjector):
            return super()._fit_numbers(numbers, n_sig, poisson, seed, n_threads, progress)

        def fit_some(some: I64, rows: F64, told: Any) -> tuple[int, bool]:
            draws = BatchDraws(seed_key(seed), np.ascontiguousarray(some))
            injected = self.core_fit.injected(injector.inject_many(draws, n_sig, poisson)) if n_sig else None
            return _core.fit_template_trials(
                self.core_fit.template,
                injected,
                key=draws.key,
                numbers=some,
                rows=rows,
                n_threads=n_threads,
                progress=told,
            )

        return self._in_core(fit_some, numbers, n_sig, progress)

    @property
    def _default_flux(self) -> Flux | None:
        return super()._default_flux if self.spectra is None else self.spectra.total

    def _expected_events(self, gamma: float | None, flux: Flux, where: dict[str, Any]) -> float:
        if self.spectra is None:
            return super()._expected_events(gamma, flux, where)
        energy = np.sqrt(self.spectra.energy_bins[1:] * self.spectra.energy_bins[:-1])
        own, asked = np.asarray(self.spectra.total(energy)), np.asarray(flux(energy))
        factor = asked.sum() / own.sum()
        if gamma is not None or where or not np.allclose(asked, factor * own, rtol=1e-9, atol=0.0):
            raise ValueError(
                "the template has a spectrum in each pixel: counts are those of multiples of it; leave gamma= and "
                "flux= out (or give flux=tr.spectra.total), E0= and unit= say the energy"
            )
        shares = np.ones(len(self.analysis)) if self.timing is None else self.timing.shares
        return float(factor * self.values.expected(shares))
