"""`SkyScanTrialRunner`: fits at every pixel of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky import pixel_scans
from nusky.fit import Fit
from nusky.localization import get_localization
from nusky.pixelset import PixelSet
from nusky.point_source import check_sources
from nusky.prior_terms import PriorTerms
from nusky.refinement import Refinement
from nusky.runners import Background, Made, Runner
from nusky.source import Sources
from nusky.spot_finder import SpotFinder
from nusky.trial import Trial

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

__all__ = ["SkyScanTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SkyScanTrialRunner(Runner):
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
    refine: Refinement | None = None

    def __post_init__(self) -> None:
        check_sources(self.src, self.transient)
        if self.refine is not None:
            self.refine.check(pixel_scans.finest_nside(self.pixels))
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        positions = None
        if self.src is not None:
            positions = {name: getattr(self.src, name).tolist() for name in ("ra", "dec", "weight")}
        return {
            **pixel_scans.describe_pixels(self.pixels),
            "src": positions,
            "refine": pixel_scans.describe_refinement(self.refine),
        }

    @cached_property
    def _finder(self) -> SpotFinder:
        return SpotFinder(self.model, PriorTerms.flat(self.pixels), self.refine)

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        self._finder.prepare()

    def _with_signal(
        self, background: Background, rng: np.random.Generator, n_sig: float, poisson: bool, made: Made
    ) -> Trial:
        if self.src is None:
            raise ValueError(
                f"n_sig={n_sig:g} needs a place: pass src=nusky.sources(ra, dec) to get_sky_scan_trial_runner, "
                "or take the trial from a spatial-prior runner"
            )
        n = int(rng.poisson(n_sig)) if poisson else int(n_sig)
        # Sources of equal spectrum: each one's share of the events is its weight times its acceptance
        share = self.src.weight * self.signal_injector.acceptance(self.src.dec).sum(axis=0)
        if not share.sum() > 0:
            raise ValueError("no season accepts signal at any of the sources: nothing can be injected there")
        counts = rng.multinomial(n, share / share.sum()) if len(share) > 1 else np.array([n])
        injected = self.signal_injector.inject(rng, self.src.ra.tolist(), self.src.dec.tolist(), counts.tolist())
        return Trial(background, injected, (0,) * len(background), **made)

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    get_one_scan = pixel_scans.get_one_scan
    get_one_scan_from_trial = pixel_scans.get_one_scan_from_trial
    get_localization = get_localization
    _index = pixel_scans.event_index
    _best = pixel_scans.best_spots

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(
            n_scanned=len(self.pixels),
            nside=int(table["nside"][0]),
            pixel=int(table["pixel"][0]),
            refine=pixel_scans.describe_refinement(self.refine),
            **about,
        )

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if set(where) != {"dec"}:
            raise TypeError("a sky scan has no position of its own: pass dec= (rad) and nothing else")
        value = acceptance(where["dec"])
        return float(value) if np.ndim(value) == 0 else value
