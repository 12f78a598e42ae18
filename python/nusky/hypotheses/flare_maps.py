"""Flares of unknown place, start and length: the runners of maps with a flare in every pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nusky.flares import FlareModel
from nusky.hotspots import best_of_map, embed_scan
from nusky.pixels import PixelSet
from nusky.progress import scan_progress
from nusky.runners.map_runner import MapRunner
from nusky.runners.sky_scan import SkyScanTrialRunner
from nusky.runners.spatial_prior import SpatialPriorTrialRunner
from nusky.transients import FlareOptions, SignalTimes, SignalWindow, box_t0
from nusky.trial.fit import PER_PRIOR_DTYPE
from nusky.trial.sky_scan import SkyScan
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.trial.trial import Trial

__all__ = ["FlareSkyScanTrialRunner", "FlareSpatialPriorTrialRunner"]

_TABLE = np.dtype([*PER_PRIOR_DTYPE.descr, ("t0", "f8"), ("dt", "f8")])


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _FlareMaps(MapRunner):
    """The best flare of every pixel.

    Parameters
    ----------
    flare : FlareOptions
    signal_window : SignalWindow
        When injected signal comes; the whole uptime by default.
    """

    flare: FlareOptions = field(default_factory=FlareOptions)
    signal_window: SignalWindow = field(default_factory=SignalWindow)

    def __post_init__(self) -> None:
        if self.transient is not None:
            raise ValueError("a flare has no given window; leave out mjd= and t_100= of src")
        if self.simulated is not None:
            raise ValueError("simulated background has no times, which flares need: leave bg_weight_names out")
        if self.refine is not None:
            raise ValueError("refine: hot spots of flares are not looked at again with finer pixels; leave it out")
        if not isinstance(self.pixels, PixelSet):
            raise ValueError("flares need pixels of one size: leave out pixels='prior'")
        super().__post_init__()
        _ = self.timing  # checks the window against the livetime

    @cached_property
    def timing(self) -> SignalTimes:
        """When signal comes, and what acceptance and fluxes are those of."""
        return SignalTimes(self.analysis, self.signal_window)

    @cached_property
    def model(self) -> FlareModel:
        """The likelihood of the analysis under the options."""
        return FlareModel(self.analysis, self.likelihood, flare=self.flare)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of `get_many_fits` and of a fit's array view."""
        *first, ra, dec = super().columns
        return (*first, "t0", "dt", ra, dec)

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "flare": self.model.as_dict(), "signal_window": self.signal_window.as_dict()}

    def _prepare(self, n_sig: float) -> None:
        self.model.prepare()
        if n_sig:
            self.signal_injector.prepare()

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        return self.model.timed_index(trial, n_threads)

    def _flares(self, index: TrialIndex, n_threads: int, logging: bool, terms: F64 | None = None) -> tuple[Any, ...]:
        """ts, ns, γ, t0, dt and status, each (P,); with terms of priors, (J, P), sure in the hottest pixels only."""
        with scan_progress(len(self.pixels), n_threads, logging) as progress:
            ts, ns, gamma, start, stop, _, status = self.model.flares.scan(
                index.core,
                self.pixels.directions,
                prior_terms=terms,
                n_threads=n_threads,
                progress=progress.update if logging else None,
            )
        return ts, ns, gamma, box_t0(start, stop - start, self.flare.box_mode), stop - start, status

    def _scan_trial(self, trial: Trial, n_threads: int, logging: bool) -> SkyScan:
        assert isinstance(self.pixels, PixelSet)
        runner, made_anew = self._renewed(trial)
        index = runner.index_trial(made_anew, n_threads)
        return self._flare_scan(trial, runner._flares(index, n_threads, logging), {})

    def _flare_scan(self, trial: Trial, fits: tuple[Any, ...], more: Mapping[str, F64]) -> SkyScan:
        """A scan of what `_flares` gives, with more rows (P,); these are 0 where nothing was scanned."""
        assert isinstance(self.pixels, PixelSet)
        ts, ns, gamma, t0, dt, status = fits
        provenance = {**self.provenance(trial), "nside": self.nside, "n_scanned": len(self.pixels)}
        made = embed_scan((ts, ns, gamma, status), self.pixels, self.ts_to_p, self._gamma_free, provenance)
        rows = [self.pixels.embed(t0, fill=np.nan), self.pixels.embed(dt, fill=np.nan)]
        rows += [self.pixels.embed(row, fill=0.0) for row in more.values()]
        columns = (*made.columns, "t0", "dt", *more)
        return SkyScan(np.concatenate([made.values, np.stack(rows)]), made.status, columns, provenance)

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        terms = self._finder.terms
        ts, ns, gamma, t0, dt, status = self._flares(index, n_threads, logging, terms.matrix)
        best = best_of_map((ts, ns, gamma, status), terms)
        table = np.empty(len(best), dtype=_TABLE)
        for name in PER_PRIOR_DTYPE.names or ():
            table[name] = best[name]
        row = np.flatnonzero(np.isin(self.pixels.pixels, best["pixel"]))
        at: dict[int, int] = dict(zip(self.pixels.pixels[row].tolist(), row.tolist(), strict=True))
        rows = [at.get(pixel, -1) for pixel in best["pixel"].tolist()]
        table["t0"] = [t0[r] if r >= 0 else np.nan for r in rows]
        table["dt"] = [dt[r] if r >= 0 else np.nan for r in rows]
        return table

    def _about(self, best: np.void) -> dict[str, Any]:
        return {"flare": self.model.as_dict(), "t0": float(best["t0"]), "dt": float(best["dt"])}

    def get_localization(self, trial: Any, **options: Any) -> NoReturn:
        """Not there for flares.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError(
            "regions of the position of a flare are not there; fit its window with a transient runner"
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FlareSkyScanTrialRunner(_FlareMaps, SkyScanTrialRunner):
    """`SkyScanTrialRunner` with the best flare of every pixel.

    Scans have the rows ``t0`` and ``dt``, see `FlareTrialRunner`.
    """


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FlareSpatialPriorTrialRunner(_FlareMaps, SpatialPriorTrialRunner):
    """`SpatialPriorTrialRunner` with the best flare of every pixel, to whose TS the prior's term is added."""
