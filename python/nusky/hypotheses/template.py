"""`TemplateTrialRunner`: trials of a whole map of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.files import content_hash
from nusky.hypotheses.hypothesis import HypothesisRunner
from nusky.injection import TemplateInjector
from nusky.likelihood import TemplateValues
from nusky.progress import scan_progress

if TYPE_CHECKING:
    from nusky.injection import Injected, TrialDraws
    from nusky.maps import SkyMap
    from nusky.trial import Trial
    from nusky.typing import F64

__all__ = ["TemplateTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TemplateTrialRunner(HypothesisRunner):
    """Trials of a template: n_s events from a map of the sky, in proportion to its flux and the acceptance.

    `to_E2dNdE` and the other conversions give the flux of the whole map; `per_steradian` and `flux_map` spread it.

    Parameters
    ----------
    template : SkyMap
        Share of the flux of each pixel. The map may be of any nside; what is finer than 0.4° is smoothed.
    sigsub : bool
        Signal-subtracted likelihood, see `TemplateValues`: for a signal that is part of the data the background is made
        of. Of a fixed spectrum (``gamma=``, ``energy="customflux"`` or ``energy=False``) and whole seasons.
    analysis, likelihood, injection, mp_cpus, transient, declinations
        See `HypothesisRunner`.

    Examples
    --------
    >>> import nusky as cy                                                     # doctest: +SKIP
    >>> tr = cy.get_trial_runner(template=galactic_plane, gamma=2.7, ana=ana)  # doctest: +SKIP
    >>> tr.get_one_fit(200, seed=1)                                            # doctest: +SKIP
    """

    template: SkyMap
    sigsub: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigsub and self.likelihood.mode == "fit":
            raise ValueError(
                "sigsub=True needs a spectrum: with free γ there is no signal subtraction; give gamma=, or "
                "energy='customflux' and flux="
            )
        if self.sigsub and self.transient is not None:
            raise ValueError("sigsub=True is for whole seasons: in a time window the background comes from outside it")
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
        }

    @cached_property
    def values(self) -> TemplateValues:
        return TemplateValues(self.model, self.template.probability, bool(self.sigsub))

    @cached_property
    def template_injector(self) -> TemplateInjector:
        """How events are drawn from the map."""
        return TemplateInjector(self.signal_injector, self.template.probability)

    def per_steradian(self, flux: float) -> float:
        """A flux of the whole map, averaged over the sky: ``flux / 4π``, per sr.

        Examples
        --------
        >>> tr.per_steradian(tr.to_E2dNdE(100, unit=1e3))              # doctest: +SKIP
        """
        return flux / (4 * np.pi)

    def flux_map(self, flux: float) -> F64:
        """(npix,) a flux of the whole map as it lies on the sky, per sr, RING."""
        probability = self.template.probability
        return np.asarray(flux * probability * (probability.size / (4 * np.pi)))

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        if n_sig:
            self.template_injector.prepare()

    def _inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        return self.template_injector.inject(draws, n_sig, poisson)

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the acceptance is that of the whole template")
        return self.values.average(acceptance)

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        if not self.values.fits_spectrum:
            return super()._table(trial, n_threads, logging)
        with scan_progress(1, n_threads, logging):
            return self._row(*self.values.fit(trial))
