"""`SmearedMaps`: maps of the sky convolved with Gaussians of any width, looked up at any place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.sphere.healpix import map_nside
from nusky.threads import allowed_threads

if TYPE_CHECKING:
    from nusky.typing import F32, F64, I64

    C64 = NDArray[np.complex64]

__all__ = ["Places", "SmearedMaps"]

# Steps in ln σ
_STEP = 0.12
# A map is taken finer than it is, by this factor and up to this nside: the sum over pixels is that over their areas
_FINER, _FINEST = 8, 256
# From this product of the fine nside and σ on the sum over fine pixels is that over areas to 1e-5; below it harmonics
# are fitted to the map in some steps
_DENSE, _STEPS = 0.8, 3
# Values are kept as whole numbers: the largest of a pair of rows, and the least that one may stand for
_WHOLE, _LEAST_UNIT = 32767, 1e-35
# Grid in declination and right ascension, deg: finer than the smallest σ where this is possible
_GRID = (0.4, 1.0)
# Widths whose modes are in memory at once
_TOGETHER = 8
# What parts may leave out of the sums that are asked for: root mean square over right ascension, of the largest one
_LEFT_OUT = 2e-3


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
    table : S arrays (D − 1, A + 1, 2, B) int16
        Of each width, for pairs of neighbouring declinations from −90° to 90°, and right ascensions from 0 to 360°,
        both ends given, the values of B parts at both. What an event reads lies in two places of memory, those of the
        widths around its σ.
    basis : (S, D − 1, B, R) float32
        What the parts are multiplied with, to add up to the maps; B is the largest of all widths. The largest value of
        each part in a pair of rows is 32767.
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
    table: tuple[NDArray[np.int16], ...]
    basis: F32
    mean: F64

    @classmethod
    def of(cls, maps: F64, low: float, high: float, columns: F64 | None = None) -> SmearedMaps:
        """Convolve maps with widths from `low` to `high`, rad.

        Parameters
        ----------
        maps : (R, npix)
            RING, finite.
        columns : (R, C), optional
            The sums Σ_r columns_r map_r that will be asked for. Maps that differ by smooth factors of
            declination are nearly the same within a narrow Gaussian: fewer parts than maps will do there. None: each
            map is a part.
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
        steps = 0 if fine * low > _DENSE else _STEPS
        alm = np.stack([healpy.map2alm(healpy.ud_grade(one, fine), lmax=lmax, iter=steps) for one in maps])
        mean = np.empty((len(maps), n, n_dec))
        made: list[NDArray[np.int16]] = []
        factors: list[F32] = []
        for first in range(0, n, _TOGETHER):
            modes = _smeared_modes(alm, sigma[first : first + _TOGETHER], lmax, n_dec)
            mean[:, first : first + _TOGETHER] = modes[..., 0].real.transpose(2, 0, 1)
            for one in modes:
                values, factor = _parts(_on_grid(one, 2 * (n_dec - 1)), columns)
                made.append(values)
                factors.append(factor)
        basis = np.zeros((n, n_dec - 1, max(some.shape[1] for some in factors), len(maps)), dtype=np.float32)
        for s, some in enumerate(factors):
            basis[s, :, : some.shape[1]] = some
        basis.setflags(write=False)
        table = _side_by_side(made)
        return cls(sigma, table, basis, mean.reshape(len(maps), -1))

    @cached_property
    def rows(self) -> _core.SmearedRows:
        """The table as the core's kernels read it."""
        return _core.SmearedRows(self.table, self.basis)

    @property
    def n_maps(self) -> int:
        """How many maps there are."""
        return int(self.basis.shape[-1])

    def places(self, dec: F64, sigma: F64) -> Places:
        """Where events lie in σ and declination; widths beyond the table count as its ends.

        Parameters
        ----------
        dec, sigma : (N,) rad
        """
        n_sigma, n_pairs, *_ = self.basis.shape
        row = self.table[0].shape[1]
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
        _core.smeared_values(self.table, self.basis, places.start, places.weight, at, found)
        return found

    def at(self, ra: F64, dec: F64, sigma: F64) -> F32:
        """(R, N) values of the maps convolved with `sigma`, at places (N,), rad."""
        return self.values(self.places(dec, sigma), np.mod(ra, 2 * np.pi))

    def over_right_ascension(self, places: Places) -> F64:
        """(R, N) mean of the maps over right ascension at the places' σ and declination."""
        n_pairs, row, *_ = self.table[0].shape
        s0, d0 = np.divmod(places.start // row, n_pairs)
        at = s0 * (n_pairs + 1) + d0
        corners = [self.mean[:, at + offset] for offset in (0, 1, n_pairs + 1, n_pairs + 2)]
        return np.asarray(sum(w * one for w, one in zip(places.weight.astype(np.float64), corners, strict=True)))


def _side_by_side(arrays: list[NDArray[np.int16]]) -> tuple[NDArray[np.int16], ...]:
    """Arrays that lie one after the other in memory, in few large pages; the given ones are freed."""
    memory = np.empty(sum(one.size for one in arrays), dtype=np.int16)
    found, first = [], 0
    while arrays:
        one = arrays.pop(0)
        to = memory[first : first + one.size].reshape(one.shape)
        to[...] = one
        to.setflags(write=False)
        found.append(to)
        first += one.size
    return tuple(found)


def _smeared_modes(alm: NDArray[np.complex128], sigma: F64, lmax: int, n_dec: int) -> C64:
    """(S, D, R, L) Fourier modes of maps smeared with S widths, along rings of D declinations."""
    top = np.minimum(lmax, np.ceil(6.0 / sigma))
    degree = np.arange(int(top.max()) + 1)
    beam = np.exp(-0.5 * degree * (degree + 1) * sigma[:, None] ** 2)
    beam[degree > top[:, None]] = 0.0
    modes = np.empty((len(sigma), n_dec, len(alm), len(degree)), dtype=np.complex64)
    _core.ring_modes(alm, beam, modes)
    return modes


def _on_grid(modes: C64, n: int) -> C64:
    """(…, H) of modes (…, L) what they are on n right ascensions, n even: those beyond n/2 look like others."""
    half, last = n // 2, modes.shape[-1] - 1
    found = modes[..., : min(last, half) + 1].copy()
    beyond = modes[..., half + 1 : n]
    found[..., half - beyond.shape[-1] : half] += beyond[..., ::-1].conj()
    for m in range(n, last + 1):
        like = m % n
        if like == 0:
            found[..., 0] += 2.0 * modes[..., m].real
        elif like <= half:
            found[..., like] += modes[..., m]
        else:
            found[..., n - like] += modes[..., m].conj()
    if last >= half:
        found[..., half] = 2.0 * found[..., half].real
    return found


def _parts(modes: C64, columns: F64 | None) -> tuple[NDArray[np.int16], F32]:
    """(D − 1, A + 1, 2, B) and (D − 1, B, R): table and basis of one width, from the modes (D, R, H) of its rings."""
    from scipy import fft

    n_dec = len(modes)
    turn, basis = _basis(modes, columns)
    numbers = modes.view(np.float32)
    turned = np.stack([turn @ numbers[:-1], turn @ numbers[1:]], axis=1).view(np.complex64)
    n_ra = 2 * (n_dec - 1)
    rows = fft.irfft(turned, n=n_ra, axis=-1, norm="forward", workers=allowed_threads())  # (D − 1, 2, B, A)
    unit = np.maximum(np.maximum(rows.max(axis=(1, 3)), -rows.min(axis=(1, 3))) / _WHOLE, _LEAST_UNIT)
    rows *= (1.0 / unit)[:, None, :, None]
    table = np.empty((n_dec - 1, n_ra + 1, 2, len(basis[0])), dtype=np.int16)
    table[:, :-1] = np.rint(rows, out=rows).transpose(0, 3, 1, 2)
    table[:, -1] = table[:, 0]
    return table, (basis * unit[..., None]).astype(np.float32)


def _basis(modes: C64, columns: F64 | None) -> tuple[F32, F64]:
    """(D − 1, B, R) twice, for pairs of rings: parts are the first times maps, maps the second's transpose times parts.

    Of the sums Σ_r columns_r map_r, each in units of its largest root mean square, the parts are the principal
    components.
    """
    n_dec, n_maps, _ = modes.shape
    if columns is None or n_maps == 1:
        same = np.broadcast_to(np.eye(n_maps), (n_dec - 1, n_maps, n_maps))
        return same.astype(np.float32), same
    numbers = modes.view(np.float32).astype(np.float64)
    power = 2.0 * numbers @ numbers.transpose(0, 2, 1) - modes[:, :, :1].real * modes[:, None, :, 0].real
    most = np.sqrt(np.einsum("rc,drq,qc->dc", columns, power, columns, optimize=True).max(axis=0))
    _, to_sums = np.linalg.qr((columns / most).T)  # an orthogonal matrix times this are all sums
    both = to_sums @ (power[1:] + power[:-1]) @ to_sums.T
    strength, vectors = np.linalg.eigh(both)
    left_out = np.cumsum(np.maximum(strength, 0.0), axis=-1).max(axis=0)  # without the weakest 1, 2, …
    n_parts = len(to_sums) - int(np.count_nonzero(left_out[:-1] < 2.0 * _LEFT_OUT**2))
    chosen = vectors[:, :, ::-1][:, :, :n_parts].transpose(0, 2, 1)
    return (chosen @ to_sums).astype(np.float32), chosen @ np.linalg.pinv(to_sums).T
