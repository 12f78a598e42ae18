"""`SmearedMaps`: maps of the sky convolved with Gaussians of any width, looked up at any place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.sphere.healpix import map_nside

if TYPE_CHECKING:
    from nusky.typing import F32, F64, I64

__all__ = ["Places", "SmearedMaps"]

# Steps in ln σ
_STEP = 0.12
# A map is taken finer than it is, by this factor and up to this nside: its pixels keep their edges in harmonics
_FINER, _FINEST = 8, 256
# Values are kept as whole numbers: the largest of a pair of rows, and the least that one may stand for
_WHOLE, _LEAST_UNIT = 32767, 1e-35
# Grid in declination and right ascension, deg: finer than the smallest σ where this is possible
_GRID = (0.4, 1.0)


class Places(NamedTuple):
    """Where events lie in σ and declination: what does not depend on right ascension.

    Attributes
    ----------
    start : (N,) int64
        Beginning of the pair of rows of the grid.
    weight : (4, N)
        Of the rows around the event.
    """

    start: I64
    weight: F32


@dataclass(frozen=True, eq=False)
class SmearedMaps:
    """R maps, each convolved with Gaussians exp(−l(l+1)σ²/2) in harmonics; linear in ln σ, δ and α between the nodes.

    Attributes
    ----------
    sigma : (S,) rad, increasing
        Widths.
    table : (S, D − 1, A + 1, 2, R) int16
        For pairs of neighbouring declinations from −90° to 90°, and right ascensions from 0 to 360°, both ends given,
        the values of the maps at both, in units of `unit`. What an event reads lies in two places of memory, those of
        the widths around its σ.
    unit : (S, D − 1, R) float32
        The largest value of each map in a pair of rows is 32767 of these.
    mean : (R, S D)
        Of each map and row over right ascension.

    Examples
    --------
    >>> import numpy as np
    >>> even = SmearedMaps.of(np.full((1, 12), 0.5), 0.05, 0.1)
    >>> even.at(np.array([1.0]), np.array([0.3]), np.array([0.07])).round(4).tolist()
    [[0.5]]
    """

    sigma: F64
    table: NDArray[np.int16]
    unit: F32
    mean: F64

    @classmethod
    def of(cls, maps: F64, low: float, high: float) -> SmearedMaps:
        """Convolve maps with widths from `low` to `high`, rad.

        Parameters
        ----------
        maps : (R, npix)
            RING, finite.
        """
        import healpy

        nside = map_nside(maps.shape[1])
        fine = nside
        while fine < min(_FINEST, _FINER * nside, 3.0 / low):
            fine *= 2
        lmax = 3 * fine - 1
        n = 1 + max(1, int(np.ceil(np.log(high / low) / _STEP)))
        sigma = np.geomspace(low, max(high, 1.001 * low), n)
        step = np.clip(0.8 * np.degrees(low), *_GRID)
        n_dec = 1 + int(np.ceil(180.0 / step))
        n_ra = 2 * (n_dec - 1)
        dec, ra = np.meshgrid(
            np.linspace(-np.pi / 2, np.pi / 2, n_dec), np.linspace(0, 2 * np.pi, n_ra + 1), indexing="ij"
        )
        table = np.empty((n, n_dec - 1, n_ra + 1, 2, len(maps)), dtype=np.int16)
        unit = np.empty((n, n_dec - 1, len(maps)), dtype=np.float32)
        mean = np.empty((len(maps), n, n_dec))
        modes = [healpy.map2alm(healpy.ud_grade(one, fine), lmax=lmax, iter=3) for one in maps]
        near, pixels, weights = 0, np.empty(0), np.empty(0)
        for s, width in enumerate(sigma.tolist()):
            top = min(lmax, int(np.ceil(6.0 / width)))
            at = 16
            while at < min(fine, top / 2):
                at *= 2
            degree = np.arange(top + 1)
            beam = np.exp(-0.5 * degree * (degree + 1) * width**2)
            if at != near:
                near = at
                pixels, weights = healpy.get_interp_weights(at, (np.pi / 2 - dec).ravel(), ra.ravel())
            for r, alm in enumerate(modes):
                some = healpy.sphtfunc.resize_alm(alm, lmax, lmax, top, top)
                smeared = healpy.alm2map(healpy.almxfl(some, beam), at, lmax=top)
                rows = (weights * smeared[pixels]).sum(axis=0).reshape(dec.shape)
                mean[r, s] = rows[:, :-1].mean(axis=1)
                most = np.abs(rows).max(axis=1)
                unit[s, :, r] = np.maximum(np.maximum(most[1:], most[:-1]) / _WHOLE, _LEAST_UNIT)
                for pair, some in enumerate((rows[:-1], rows[1:])):
                    table[s, :, :, pair, r] = np.rint(some / unit[s, :, r, None])
        table.setflags(write=False)
        unit.setflags(write=False)
        return cls(sigma, table, unit, mean.reshape(len(maps), -1))

    @property
    def n_maps(self) -> int:
        """How many maps there are."""
        return int(self.table.shape[-1])

    def places(self, dec: F64, sigma: F64) -> Places:
        """Where events lie in σ and declination; widths beyond the table count as its ends.

        Parameters
        ----------
        dec, sigma : (N,) rad
        """
        n_sigma, n_pairs, row, *_ = self.table.shape
        first, last = np.log(self.sigma[[0, -1]])
        s = np.clip((np.log(sigma) - first) / (last - first), 0.0, 1.0) * (n_sigma - 1)
        d = np.clip(dec / np.pi + 0.5, 0.0, 1.0) * n_pairs
        s0 = np.minimum(s.astype(np.int64), n_sigma - 2)
        d0 = np.minimum(d.astype(np.int64), n_pairs - 1)
        s, d = s - s0, d - d0
        weight = np.stack([(1 - s) * (1 - d), (1 - s) * d, s * (1 - d), s * d])
        return Places((s0 * n_pairs + d0) * row, weight.astype(np.float32))

    def values(self, places: Places, ra: F64) -> F32:
        """(R, N) values of the maps at places and right ascensions (N,) in 0 … 2π."""
        found = np.empty((self.n_maps, len(ra)), dtype=np.float32)
        at = np.ascontiguousarray(ra, dtype=np.float64)
        _core.smeared_values(self.table, self.unit, places.start, places.weight, at, found)
        return found

    def at(self, ra: F64, dec: F64, sigma: F64) -> F32:
        """(R, N) values of the maps convolved with `sigma`, at places (N,), rad."""
        return self.values(self.places(dec, sigma), np.mod(ra, 2 * np.pi))

    def over_right_ascension(self, places: Places) -> F64:
        """(R, N) mean of the maps over right ascension at the places' σ and declination."""
        _, n_pairs, row, *_ = self.table.shape
        s0, d0 = np.divmod(places.start // row, n_pairs)
        at = s0 * (n_pairs + 1) + d0
        corners = [self.mean[:, at + offset] for offset in (0, 1, n_pairs + 1, n_pairs + 2)]
        return np.asarray(sum(w * one for w, one in zip(places.weight.astype(np.float64), corners, strict=True)))
