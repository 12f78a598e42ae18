"""Signal subtraction in every pixel: the runners of maps with the likelihood of `SubtractedFit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from nusky.hotspots import best_of_map, embed_scan
from nusky.hypotheses.reading import HypothesisReading
from nusky.hypotheses.subtraction import SubtractedFit
from nusky.likelihood import LikelihoodModel, StackValues, cells_of
from nusky.progress import scan_progress
from nusky.runners.map_runner import MapRunner
from nusky.runners.sky_scan import SkyScanTrialRunner
from nusky.runners.spatial_prior import SpatialPriorTrialRunner
from nusky.source import sources
from nusky.trial import Scramble, SkyScan, Trial, as_trial

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.typing import F64, I64

__all__ = ["SubtractedSkyScanTrialRunner", "SubtractedSpatialPriorTrialRunner"]


class _Part(NamedTuple):
    """Events of a season in a trial, background or injected ones."""

    k: int
    events: Events
    ra: F64
    cell: I64
    n_events: float


class _Rings:
    """The subtracted fit of a source at each declination: what is taken does not depend on right ascension."""

    def __init__(self, model: LikelihoodModel, extension: float) -> None:
        self.model, self.extension = model, extension
        self._fits: dict[float, SubtractedFit] = {}

    def at(self, dec: float) -> SubtractedFit:
        """The fit of a source at right ascension 0."""
        found = self._fits.get(dec)
        if found is None:
            values = StackValues(self.model, sources(0.0, dec, extension=self.extension))
            found = self._fits[dec] = SubtractedFit(values)
        return found

    def parts(self, trial: Trial) -> list[_Part]:
        """The events of a trial."""
        found = []
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            season, n = self.model.analysis[k], float(trial.n_events[k])
            if isinstance(background, Scramble) and background.season is season and background.dec is None:
                found.append((k, season.data, background.ra, n))
            else:
                own = background.events() if isinstance(background, Scramble) else background
                found.append((k, own, own["ra"], n))
            if injected is not None and len(injected):
                found.append((k, injected, injected["ra"], n))
        bins = [season.background.sindec_bins for season in self.model.analysis]
        return [_Part(k, events, ra, cells_of(events["sindec"], bins[k]), n) for k, events, ra, n in found]

    def near(self, part: _Part, dec: float) -> I64:
        """Events that some right ascension brings within the cut of a declination."""
        reach = self.model.options.cut_n_sigma * np.hypot(part.events["sigma"], self.extension)
        return np.flatnonzero(np.abs(part.events["dec"] - dec) <= reach)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _SubtractedMaps(MapRunner):
    """The signal-subtracted likelihood in every pixel, of whole seasons."""

    def __post_init__(self) -> None:
        if self.transient is not None:
            raise ValueError("sigsub=True is for whole seasons: in a time window the background comes from outside it")
        if self.refine is not None:
            raise ValueError(
                "refine: with sigsub=True hot spots are not looked at again with finer pixels; leave it out"
            )
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "sigsub": True}

    @cached_property
    def _point_model(self) -> LikelihoodModel:
        """The likelihood without the extension, which the sources have."""
        return LikelihoodModel(self.analysis, replace(self.likelihood, extension=0.0))

    @cached_property
    def _rings(self) -> _Rings:
        return _Rings(self._point_model, self.likelihood.extension)

    def _prepare(self, n_sig: float) -> None:
        if n_sig:
            self.signal_injector.prepare()

    def _pixel_fits(self, trial: Trial, logging: bool) -> tuple[F64, F64, F64, NDArray[np.int8]]:
        """ts, ns, γ and status, each (P,)."""
        if trial.window is not None:
            raise ValueError(f"the trial holds only the events of {trial.window}, this runner fits whole seasons")
        ra, dec = self.pixels.ra, self.pixels.dec
        ts, ns, gamma = np.zeros(len(ra)), np.zeros(len(ra)), np.full(len(ra), np.nan)
        status = np.zeros(len(ra), dtype=np.int8)
        parts = self._rings.parts(trial)
        done = 0
        with scan_progress(len(ra), 1, logging) as progress:
            for one in np.unique(dec).tolist():
                fit = self._rings.at(one)
                fit.prepare()
                near = [self._rings.near(part, one) for part in parts]
                counts = [np.bincount(part.cell, minlength=len(fit.values.subtracted[part.k])) for part in parts]
                for p in np.flatnonzero(dec == one).tolist():
                    terms = [
                        fit.season(part.k, part.events, part.ra - ra[p], part.cell, part.n_events, some, total)
                        for part, some, total in zip(parts, near, counts, strict=True)
                    ]
                    ts[p], ns[p], gamma[p], status[p] = fit.fit_terms(terms)
                    done += 1
                if logging:
                    progress.update(done, len(ra))
        return ts, ns, gamma, status

    def _table(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        return best_of_map(self._pixel_fits(trial, logging), self._finder.terms)

    def _scan_trial(self, trial: Trial, n_threads: int, logging: bool) -> SkyScan:
        runner, made = self._renewed(trial)
        fits = runner._pixel_fits(made, logging)
        provenance = {**self.provenance(trial), "nside": self.nside, "n_scanned": len(self.pixels)}
        return embed_scan(fits, self.pixels, self.ts_to_p, self._gamma_free, provenance)

    def get_one_llh_from_trial(
        self, trial: Any, ra: float | None = None, dec: float | None = None, mp_cpus: int | None = None
    ) -> HypothesisReading:
        """The likelihood of a trial at one position (default: the hottest spot), see `MapRunner`."""
        made = as_trial(trial, len(self.analysis))
        if (ra is None) != (dec is None):
            raise TypeError("give ra= and dec= together, or neither (the hottest spot)")
        fitter = partial(self.get_one_fit_from_trial, made, mp_cpus=mp_cpus)
        if ra is None or dec is None:
            fit = fitter()
            ra, dec = fit.ra, fit.dec
        runner, renewed = self._renewed(made)
        values = StackValues(runner._point_model, sources(ra, dec, extension=self.likelihood.extension))
        return HypothesisReading(runner._point_model, renewed, np.nan, np.nan, fitter, values, True)

    def get_localization(self, trial: Any, **options: Any) -> NoReturn:
        """Not there with signal subtraction.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError("regions of a position are not there with sigsub=True; make them without")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SubtractedSkyScanTrialRunner(_SubtractedMaps, SkyScanTrialRunner):
    """`SkyScanTrialRunner` with the signal-subtracted likelihood of `SubtractedFit` in every pixel."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SubtractedSpatialPriorTrialRunner(_SubtractedMaps, SpatialPriorTrialRunner):
    """`SpatialPriorTrialRunner` with the signal-subtracted likelihood, to whose TS the prior's term is added."""
