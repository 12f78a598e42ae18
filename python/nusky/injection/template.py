"""`TemplateInjector`, `SpectraInjector`: signal of a whole map of the sky, each event from a place of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.injection.signal import Injected, InjectedMany, SignalInjector
from nusky.sphere import inside_pixels, map_nside, offset_by

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.hyp import PixelSpectra
    from nusky.injection.seeding import BatchDraws, TrialDraws
    from nusky.typing import F64, I64

__all__ = ["SpectraInjector", "TemplateInjector"]


@dataclass(frozen=True, eq=False)
class TemplateInjector:
    """Signal of a map: a pixel in proportion to flux × acceptance, a place anywhere in it, then as from a source there.

    Parameters
    ----------
    signal : SignalInjector
    flux : (npix,)
        RING, equatorial: share of the flux of each pixel.
    """

    signal: SignalInjector
    flux: F64

    @cached_property
    def _ends(self) -> tuple[I64, F64]:
        """Pixels with flux and acceptance, and the events up to and with each of them."""
        import healpy

        nside = map_nside(self.flux.size)
        theta, _ = healpy.pix2ang(nside, np.arange(self.flux.size))
        dec, ring = np.unique(np.pi / 2 - theta, return_inverse=True)
        accepted = self.signal.acceptance(dec).sum(axis=0)
        events = self.flux * accepted[ring]
        pixels = np.flatnonzero(events > 1e-30 * accepted.max(initial=0.0))
        if not len(pixels):
            raise ValueError("the template is zero wherever a season accepts signal: nothing can be injected")
        return pixels, np.cumsum(events[pixels])

    def places(self, k: int) -> tuple[F64, F64]:
        """Declinations (rad) of the map's rings, and the share of season k's signal that comes from each."""
        import healpy

        theta, _ = healpy.pix2ang(map_nside(self.flux.size), np.arange(self.flux.size))
        dec, ring = np.unique(np.pi / 2 - theta, return_inverse=True)
        events = np.bincount(ring, self.flux) * self.signal.acceptance(dec)[k]
        return dec, np.asarray(events / events.sum())

    def prepare(self) -> None:
        """Make what all trials share."""
        self.signal.prepare()
        _ = self._ends

    def inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        """Signal of one trial; None for each season without any."""
        return tuple(events for events, _ in self.inject_many(draws.batch, n_sig, poisson))

    def inject_many(self, draws: BatchDraws, n_sig: float, poisson: bool) -> InjectedMany:
        """Signal of several trials at once, the same events as `inject` gives one by one.

        Returns
        -------
        tuple of (Events or None, (T + 1,) int64)
            For each season the events of all trials, trial by trial, and where each trial begins.
        """
        counts = draws.signal_counts(n_sig, poisson)
        pixels, ends = self._ends
        uniform = draws.uniforms("source", counts)
        at = np.minimum(np.searchsorted(ends, uniform[:, 0] * ends[-1], side="right"), len(ends) - 1)
        # Each event has a place of its own: as many sources with one event as a trial has events
        there = np.arange(counts.max(initial=0)) < counts[:, None]
        ra, dec = np.zeros(there.shape), np.zeros(there.shape)
        ra[there], dec[there] = inside_pixels(map_nside(self.flux.size), pixels[at], uniform[:, 1])
        return self.signal.inject_many(draws, ra, dec, there.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Bins:
    """A season's simulation by energy bin, and by sin δ_true in each: a band of declinations of one bin is a slice."""

    order: I64
    key: F64
    ends: F64

    # Keys of bins lie farther apart than any band is wide
    APART = 8.0

    @classmethod
    def of(cls, true_dec: F64, true_energy: F64, oneweight: F64, edges: F64) -> _Bins:
        bins = np.minimum(np.searchsorted(edges, true_energy, side="right") - 1, len(edges) - 2)
        rows = np.flatnonzero((true_energy >= edges[0]) & (true_energy <= edges[-1]))
        key = np.sin(true_dec[rows]) + cls.APART * bins[rows]
        order = np.argsort(key, kind="stable")
        return cls(rows[order], key[order], np.concatenate([[0.0], np.cumsum(oneweight[rows][order])]))

    def around(self, sindec: F64, part: I64, bandwidth: float) -> tuple[F64, F64]:
        """Weight before a band around sin δ in an energy bin, and with it."""
        low, high = (np.searchsorted(self.key, sindec + self.APART * part + d) for d in (-bandwidth, bandwidth))
        return self.ends[low], self.ends[high]

    def draw(self, uniform: F64, sindec: F64, part: I64, bandwidth: float) -> I64:
        """Rows of simulated events of the bands."""
        first, last = self.around(sindec, part, bandwidth)
        at = np.searchsorted(self.ends[1:], first + (last - first) * uniform, side="right")
        # Rounding can bring a draw up to the end of its band
        return np.asarray(self.order[np.minimum(at, np.searchsorted(self.ends[1:], last, side="left"))])


@dataclass(frozen=True, eq=False)
class SpectraInjector:
    """Signal of a map with a spectrum in each pixel.

    Pixel, energy bin and season are drawn in proportion to flux × acceptance of the bin, then a place anywhere in the
    pixel, and a simulated event of the bin and of the declinations around that place.

    Parameters
    ----------
    signal : SignalInjector
        Its spectrum is not used.
    spectra : PixelSpectra
    """

    signal: SignalInjector
    spectra: PixelSpectra

    @cached_property
    def _bins(self) -> tuple[_Bins, ...]:
        edges = self.spectra.energy_bins
        sims = (season.sim for season in self.signal.analysis)
        return tuple(_Bins.of(sim["true_dec"], sim["true_energy"], sim["oneweight"], edges) for sim in sims)

    @cached_property
    def _rings(self) -> tuple[F64, I64]:
        """Declinations of the rings, and the ring of each pixel."""
        import healpy

        n = len(self.spectra.flux)
        theta, _ = healpy.pix2ang(map_nside(n), np.arange(n))
        dec, ring = np.unique(np.pi / 2 - theta, return_inverse=True)
        return dec, np.asarray(ring, dtype=np.int64)

    @cached_property
    def accepted(self) -> F64:
        """(K, M, rings) events for φ = 1 in each energy bin; 0 where no simulated event can be drawn."""
        dec, _ = self._rings
        part = np.repeat(np.arange(self.spectra.flux.shape[1])[:, None], len(dec), axis=1)
        found = []
        for k, season in enumerate(self.signal.analysis):
            first, last = self._bins[k].around(np.sin(dec), part, self.signal.options.sindec_bandwidth)
            found.append(np.where(last > first, season.acceptance.in_bins(self.spectra, dec), 0.0))
        window = self.signal.on_time
        return np.array(found) * (1.0 if window is None else window.shares[:, None, None])

    @cached_property
    def _ends(self) -> tuple[I64, F64]:
        """Pixels with flux and acceptance, and the events up to and with each of them."""
        ring = self._rings[1]
        events = np.einsum("pm,mp->p", self.spectra.flux, self.accepted.sum(axis=0)[:, ring])
        pixels = np.flatnonzero(events > 1e-30 * events.max(initial=0.0))
        if not len(pixels):
            raise ValueError("the template is zero wherever a season accepts signal: nothing can be injected")
        return pixels, np.cumsum(events[pixels])

    def prepare(self) -> None:
        """Make what all trials share."""
        self.signal.prepare()
        _ = self._ends

    def inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        """Signal of one trial; None for each season without any."""
        count = draws.signal_count(n_sig, poisson)
        if not count:
            return (None,) * len(self.signal.analysis)
        pixels, ends = self._ends
        source, uniform = draws.uniforms("source", count), draws.uniforms("signal", count)
        pixel = pixels[np.minimum(np.searchsorted(ends, source[:, 0] * ends[-1], side="right"), len(ends) - 1)]
        ra, dec = inside_pixels(map_nside(len(self.spectra.flux)), pixel, source[:, 1])
        # (n, K M): which season and energy bin
        events = self.spectra.flux[pixel][:, None] * self.accepted[:, :, self._rings[1][pixel]].transpose(2, 0, 1)
        shares = np.cumsum(events.reshape(count, -1), axis=1)
        one = np.minimum((uniform[:, 1] * shares[:, -1] >= shares.T).sum(axis=0), shares.shape[1] - 1)
        season, part = np.divmod(one, self.spectra.flux.shape[1])
        # The band is that of the pixel's middle, where an event is sure to be; the event comes to its place in it
        middle = np.sin(self._rings[0][self._rings[1][pixel]])
        width = self.signal.injected_extension
        if width > 0:
            scatter = draws.uniforms("extension", count)
            distance = np.minimum(width * np.sqrt(-2.0 * np.log1p(-scatter[:, 0])), np.pi)
            ra, dec = offset_by(ra, dec, distance, 2.0 * np.pi * scatter[:, 1])
        times = None if self.signal.on_time is None else draws.uniforms("signal_time", count)[:, 0]
        found: list[Events | None] = []
        for k in range(len(self.signal.analysis)):
            some = np.flatnonzero(season == k)
            if not len(some):
                found.append(None)
                continue
            bandwidth = self.signal.options.sindec_bandwidth
            rows = self._bins[k].draw(uniform[some, 0], middle[some], part[some], bandwidth)
            events = self.signal.rotated(k, rows, ra[some], dec[some])
            found.append(events if times is None else self.signal.with_times(k, events, times[some]))
        return tuple(found)
