"""Where the hottest spot of one trial is, and how well: a map of TS around it in fine pixels, and its regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.hotspots.borders import border_lines
from nusky.hotspots.calibration import RegionCalibration
from nusky.hotspots.finder import SpotFinder
from nusky.hotspots.hottest import scan_pixels
from nusky.hotspots.terms import PriorTerms
from nusky.pixels.cells import CellIndex
from nusky.pixels.pixel_set import PixelSet
from nusky.pixels.refinement import children_of, neighbourhood
from nusky.pixels.regions import PositionRegion, delta_ts, position_regions
from nusky.sphere import at_limits, check_nside, coordinates
from nusky.trial.trial import Trial
from nusky.typing import F64, I64
from nusky.units import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nusky.likelihood.model import LikelihoodModel
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.pixels.multi_order import MultiOrderPixels


__all__ = ["Localization", "localize"]

# Fine pixels that a default resolution may need at the start, and the finest it goes to (0.03°)
_PIXELS, _FINEST = 100_000, 2048
# At most so many, also where the region turns out larger than it seemed
_TOO_MANY = 5_000_000
# Coarse pixels this much below the border are looked at as well: their centres may miss what lies between them
_SLACK = 2.0


@dataclass(frozen=True, eq=False, repr=False)
class Localization:
    """TS around the hottest spot, and regions of its position.

    Attributes
    ----------
    pixels : PixelSet
        Fine pixels that cover the regions and some more.
    ts : (P,) float64
        TS of each, with the prior term if there is a prior; not cut at 0.
    ns, gamma : (P,) float64
    regions : tuple of PositionRegion
        One for each confidence level; their rows are those of `pixels`.
    prior : int or None
        Whose term is in `ts`.
    provenance : mapping
        How it was made; values JSON can hold.
    calibration : RegionCalibration or None
        Trials that the borders were measured on; None: they are nominal, those of Wilks' theorem.

    Examples
    --------
    >>> where = sptr.get_localization(trial)                                    # doctest: +SKIP
    >>> where.ra, where.dec, np.degrees(np.degrees(where.area(0.9)))            # doctest: +SKIP
    """

    pixels: PixelSet
    ts: F64
    ns: F64
    gamma: F64
    regions: tuple[PositionRegion, ...]
    prior: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    calibration: RegionCalibration | None = None

    @property
    def best(self) -> int:
        """Row of the hottest pixel."""
        return self.regions[0].best

    @property
    def ra(self) -> float:
        """rad: centre of the hottest pixel."""
        return float(self.pixels.ra[self.best])

    @property
    def dec(self) -> float:
        """rad: centre of the hottest pixel."""
        return float(self.pixels.dec[self.best])

    @property
    def calibrated(self) -> bool:
        """Whether the regions hold the true position as often as they say in trials; False: by Wilks' theorem."""
        return self.calibration is not None

    @property
    def complete(self) -> bool:
        """The regions end inside the pixels of the scan; False: they reach its limits, and areas are lower bounds."""
        return all(region.complete for region in self.regions)

    def region(self, level: float) -> PositionRegion:
        """Region of one of the confidence levels.

        Raises
        ------
        KeyError
            For a level that was not asked for.
        """
        for region in self.regions:
            if abs(region.level - level) < 1e-9:
                return region
        levels = ", ".join(f"{region.level:g}" for region in self.regions)
        raise KeyError(f"there is no region of level {level}; there are {levels} (levels= of get_localization)")

    def area(self, level: float) -> float:
        """Area of a region, sr."""
        return self.region(level).area

    def contains(self, ra: Any, dec: Any, level: float) -> bool:
        """Whether a position (rad; or a SkyCoord for `ra`, and None for `dec`) is in a region."""
        row, fitted = self._rows(ra, dec)
        return bool(fitted & self.region(level).inside[row])

    def ts_at(self, ra: Any, dec: Any = None) -> F64:
        """(…) TS of the pixels at some positions (rad, or one SkyCoord), NaN where none was fitted."""
        row, fitted = self._rows(ra, dec)
        return np.where(fitted, self.ts[row], np.nan)

    def _rows(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Rows of the pixels at some positions, and whether they were fitted."""
        import healpy

        ra, dec = coordinates(ra) or (ra, dec)
        theta = np.pi / 2 - at_limits(numbers("dec", dec, "rad"), -np.pi / 2, np.pi / 2)
        pixel = healpy.ang2pix(self.pixels.nside, theta, numbers("ra", ra, "rad"))
        row = np.minimum(np.searchsorted(self.pixels.pixels, pixel), len(self.pixels) - 1)
        return row, self.pixels.pixels[row] == pixel

    def contour(self, level: float) -> list[F64]:
        """Border of a region, in one or several lines: each island has its own, and each hole.

        Returns
        -------
        list of (M, 2) arrays, rad
            Right ascension and declination; closed lines end where they begin.

        Raises
        ------
        KeyError
            For a level that was not asked for.
        """
        return border_lines(self, level)

    def plot(self, ax: Axes, width: float | None = None, **pc_kw: Any) -> Any:
        """Draw TS around the best position, the borders of the regions and a cross at the best position.

        Parameters
        ----------
        ax : matplotlib axes
            Ordinary ones.
        width : float, rad, optional
            Side of the square; by default so that the largest region fills about a half of it.
        **pc_kw
            For matplotlib's ``pcolormesh``. Without ``vmin``, the colours end a few borders below the maximum at most.

        Returns
        -------
        Colorbar
        """
        from nusky.plotting.mesh import add_colorbar
        from nusky.plotting.zoom import SkyZoom

        if width is None:
            width = min(float(np.pi), 5.0 * float(np.sqrt(max(region.area for region in self.regions) / np.pi)))
        zoom = SkyZoom(ra=self.ra, dec=self.dec, width=width)
        edges, ra, dec = zoom.positions()
        ts = np.ma.masked_invalid(self.ts_at(ra, dec))
        levels = sorted(self.ts[self.best] - region.delta_ts for region in self.regions)
        # The colours end where the fits do, or a few borders below the maximum
        lowest = max(float(self.ts.min()), self.ts[self.best] - 4.0 * (self.ts[self.best] - levels[0]))
        mesh = ax.pcolormesh(edges, edges, ts, shading="flat", rasterized=True, **{"vmin": lowest, **pc_kw})
        middle = 0.5 * (edges[1:] + edges[:-1])
        ax.contour(middle, middle, ts.filled(float(self.ts.min()) - 1.0), levels=levels, colors="k", linewidths=1.0)
        zoom.frame(ax)
        zoom.plot_points(ax, self.ra, self.dec)
        bar = add_colorbar(ax, mesh, None, orientation="vertical", pad=0.03, shrink=0.9)
        bar.set_label("TS" if self.prior is None else "TS with the prior")
        return bar

    def __repr__(self) -> str:
        areas = ", ".join(f"{100 * r.level:g} % in {np.degrees(np.degrees(r.area)):.3g} deg2" for r in self.regions)
        end = "" if self.complete else ", which reach the limits of the scan"
        n = 0 if self.calibration is None else self.calibration.n_trials
        how = f"calibrated with {n} trials" if n else "nominal levels, not calibrated"
        return (
            f"Localization(ra {np.degrees(self.ra):.3f}, dec {np.degrees(self.dec):.3f} deg, "
            f"TS {self.ts[self.best]:.2f}; {areas}{end}; nside {self.pixels.nside}; {how})"
        )


def localize(
    finder: SpotFinder,
    trial: Trial,
    *,
    levels: Sequence[float],
    nside: int | None,
    prior: int | None,
    n_threads: int,
    logging: bool,
    has_prior: bool,
    provenance: Mapping[str, Any],
    calibrate: RegionCalibration | Callable[[dict[str, Any], int, int], RegionCalibration] | None = None,
) -> Localization:
    """Position of the hottest spot of a trial and its error regions.

    Parameters
    ----------
    finder : SpotFinder
        Of the search: its pixels, terms and likelihood.
    trial : Trial
    levels, nside, prior
        See `MapRunner.get_localization`.
    n_threads, logging
    has_prior : bool
        Whether the terms are those of priors; False: they are all 0.
    provenance : mapping
        How the trial was made.
    calibrate : RegionCalibration or callable, optional
        Borders measured before, or what measures them: of the source (ra, dec, ns, gamma), prior and nside.

    Returns
    -------
    Localization

    Raises: as `MapRunner.get_localization`.
    """
    if isinstance(levels, (str, Real)) or not all(isinstance(level, Real) for level in levels):
        raise TypeError(f"levels={levels!r}: expected a sequence of confidence levels, such as (0.5, 0.9)")
    if not len(levels):
        raise ValueError("levels is empty; give at least one confidence level, such as 0.9")
    borders = [delta_ts(level) for level in levels]
    if isinstance(calibrate, RegionCalibration):
        borders = [calibrate.border(level) for level in levels]
    widest = max(borders)
    model, terms = finder.model, finder.terms
    finest = terms.pixels.finest_nside
    if nside is not None and check_nside(nside) < finest:
        raise ValueError(f"nside={nside} is coarser than the scan's {finest}; give that or more")
    _check_prior(prior, len(terms))
    index = finder.index(trial, n_threads)
    ts = scan_pixels(model, index, terms.pixels, n_threads, logging)[0]
    j = _prior(terms, ts, prior)
    total = ts + terms.row(j)
    hot = np.flatnonzero(total >= total.max() - widest - _SLACK)
    fine = _default_nside(terms.pixels, hot, finest) if nside is None else int(nside)
    spot = _Spot(model, index, terms, j, fine, widest, n_threads)
    spot.close(hot)
    calibration: RegionCalibration | None = None
    if isinstance(calibrate, RegionCalibration):
        calibration = calibrate
    elif calibrate is not None:
        calibration = calibrate(spot.best(), j, fine)
        borders = [calibration.border(level) for level in levels]
        spot.close(np.flatnonzero(total >= total.max() - max(borders) - _SLACK), max(borders))
    pixels = PixelSet(fine, spot.pixel)
    return Localization(
        pixels,
        spot.ts,
        spot.ns,
        spot.gamma,
        position_regions(pixels, spot.ts, levels=levels, borders=borders),
        j if has_prior else None,
        {
            **provenance,
            "levels": list(levels),
            "nside": fine,
            "calibration": None if calibration is None else calibration.as_dict(),
        },
        calibration,
    )


def _check_prior(prior: int | None, n: int) -> None:
    if prior is None:
        return
    if isinstance(prior, bool) or not isinstance(prior, (int, np.integer)):
        raise TypeError(f"prior={prior!r}: expected the number of a prior, counted from 0")
    if not 0 <= prior < n:
        raise ValueError(f"prior={prior} does not exist, there are {n} (counted from 0)")


def _prior(terms: PriorTerms, ts: F64, prior: int | None) -> int:
    best = terms.best(ts)
    if prior is None:
        prior = int(np.argmax(best.value))
    if best.row[prior] < 0:
        raise ValueError(f"prior {prior} is zero in every pixel of the scan: there is no spot to localize")
    return prior


def _default_nside(pixels: PixelSet | MultiOrderPixels, hot: I64, finest: int) -> int:
    area = float(pixels.cell_area[hot].sum())
    nside = finest
    while nside < _FINEST and area * (12 * 4 * nside**2) / (4 * np.pi) <= _PIXELS:
        nside *= 2
    return nside


class _Spot:
    """The fine pixels fitted so far."""

    def __init__(
        self,
        model: LikelihoodModel,
        index: TrialIndex,
        terms: PriorTerms,
        prior: int,
        nside: int,
        widest: float,
        n_threads: int,
    ) -> None:
        self._model, self._index, self._n_threads = model, index, n_threads
        self._terms, self._prior = terms, prior
        self._cells = CellIndex.of(terms.pixels)
        self._done = np.zeros(len(terms.pixels), dtype=bool)
        self._nside, self._widest = nside, widest
        self.pixel: I64 = np.empty(0, dtype=np.int64)
        self.ts: F64 = np.empty(0)
        self.ns: F64 = np.empty(0)
        self.gamma: F64 = np.empty(0)

    def best(self) -> dict[str, Any]:
        """What was found: ra, dec (rad), ns, gamma."""
        i = int(self.ts.argmax())
        where = PixelSet(self._nside, self.pixel[i : i + 1])
        ra, dec = float(where.ra[0]), float(where.dec[0])
        return {"ra": ra, "dec": dec, "ns": float(self.ns[i]), "gamma": float(self.gamma[i])}

    def close(self, rows: I64, widest: float | None = None) -> None:
        """Fit inside these rows of the coarse pixels and around them, on and on until the border is passed."""
        if widest is not None:
            self._widest = widest
            rows = np.union1d(rows[~self._done[rows]], self._around())
        while rows.size:
            self._fit(rows)
            rows = self._around()

    def _around(self) -> I64:
        """Rows of the coarse pixels that border on what is hot enough and were not fitted yet."""
        inside = self.pixel[self.ts >= self.ts.max() - self._widest]
        around = np.setdiff1d(neighbourhood(self._nside, inside), self.pixel, assume_unique=True)
        rows = np.unique(self._cells.rows(self._nside, around))
        rows = rows[rows >= 0]
        return np.asarray(rows[~self._done[rows]])

    def _fit(self, rows: I64) -> None:
        self._done[rows] = True
        sizes, rings = self._cells.nside[rows], self._cells.ring[rows]
        parts = [
            children_of(PixelSet(size, rings[sizes == size]), self._nside).pixels for size in np.unique(sizes).tolist()
        ]
        pixels = PixelSet(self._nside, np.concatenate(parts))
        if len(pixels) + self.pixel.size > _TOO_MANY:
            raise ValueError(
                f"the region needs more than {_TOO_MANY} pixels of nside {self._nside}; give a smaller nside="
            )
        ts, ns, gamma, _ = scan_pixels(self._model, self._index, pixels, self._n_threads, False)
        ts = ts + self._terms.at(self._prior, self._cells.rows(self._nside, pixels.pixels))
        along = np.argsort(np.concatenate([self.pixel, pixels.pixels]))
        self.pixel = np.concatenate([self.pixel, pixels.pixels])[along]
        self.ts = np.concatenate([self.ts, ts])[along]
        self.ns = np.concatenate([self.ns, ns])[along]
        self.gamma = np.concatenate([self.gamma, gamma])[along]
