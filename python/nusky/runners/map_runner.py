"""`MapRunner`: what the runners that look at many pixels share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots.calibration import RegionCalibration, calibrate_regions
from nusky.hotspots.finder import SpotFinder
from nusky.hotspots.hottest import embed_scan, scan_pixels
from nusky.hotspots.localization import Localization, localize
from nusky.hotspots.terms import PriorTerms
from nusky.hyp.flux import Flux
from nusky.hyp.power_laws import PowerLawFlux
from nusky.injection.seeding import BatchDraws, resolve_seed, seed_key, trial_draws
from nusky.likelihood.reading import LikelihoodReading
from nusky.pixels.multi_order import MultiOrderPixels
from nusky.pixels.pixel_set import PixelSet
from nusky.pixels.refinement import Refinement
from nusky.runners.fitter_args import fitting, whole
from nusky.runners.runner import MANY_TRIALS, Runner
from nusky.trial.sky_scan import SkyScan
from nusky.trial.trial import Trial, as_trial
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex

__all__ = ["MapRunner", "describe_pixels"]

# What a runner that makes or fits trials in a way of its own has of its own
_ONE_BY_ONE = ("draw_trial", "index_trial", "_best", "_table")
# Trials of whole seasons that are drawn together
_SCRAMBLES = 16
# Injected events that are in memory at once
_INJECTED = 200_000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MapRunner(Runner):
    """Fits every pixel of a set; see `SkyScanTrialRunner` and `SpatialPriorTrialRunner`.

    Parameters
    ----------
    pixels : PixelSet or MultiOrderPixels
    refine : Refinement, optional
        Look again around the hottest pixels, see `Refinement`; scans are not affected.
    analysis, likelihood, injection, mp_cpus, ts_to_p, transient
        See `Runner`.
    """

    pixels: PixelSet | MultiOrderPixels
    refine: Refinement | None = None

    _has_prior: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.refine is not None:
            self.refine.check(self.pixels.finest_nside)
        super().__post_init__()

    @abstractmethod
    def _terms(self) -> PriorTerms:
        """What each prior adds to TS in each pixel."""

    @property
    def nside(self) -> int:
        """HEALPix resolution of the scan; of cells of mixed size the finest."""
        return self.pixels.finest_nside

    @property
    def scan_ra(self) -> F64:
        """(P,) right ascensions of the scanned pixels, rad."""
        return self.pixels.ra

    @property
    def scan_dec(self) -> F64:
        """(P,) declinations of the scanned pixels, rad."""
        return self.pixels.dec

    @cached_property
    def _finder(self) -> SpotFinder:
        return SpotFinder(self.model, self._terms(), self.refine)

    def _describe(self) -> dict[str, Any]:
        return {**describe_pixels(self.pixels), "refine": self._refinement()}

    def _refinement(self) -> dict[str, Any] | None:
        return None if self.refine is None else self.refine.as_dict()

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        self._finder.prepare()

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        return self._finder.index(trial, n_threads)

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[Any]:
        return self._finder.best(index, n_threads, logging)

    @property
    def _in_core(self) -> bool:
        """Whether the core draws and searches many trials in one call; else they are made one by one, with equal bits.

        The rule: backgrounds are scrambled in right ascension alone or come from outside a time window, the finder can
        (`SpotFinder.takes_many`), and the kind of runner has no way of its own to draw, index or fit a trial.
        """
        own = any(getattr(type(self), name) is not getattr(MapRunner, name) for name in _ONE_BY_ONE)
        return self._scrambles and not own and self._finder.takes_many

    def _together(self, n_sig: float) -> int:
        if not self._in_core:
            return 1
        most = _SCRAMBLES if self.on_time is None else MANY_TRIALS
        return max(1, min(most, int(_INJECTED / max(1.0, n_sig))))

    def _tables(self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int) -> NDArray[np.void]:
        if not self._in_core:
            return super()._tables(numbers, n_sig, poisson, seed, n_threads)
        if self.on_time is not None:
            parts = self._parts_of_trials(numbers, n_sig, poisson, seed)
            return self._finder.best_of_trials(parts, len(numbers), n_threads)
        draws = BatchDraws(seed_key(seed), numbers)
        injected = self._injected_of_trials(draws, n_sig, poisson) if n_sig else []
        return self._finder.best_of_scrambles(draws, injected, n_threads)

    def get_one_scan(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        **fitter_args: Any,
    ) -> SkyScan:
        """Make one trial and fit every pixel; arguments as for `get_one_fit`.

        Returns
        -------
        SkyScan
            Array-like of shape (4, npix): mlog10p, ts, ns, gamma; **without** any prior (add ``llh_prior_term[j]`` to
            ts).
        """
        fits = fitting("get_one_scan", self, True, fitter_args)
        return fits._scan_trial(self._one_trial(n_sig, poisson, seed, TRUTH), self._threads(mp_cpus), logging)

    def get_one_scan_from_trial(
        self,
        trial: Any,
        logging: bool = False,
        mp_cpus: int | None = None,
        seed: Any = None,
        TRUTH: bool = False,
        **fitter_args: Any,
    ) -> SkyScan:
        """Fit every pixel to the events of a trial, made by any runner of the analysis; see `get_one_scan`.

        `seed` is accepted as csky has it: nothing is drawn here. So is `TRUTH`, where the trial is the real sky.
        """
        fits = fitting("get_one_scan_from_trial", self, True, fitter_args)
        made = as_trial(trial, len(self.analysis))
        if TRUTH and not made.TRUTH:
            raise ValueError("TRUTH=True, but the trial is scrambled: make it with get_one_trial(TRUTH=True)")
        return fits._scan_trial(made, self._threads(mp_cpus), logging)

    def _scan_trial(self, trial: Trial, n_threads: int, logging: bool) -> SkyScan:
        runner, made = self._renewed(trial)
        if runner is not self:
            return runner._scan_trial(made, n_threads, logging)
        fits = scan_pixels(self.model, self.index_trial(trial, n_threads), self.pixels, n_threads, logging)
        provenance = {**self.provenance(trial), "nside": self.nside, "n_scanned": len(self.pixels)}
        return embed_scan(fits, self.pixels, self.ts_to_p, self.likelihood.mode == "fit", provenance)

    def get_one_llh_from_trial(
        self, trial: Any, ra: float | None = None, dec: float | None = None, mp_cpus: int | None = None
    ) -> LikelihoodReading:
        """The likelihood of a trial at one position, without any prior, to be read at any parameters.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)
        ra, dec : float, rad, optional
            Default: the hottest spot.
        mp_cpus : int or None
            Threads of the fit that finds it.

        Returns
        -------
        LikelihoodReading
            `scan_ts`, `get_minus_llh_ratio`, `carrying`, `profile`; its `fit` is that of the hottest spot.
        """
        made = as_trial(trial, len(self.analysis))
        if (ra is None) != (dec is None):
            raise TypeError("give ra= and dec= together, or neither (the hottest spot)")
        fitter = partial(self.get_one_fit_from_trial, made, mp_cpus=mp_cpus)
        if ra is None or dec is None:
            fit = fitter()
            ra, dec = fit.ra, fit.dec
        return LikelihoodReading(self.model, made, ra, dec, fitter)

    def get_localization(
        self,
        trial: Any,
        *,
        levels: Sequence[float] = (0.5, 0.9),
        nside: int | None = None,
        prior: int | None = None,
        calibrate: int | RegionCalibration | None = None,
        seed: Any = None,
        mp_cpus: int | None = None,
        logging: bool = False,
    ) -> Localization:
        """Find the position of the hottest spot of a trial and its error regions.

        The map is fitted, then fine pixels around everything that is hot enough to belong to a region, until each
        region is closed or ends at the limits of the scan.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)
        levels : sequence of float
            Confidence, 0 … 1.
        nside : int, optional
            Of the fine pixels; default: as fine as about 100 000 pixels allow, up to 2048.
        prior : int, optional
            With several priors: whose hottest spot; default: that of the best one.
        calibrate : int or RegionCalibration, optional
            Measure the borders on so many trials with a source of the fitted number of events and spectrum at the
            fitted position (100 give the coverage of 90 % to ± 3 %), or take those of another localization
            (``where.calibration``) of a source alike. Without, they are those of Wilks' theorem, which the first-year
            IC86 season holds 41 ± 4, 64 ± 4, 87 ± 3 % of the sources inside for 50, 68, 90 %.
        seed : int, Generator or None
            Of these trials.
        mp_cpus, logging
            As for `get_one_fit`.

        Returns
        -------
        Localization
            ``calibrated`` says whether the borders were measured.

        Raises
        ------
        ValueError, TypeError
            A level outside 0 … 1, `nside` coarser than the scan's, a prior that does not exist or lies outside the
            pixels, a region of more than five million fine pixels, or a calibration with too few trials for a level or
            of a map without an excess.
        """
        made = as_trial(trial, len(self.analysis))
        n_threads = self._threads(mp_cpus)
        measured: Any = calibrate
        if calibrate is not None and not isinstance(calibrate, RegionCalibration):
            n_trials = whole("calibrate", calibrate, 1)
            RegionCalibration.check(n_trials, levels)
            measured = partial(self._calibrated, n_trials, resolve_seed(whole("seed", seed)), n_threads, logging)
        return localize(
            self._finder,
            made,
            levels=levels,
            nside=nside,
            prior=prior,
            n_threads=n_threads,
            logging=logging,
            has_prior=self._has_prior,
            provenance=self.provenance(made),
            calibrate=measured,
        )

    def _calibrated(
        self, n_trials: int, seed: int, n_threads: int, logging: bool, source: dict[str, Any], prior: int, nside: int
    ) -> RegionCalibration:
        """Borders of regions from trials with a source like the one found."""
        if not source["ns"] > 0:
            raise ValueError("calibrate: there is no excess (ns = 0), and so no source to make trials with")
        flux: Flux = self.injection.flux
        if self.likelihood.flux is not None:
            flux = self.likelihood.flux
        elif self.likelihood.mode in ("fit", "fixed"):
            flux = PowerLawFlux(source["gamma"])
        signal = replace(self.signal_injector, options=replace(self.injection, flux=flux))
        signal.prepare()

        def make_trial(j: int) -> Trial:
            draws = trial_draws(seed, j)
            background = self.draw_trial(seed, j, 0.0, False).background
            counts = [draws.signal_count(source["ns"], True)]
            injected = signal.inject(draws, [source["ra"]], [source["dec"]], counts)
            return Trial(background, injected, (0,) * len(background), **self._made(seed, j))

        return calibrate_regions(
            self._finder, make_trial, n_trials,
            source=source, prior=prior, nside=nside, seed=seed, n_threads=n_threads, logging=logging,
        )  # fmt: skip


def describe_pixels(pixels: PixelSet | MultiOrderPixels) -> dict[str, Any]:
    """What decides the pixels, as values JSON can hold."""
    return {
        "nside": pixels.finest_nside,
        "n_pixels": len(pixels),
        "pixels": {"rules": [str(rule.rule) for rule in pixels.report], "hash": pixels.content_hash},
    }
