"""`SpatialPriorTrialRunner`: the hottest spot of the sky after a spatial prior."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.fit import Fit
from nusky.hottest import best_of_map, hottest_spots, scan_pixels
from nusky.injectors import PriorInjector
from nusky.pixels import PixelSet
from nusky.priors import SpatialPrior
from nusky.runners import Background, Made, Runner
from nusky.sky_scan_runner import describe_pixels, get_one_scan, get_one_scan_from_trial
from nusky.trial import SpatialPriorTrial, Trial

if TYPE_CHECKING:
    from nusky import _core

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

__all__ = ["SpatialPriorTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpatialPriorTrialRunner(Runner):
    """Fits TS + w ln(p/p_max) over the pixels, and injects from the prior.

    Every prior gets its own best pixel; the trial's TS is the largest of them.

    Parameters
    ----------
    priors : tuple of SpatialPrior
    pixels : PixelSet
        Pixels that are fitted, of the priors' nside.
    allowed : PixelSet, optional
        Pixels where a source can be; default those of `pixels`.
    injection_priors : tuple of SpatialPrior, optional
        What sources are drawn from; default `priors`.
    analysis, likelihood, injection, mp_cpus, ts_to_p
        See `Runner`.

    Examples
    --------
    >>> import nusky as cy                                                             # doctest: +SKIP
    >>> sptr = cy.get_spatial_prior_trial_runner(llh_priors=m, min_dec=-1.48, ana=ana) # doctest: +SKIP
    >>> fit = sptr.get_one_fit(20, seed=1)                                             # doctest: +SKIP
    >>> fit.ts, fit.pixel, fit.status.name                                             # doctest: +SKIP
    """

    priors: tuple[SpatialPrior, ...]
    pixels: PixelSet
    allowed: PixelSet | None = None
    injection_priors: tuple[SpatialPrior, ...] | None = None

    def __post_init__(self) -> None:
        if not self.priors:
            raise ValueError("priors is empty; give at least one")
        for name, priors, pixels in (
            ("priors", self.priors, self.pixels),
            ("injection_priors", self._drawn_from, self._where),
        ):
            for j, prior in enumerate(priors):
                if prior.nside != pixels.nside:
                    raise ValueError(
                        f"{name}[{j}] has nside {prior.nside}, its pixels nside {pixels.nside}; bring it there with "
                        f"SpatialPrior(map, policy=PriorPolicy(regrade={pixels.nside}))"
                    )
        super().__post_init__()

    @property
    def _drawn_from(self) -> tuple[SpatialPrior, ...]:
        return self.priors if self.injection_priors is None else self.injection_priors

    @property
    def _where(self) -> PixelSet:
        return self.pixels if self.allowed is None else self.allowed

    def _describe(self) -> dict[str, Any]:
        def content(priors: tuple[SpatialPrior, ...]) -> list[dict[str, Any]]:
            return [{"hash": prior.content_hash, "policy": prior.policy.as_dict()} for prior in priors]

        where = describe_pixels(self._where)
        return {
            **describe_pixels(self.pixels),
            "priors": content(self.priors),
            "injection_priors": content(self._drawn_from),
            "allowed": {"n_pixels": where["n_pixels"], **where["pixels"]},
        }

    @property
    def nside(self) -> int:
        """HEALPix resolution of scan and priors."""
        return self.pixels.nside

    @property
    def llh_prior_term(self) -> tuple[F64, ...]:
        """For each prior the (npix,) RING map w ln(p/p_max) that is added to TS; −inf where excluded."""
        return tuple(prior.term for prior in self.priors)

    @cached_property
    def prior_injector(self) -> PriorInjector:
        """Draws sources from the priors."""
        return PriorInjector(self.signal_injector, self._drawn_from, self._where)

    @cached_property
    def _terms(self) -> F64:
        return np.stack([prior.term[self.pixels.pixels] for prior in self.priors])

    @cached_property
    def _fallback(self) -> I64:
        return np.array([prior.peak for prior in self.priors], dtype=np.int64)

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        _ = self._terms, self._fallback, self.pixels.directions
        if n_sig:
            _ = self.prior_injector.mean_acceptances, self.prior_injector._cumulatives

    def _with_signal(
        self, background: Background, rng: np.random.Generator, n_sig: float, poisson: bool, made: Made
    ) -> Trial:
        injected, ra, dec = self.prior_injector.inject(rng, n_sig, poisson)
        n_exs = (0,) * len(background)
        return SpatialPriorTrial(background, injected, n_exs, **made, ra=ra, dec=dec)

    def _truth(self) -> Trial:
        background = self.background_injector.truth()
        n_seasons = len(background)
        return SpatialPriorTrial(background, (None,) * n_seasons, (0,) * n_seasons, TRUTH=True)

    get_one_scan = get_one_scan
    get_one_scan_from_trial = get_one_scan_from_trial

    def _best(self, index: _core.EventIndex, n_threads: int) -> NDArray[np.void]:
        return hottest_spots(self.model, index, self.pixels, self._terms, self._fallback, n_threads)

    def _best_logged(self, index: _core.EventIndex, n_threads: int) -> NDArray[np.void]:
        # The whole map: slower than the search for the hottest spot, equal to the last bit, and its progress shows
        fits = scan_pixels(self.model, index, self.pixels, n_threads, True)
        return best_of_map(fits, self.pixels, self._terms, self._fallback)

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        winner = int(np.argmax(table["ts_raw"]))
        return Fit(
            n_scanned=len(self.pixels),
            nside=self.pixels.nside,
            pixel=int(table["pixel"][winner]),
            prior=winner,
            per_prior=table,
            prior_policy=self.priors[winner].policy.as_dict(),
            **about,
        )

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        """Average over each prior, summed over the priors: the flux is that of each of several equal objects."""
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the acceptance is averaged over the prior")
        dec, ring = np.unique(self._where.dec, return_inverse=True)
        accepted = np.asarray(acceptance(dec), dtype=np.float64)[ring]
        return float(sum(p @ accepted for p in self.prior_injector._probabilities))
