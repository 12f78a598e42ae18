"""Signal on background trials that were searched before: only the pixels that the injected events reach are fitted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.files.hashing import content_hash
from nusky.hotspots.finder import SpotFinder
from nusky.hotspots.terms import PriorTerms
from nusky.injection.seeding import trial_draws
from nusky.likelihood.reach import event_reach, widened
from nusky.pixels.pixel_set import TILE_FACTOR, PixelSet
from nusky.runners.making import Background
from nusky.runners.spatial_prior import SpatialPriorTrialRunner
from nusky.sphere.vectors import unit_vectors
from nusky.trial.fit import PER_PRIOR_DTYPE
from nusky.trial.trial import Scramble

if TYPE_CHECKING:
    from nusky.trial.trial import SpatialPriorTrial, Trial
    from nusky.typing import F64, I64

__all__ = ["Band", "KnownBackground", "KnownBackgroundRunner"]

# Strong sources are found within this of where they are, rad
_CLOSE = np.radians(1.5)


@dataclass(frozen=True, eq=False)
class KnownBackground:
    """Background trials and what a search found in them.

    Attributes
    ----------
    ts : (n,) float64
        With the prior, ≥ 0.
    seed, number : (n,) int
        Which trials they are.
    """

    ts: F64
    seed: NDArray[np.uint64]
    number: I64

    @classmethod
    def of(cls, ts: F64, seed: int, first: int = 0) -> KnownBackground:
        """TS of the trials `first`, `first` + 1, … of one seed."""
        numbers = np.arange(first, first + len(ts), dtype=np.int64)
        return cls(np.asarray(ts, dtype=np.float64), np.full(len(ts), seed, dtype=np.uint64), numbers)

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class KnownBackgroundRunner(SpatialPriorTrialRunner):
    """Trials with signal for sensitivities and limits, at a fraction of their cost.

    Trial i puts newly drawn signal onto the background trial i modulo n, whose TS is known. An injected event changes
    TS only in the pixels within its reach; there the trial is fitted, and its TS is the larger one of this and the
    background's. It differs from that of the whole search by what the injected events add to N (1e-3 with 12 events
    among 138 000; a test compares the two). Where spots are refined, those of source and background both are, while the
    whole search refines the hotter one only.

    What passes `above` by itself, the background or the pixels close to the source, passes in the whole search, too:
    no more is fitted, and the trial's TS is a lower bound. Efficiencies at thresholds up to `above` are those of the
    whole search.

    Parameters
    ----------
    known : KnownBackground
    above : float
        Highest threshold that will be asked for.
    **runner
        As for `SpatialPriorTrialRunner`, of one prior and pixels of one size, without a time window.

    Examples
    --------
    >>> bg = sptr.get_many_fits(1000, seed=1)                                          # doctest: +SKIP
    >>> quick = KnownBackgroundRunner.like(sptr, KnownBackground.of(bg.ts, 1), 12.0)   # doctest: +SKIP
    """

    known: KnownBackground
    above: float

    @classmethod
    def like(cls, runner: SpatialPriorTrialRunner, known: KnownBackground, above: float) -> KnownBackgroundRunner:
        """The search of a runner, on background that it was applied to."""
        same: dict[str, Any] = {field.name: getattr(runner, field.name) for field in fields(runner) if field.init}
        return cls(**same, known=known, above=above)

    @classmethod
    def can(cls, runner: SpatialPriorTrialRunner) -> bool:
        """Whether the trials of a runner can be made this way."""
        whole = runner.transient is None and runner._scrambles and not runner.update_bg
        return whole and len(runner.priors) == 1 and isinstance(runner.pixels, PixelSet)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.can(self):
            raise ValueError(
                "known: only for one prior over the whole livetime, with pixels of one size and right ascensions "
                "scrambled; use the runner itself"
            )
        if not len(self.known):
            raise ValueError("known holds no background trials; make some")

    def _describe(self) -> dict[str, Any]:
        known = self.known
        return {
            **super()._describe(),
            "known": {"hash": content_hash([known.ts, known.seed, known.number])},
            "above": self.above,
        }

    def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Trial:
        if n_sig == 0:
            return super().draw_trial(seed, index, n_sig, poisson)
        i = index % len(self.known)
        draws = trial_draws(int(self.known.seed[i]), int(self.known.number[i]))
        background: Background = self.background_injector.scramble(draws)
        return self._with_signal(background, trial_draws(seed, index), n_sig, poisson, self._made(seed, index))

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        _ = self._places

    def _tables(self, numbers: I64, n_sig: float, poisson: bool, seed: int, n_threads: int) -> NDArray[np.void]:
        if n_sig == 0:
            return super()._tables(numbers, n_sig, poisson, seed, n_threads)
        return np.stack([self._signal_table(j, n_sig, poisson, seed, n_threads) for j in numbers.tolist()])

    def _signal_table(self, j: int, n_sig: float, poisson: bool, seed: int, n_threads: int) -> NDArray[np.void]:
        ts = float(self.known.ts[j % len(self.known)])
        alone = np.array([(0, -1, self.nside, ts, ts, *4 * (np.nan,), 0)], dtype=PER_PRIOR_DTYPE)
        if ts > self.above:
            return alone
        trial: Any = self.draw_trial(seed, j, n_sig, poisson)
        best = self._best_among(self._around(trial), trial, n_threads)
        if best is None or best["ts"][0] <= self.above:
            best = self._best_among(self._reached(trial), trial, n_threads)
        return alone if best is None or best["ts"][0] <= ts else best

    def _best_among(self, pixels: PixelSet, trial: SpatialPriorTrial, n_threads: int) -> NDArray[np.void] | None:
        if not len(pixels):
            return None
        terms = PriorTerms.of(self.priors, pixels)
        index = self.model.index(trial, n_threads, self._near(trial, pixels))
        return SpotFinder(self.model, terms, self.refine).best(index, n_threads, False)

    def _around(self, trial: SpatialPriorTrial) -> PixelSet:
        """Fitted pixels close to the source: where a strong one is found, a twentieth of the others is fitted."""
        import healpy

        assert isinstance(self.pixels, PixelSet)
        where = unit_vectors(trial.ra, trial.dec)[0]
        radius = max(_CLOSE, 3 * healpy.max_pixrad(self.nside))
        near = healpy.query_disc(self.nside, where, radius)
        return PixelSet(self.nside, np.intersect1d(near, self.pixels.pixels, assume_unique=True))

    @cached_property
    def _places(self) -> tuple[tuple[Band, ...], ...]:
        """The events of each season, those of like reach together."""
        found = []
        for season in self.analysis:
            reach = np.minimum(widened(event_reach(season.data["sigma"], self.likelihood)), np.pi)
            octave = np.floor(np.log2(np.maximum(reach, 1e-6))).astype(np.int64)
            found.append(tuple(Band.of(season.data["dec"], reach, octave == k) for k in np.unique(octave)))
        return tuple(found)

    def _reached(self, trial: SpatialPriorTrial) -> PixelSet:
        """Fitted pixels that an injected event reaches; with a pixel's width around them, for finer ones inside."""
        import healpy

        assert isinstance(self.pixels, PixelSet)
        nside = self.nside
        inside = np.zeros(self.pixels.npix, dtype=bool)
        for events in trial.injected:
            if events is None:
                continue
            reach = widened(event_reach(events["sigma"], self.likelihood)) + 2 * healpy.max_pixrad(nside)
            for where, far in zip(unit_vectors(events["ra"], events["dec"]), reach, strict=True):
                inside[healpy.query_disc(nside, where, min(float(far), np.pi))] = True
        chosen = self.pixels.pixels
        return PixelSet(nside, chosen[inside[chosen]])

    def _near(self, trial: SpatialPriorTrial, pixels: PixelSet) -> tuple[I64, ...]:
        """Rows of each season's own events that reach a cap around the pixels and the tiles that hold them."""
        import healpy

        ra, dec = float(trial.ra[0]), float(trial.dec[0])
        centre = unit_vectors(np.array([ra]), np.array([dec]))[0]
        apart = np.clip(unit_vectors(pixels.ra, pixels.dec) @ centre, -1.0, 1.0)
        radius = float(np.arccos(apart.min())) + 4 * float(healpy.max_pixrad(max(1, self.nside // TILE_FACTOR)))
        chosen = []
        for scramble, bands in zip(trial.background, self._places, strict=True):
            assert isinstance(scramble, Scramble)
            chosen.append(np.sort(np.concatenate([band.near(scramble.ra, ra, dec, radius) for band in bands])))
        return tuple(chosen)


@dataclass(frozen=True, eq=False)
class Band:
    """Events whose reach is the same within a factor of 2, by declination: those near a position are a slice of them.

    Attributes
    ----------
    rows : (n,) int
        Of the season.
    dec, sin, cos : (n,) float64
        Declination, rad, ascending, and of it.
    reach, sin_reach, cos_reach : (n,) float64
        Reach, rad, 0 … π, and of it.
    """

    rows: I64
    dec: F64
    sin: F64
    cos: F64
    reach: F64
    sin_reach: F64
    cos_reach: F64

    @classmethod
    def of(cls, dec: F64, reach: F64, chosen: NDArray[np.bool_]) -> Band:
        """The chosen events of a season."""
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(dec[rows], kind="stable")]
        dec, reach = dec[rows], reach[rows]
        return cls(rows, dec, np.sin(dec), np.cos(dec), reach, np.sin(reach), np.cos(reach))

    def near(self, ra: F64, ra_0: float, dec_0: float, radius: float) -> I64:
        """Rows whose reach meets a cap; `ra` of all events of the season, everything in rad."""
        far = radius + float(self.reach.max())
        part = slice(*np.searchsorted(self.dec, [dec_0 - far, dec_0 + far], side="left").tolist())
        apart = self.cos[part] * np.cos(dec_0) * np.cos(ra[self.rows[part]] - ra_0)
        apart += self.sin[part] * np.sin(dec_0)
        if far < np.pi:  # cos(radius + reach), without a cosine for each event
            bound = self.cos_reach[part] * np.cos(radius) - self.sin_reach[part] * np.sin(radius)
        else:
            bound = np.cos(np.minimum(radius + self.reach[part], np.pi))
        rows: I64 = self.rows[part][apart >= bound]
        return rows
