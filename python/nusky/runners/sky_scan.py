"""`SkyScanTrialRunner`: fits at every pixel of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.terms import PriorTerms
from nusky.injection.seeding import BatchDraws, TrialDraws
from nusky.injection.signal import InjectedMany
from nusky.pixels.pixel_set import PixelSet
from nusky.runners.making import Background, Made
from nusky.runners.map_runner import MapRunner
from nusky.runners.point_source import check_sources
from nusky.source.positions import Sources
from nusky.trial.fit import Fit
from nusky.trial.trial import Trial

__all__ = ["SkyScanTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SkyScanTrialRunner(MapRunner):
    """Fits n_s and γ at every pixel of a set; its fit is the hottest pixel.

    Parameters
    ----------
    pixels : PixelSet
        From `select_pixels`.
    src : Sources, optional
        Where `n_sig` events are injected; without it only background trials (and trials made elsewhere) are fitted.
    refine : Refinement, optional
        Look again around the hottest pixels, see `Refinement`; scans are not affected.
    analysis, likelihood, injection, mp_cpus, ts_to_p, transient
        See `Runner`.

    Examples
    --------
    >>> import nusky as cy                                                     # doctest: +SKIP
    >>> sstr = cy.get_sky_scan_trial_runner(nside=64, min_dec=-1.48, ana=ana)  # doctest: +SKIP
    >>> sstr.get_one_scan(seed=1).shape                                        # doctest: +SKIP
    (4, 49152)
    """

    pixels: PixelSet
    src: Sources | None = None

    def __post_init__(self) -> None:
        check_sources(self.src, self.transient)
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        positions = None
        if self.src is not None:
            positions = {name: getattr(self.src, name).tolist() for name in ("ra", "dec", "weight")}
        return {**super()._describe(), "src": positions}

    def _terms(self) -> PriorTerms:
        return PriorTerms.flat(self.pixels)

    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        injected = tuple(events for events, _ in self._inject_many(draws.batch, n_sig, poisson))
        return Trial(background, injected, (0,) * len(background), **made)

    def _inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> InjectedMany:
        if self.src is None:
            raise ValueError(
                f"n_sig={n_sig:g} needs a place: pass src=nusky.sources(ra, dec) to get_sky_scan_trial_runner, "
                "or take the trial from a spatial-prior runner"
            )
        # Sources of equal spectrum: each one's share of the events is its weight times its acceptance
        share = self.src.weight * self.signal_injector.acceptance(self.src.dec).sum(axis=0)
        if not share.sum() > 0:
            raise ValueError("no season accepts signal at any of the sources: nothing can be injected there")
        counts = draws.shared(draws.signal_counts(n_sig, poisson), share)
        ra, dec = (np.broadcast_to(angle, counts.shape) for angle in (self.src.ra, self.src.dec))
        return self.signal_injector.inject_many(draws, ra, dec, counts)

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(
            n_scanned=len(self.pixels),
            nside=int(table["nside"][0]),
            pixel=int(table["pixel"][0]),
            refine=self._refinement(),
            **about,
        )

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if set(where) != {"dec"}:
            raise TypeError("a sky scan has no position of its own: pass dec= (rad) and nothing else")
        value = acceptance(where["dec"])
        return float(value) if np.ndim(value) == 0 else value
