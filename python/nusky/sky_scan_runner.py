"""`SkyScanTrialRunner`: fits at every pixel of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nusky.fit import Fit
from nusky.hottest import best_of_map, embed_scan, hottest_spots, scan_pixels
from nusky.pixels import PixelSet
from nusky.point_source import require_steady
from nusky.runners import Background, Made, Runner
from nusky.sky_scan import SkyScan
from nusky.source import Sources
from nusky.trial import Trial, as_trial

if TYPE_CHECKING:
    from nusky import _core
    from nusky.prior_runner import SpatialPriorTrialRunner

    ScansPixels: TypeAlias = "SpatialPriorTrialRunner | SkyScanTrialRunner"

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

__all__ = ["SkyScanTrialRunner", "describe_pixels", "get_one_scan", "get_one_scan_from_trial"]


def get_one_scan(
    runner: ScansPixels,
    n_sig: float = 0,
    *,
    poisson: bool = False,
    seed: Any = None,
    TRUTH: bool = False,
    mp_cpus: int | None = None,
    logging: bool = False,
) -> SkyScan:
    """Make one trial and fit every pixel; arguments as for `get_one_fit`.

    Returns
    -------
    SkyScan
        Array-like of shape (4, npix): mlog10p, ts, ns, gamma; **without** any prior (add ``llh_prior_term[j]`` to ts).
    """
    n_threads = runner._threads(mp_cpus)
    return _scan_trial(runner, runner._one_trial(n_sig, poisson, seed, TRUTH), n_threads, logging)


def get_one_scan_from_trial(
    runner: ScansPixels, trial: Any, *, mp_cpus: int | None = None, logging: bool = False
) -> SkyScan:
    """Fit every pixel to the events of a trial, whichever runner of the same analysis made it; see `get_one_scan`."""
    return _scan_trial(runner, as_trial(trial, len(runner.analysis)), runner._threads(mp_cpus), logging)


def _scan_trial(runner: ScansPixels, trial: Trial, n_threads: int, logging: bool) -> SkyScan:
    pixels = runner.pixels
    fits = scan_pixels(runner.model, runner._index(trial, n_threads), pixels, n_threads, logging)
    provenance = {**runner.provenance(trial), "nside": pixels.nside, "n_scanned": len(pixels)}
    return embed_scan(fits, pixels, runner.ts_to_p, runner.likelihood.mode == "fit", provenance)


def describe_pixels(pixels: PixelSet) -> dict[str, Any]:
    """What decides the pixels, as values JSON can hold."""
    from nusky.dataset import content_hash

    return {
        "nside": pixels.nside,
        "n_pixels": len(pixels),
        "pixels": {"rules": [str(rule.rule) for rule in pixels.report], "hash": content_hash([pixels.pixels])},
    }


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SkyScanTrialRunner(Runner):
    """Fits n_s and γ at every pixel of a set; its fit is the hottest pixel.

    Parameters
    ----------
    pixels : PixelSet
        From `select_pixels`.
    src : Sources, optional
        Where `n_sig` events are injected; without it only background trials (and trials made elsewhere) are fitted.
    analysis, likelihood, injection, mp_cpus, ts_to_p
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
        require_steady(self.src)
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        positions = None
        if self.src is not None:
            positions = {name: getattr(self.src, name).tolist() for name in ("ra", "dec", "weight")}
        return {**describe_pixels(self.pixels), "src": positions}

    @cached_property
    def _terms(self) -> F64:
        return np.zeros((1, len(self.pixels)))

    @cached_property
    def _fallback(self) -> I64:
        return self.pixels.pixels[:1]

    def _with_signal(
        self, background: Background, rng: np.random.Generator, n_sig: float, poisson: bool, made: Made
    ) -> Trial:
        n_seasons = len(background)
        injected: tuple[Any, ...] = (None,) * n_seasons
        if n_sig:
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
        return Trial(background, injected, (0,) * n_seasons, **made)

    def _truth(self) -> Trial:
        background = self.background_injector.truth()
        return Trial(background, (None,) * len(background), (0,) * len(background), TRUTH=True)

    get_one_scan = get_one_scan
    get_one_scan_from_trial = get_one_scan_from_trial

    def _best(self, index: _core.EventIndex, n_threads: int) -> NDArray[np.void]:
        return hottest_spots(self.model, index, self.pixels, self._terms, self._fallback, n_threads)

    def _best_logged(self, index: _core.EventIndex, n_threads: int) -> NDArray[np.void]:
        fits = scan_pixels(self.model, index, self.pixels, n_threads, True)
        return best_of_map(fits, self.pixels, self._terms, self._fallback)

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(n_scanned=len(self.pixels), nside=self.pixels.nside, pixel=int(table["pixel"][0]), **about)

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if set(where) != {"dec"}:
            raise TypeError("a sky scan has no position of its own: pass dec= (rad) and nothing else")
        value = acceptance(where["dec"])
        return float(value) if np.ndim(value) == 0 else value
