"""Injectors: scrambled background, signal at a position, signal from a spatial prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nusky import hyp
from nusky.events import Events
from nusky.rotation import offset_by, rotate_to
from nusky.seeding import TrialStreams
from nusky.trial import Scramble

if TYPE_CHECKING:
    from nusky.analysis import Analysis
    from nusky.pixels import PixelSet
    from nusky.priors import SpatialPrior

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Injected = tuple[Events | None, ...]

__all__ = ["BackgroundInjector", "InjectionOptions", "PriorInjector", "SignalInjector", "check_n_sig"]

# Sub-pixels this fine (nside 2^29, 0.4 milliarcseconds) stand for "anywhere inside a pixel"
_FINEST_ORDER = 29
# Acceptances are kept as logarithms, where nothing is e^−200 of the largest value
_ACCEPTS = 1e-30


def check_n_sig(n_sig: Any, poisson: bool) -> float:
    """Number of signal events, checked.

    Raises
    ------
    ValueError
        Negative, not finite, or not whole although ``poisson=False``.
    TypeError
        Not a number.

    Examples
    --------
    >>> check_n_sig(20, False)
    20.0
    """
    if isinstance(n_sig, (bool, np.bool_)) or not isinstance(n_sig, Real):
        raise TypeError(f"n_sig must be a number ≥ 0, got {n_sig!r}")
    value = float(n_sig)
    if not np.isfinite(value) or value < 0:
        raise ValueError(f"n_sig={n_sig!r} must be finite and not negative")
    if not poisson and value != int(value):
        raise ValueError(f"n_sig={n_sig!r} is not a whole number; pass poisson=True to draw the count around it")
    if value > 1e7:
        raise ValueError(f"n_sig={n_sig!r} is more signal than any season holds events; is it a flux?")
    return value


@dataclass(frozen=True)
class InjectionOptions:
    """How signal is injected.

    Parameters
    ----------
    flux : Flux
        Spectrum of the injected events; its norm does not matter.
    sindec_bandwidth : float
        Simulated events with \\|sin δ_true − sin δ\\| below this are used.
    in_pixel : bool
        From a prior: False, the source sits on the pixel's centre (as csky does); True, anywhere inside the pixel.
    by : {"count", "flux"}
        From a prior: "count", n_sig events wherever the source is; "flux", n_sig is the average over the prior and a
        source at δ has n_sig·A(δ)/Ā of them, Poisson-distributed.

    Examples
    --------
    >>> InjectionOptions(flux=hyp.PowerLawFlux(2.5)).flux.gamma
    2.5
    """

    flux: hyp.Flux = field(default_factory=lambda: hyp.PowerLawFlux(2.0))
    sindec_bandwidth: float = float(np.radians(1.0))
    in_pixel: bool = False
    by: Literal["count", "flux"] = "count"

    def __post_init__(self) -> None:
        if not isinstance(self.flux, hyp.Flux):
            raise TypeError(f"flux must be a flux such as hyp.PowerLawFlux(2), got {self.flux!r}")
        if not 0 < self.sindec_bandwidth <= 2:
            raise ValueError(f"sindec_bandwidth={self.sindec_bandwidth!r} must be in 0 … 2 (sin dec), 0 excluded")
        if self.by not in ("count", "flux"):
            raise ValueError(f"by={self.by!r} is not known; use 'count' or 'flux'")

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        return {
            "flux": self.flux.to_json(),
            "sindec_bandwidth": self.sindec_bandwidth,
            "in_pixel": self.in_pixel,
            "by": self.by,
        }


def _pick(cumulative: F64, at: F64) -> I64:
    """Indices whose share of the cumulative weight holds `at`; entries of weight 0 are never picked.

    Rounding can bring ``at`` up to the total itself; that belongs to the last entry with weight.
    """
    last = np.searchsorted(cumulative, cumulative[-1], side="left")
    picked: I64 = np.minimum(np.searchsorted(cumulative, at, side="right"), last)
    return picked


@dataclass(frozen=True, eq=False)
class BackgroundInjector:
    """The season's events at new, uniform right ascensions.

    Parameters
    ----------
    analysis : Analysis
    """

    analysis: Analysis

    def scramble(self, streams: TrialStreams) -> tuple[Scramble, ...]:
        """Background of one trial: ``ra = 2π · rng.random(N_k)`` in the order of each season's rows."""
        seasons = []
        for season, rng in zip(self.analysis, streams.backgrounds, strict=True):
            ra = rng.random(len(season.data))
            ra *= 2.0 * np.pi
            seasons.append(Scramble(season, ra))
        return tuple(seasons)

    def truth(self) -> tuple[Scramble, ...]:
        """The real events where they are."""
        return tuple(Scramble(season, season.data["ra"]) for season in self.analysis)


@dataclass(frozen=True, eq=False)
class _SimulatedBand:
    """A season's simulation sorted by sin δ_true, so that a declination band is a slice and a draw is a look-up."""

    sim: Events
    order: I64
    sin_true: F64
    cumulative: F64

    @classmethod
    def build(cls, sim: Events, flux: hyp.Flux) -> _SimulatedBand:
        sin_true = np.sin(sim["true_dec"])
        order = np.argsort(sin_true, kind="stable")
        weight = sim["oneweight"] * flux(sim["true_energy"])
        cumulative = np.concatenate([[0.0], np.cumsum(weight[order])])
        return cls(sim, order, sin_true[order], cumulative)

    def draw(self, rng: Generator, sin_dec: float, bandwidth: float, n: int) -> I64:
        """Rows of n simulated events of the band, with probability ∝ oneweight · flux."""
        low, high = np.searchsorted(self.sin_true, (sin_dec - bandwidth, sin_dec + bandwidth))
        first, last = self.cumulative[low], self.cumulative[high]
        if not last > first:
            raise ValueError(
                f"no simulated event with weight has its true sin(dec) within {bandwidth:.4g} of {sin_dec:.4f}: "
                "nothing can be injected there; widen sindec_bandwidth or exclude this declination"
            )
        picked: I64 = self.order[
            low + _pick(self.cumulative[low + 1 : high + 1], first + (last - first) * rng.random(n))
        ]
        return picked


@dataclass(frozen=True, eq=False)
class SignalInjector:
    """Signal at a given position, from the simulation.

    Simulated events of a declination band around the source are drawn with weight oneweight·flux(E_true) and turned so
    that the true direction falls on the source; the reconstructed offset is kept.

    Parameters
    ----------
    analysis : Analysis
    options : InjectionOptions
    extension : float
        rad; true positions scatter around the source by a two-dimensional Gaussian of this width.
    """

    analysis: Analysis
    options: InjectionOptions
    extension: float = 0.0

    @cached_property
    def _bands(self) -> tuple[_SimulatedBand, ...]:
        return tuple(_SimulatedBand.build(season.sim, self.options.flux) for season in self.analysis)

    @cached_property
    def _acceptances(self) -> tuple[Callable[[Any], Any], ...]:
        return tuple(season.acceptance.for_flux(self.options.flux) for season in self.analysis)

    def acceptance(self, dec: Any) -> F64:
        """(K, …) expected events of each season for the injected flux, at these declinations (rad)."""
        return np.stack([np.asarray(acceptance(dec), dtype=np.float64) for acceptance in self._acceptances])

    def inject(self, rng: Generator, ra: Sequence[float], dec: Sequence[float], counts: Sequence[int]) -> Injected:
        """Inject exactly `counts` events at the sources; seasons share them by acceptance.

        Parameters
        ----------
        rng : Generator
        ra, dec : (J,) rad
        counts : (J,) int
            Events of each source, over all seasons.

        Returns
        -------
        tuple of Events or None
            One for each season; None where nothing was injected.
        """
        parts: list[list[Events]] = [[] for _ in self.analysis]
        for source_ra, source_dec, n in zip(ra, dec, counts, strict=True):
            if n == 0:
                continue
            for k, n_k in enumerate(self._share(rng, source_dec, n)):
                if n_k:
                    parts[k].append(self._season(rng, k, source_ra, source_dec, n_k))
        return tuple(None if not p else p[0] if len(p) == 1 else Events.concatenate(p) for p in parts)

    def _share(self, rng: Generator, dec: float, n: int) -> list[int]:
        if len(self._acceptances) == 1:
            return [n]
        acceptance = self.acceptance(dec)
        total = acceptance.sum()
        if not total > 0:
            raise ValueError(
                f"no season accepts signal at dec = {np.degrees(dec):.4f} deg: nothing can be injected there"
            )
        return [int(n_k) for n_k in rng.multinomial(n, acceptance / total)]

    def _season(self, rng: Generator, k: int, source_ra: float, source_dec: float, n: int) -> Events:
        band = self._bands[k]
        rows = band.draw(rng, float(np.sin(source_dec)), self.options.sindec_bandwidth, n)
        sim = band.sim
        to_ra: Any = source_ra
        to_dec: Any = source_dec
        if self.extension > 0:
            distance = np.minimum(self.extension * np.sqrt(-2.0 * np.log1p(-rng.random(n))), np.pi)
            to_ra, to_dec = offset_by(source_ra, source_dec, distance, 2.0 * np.pi * rng.random(n))
        ra, dec = rotate_to(
            sim["ra"][rows], sim["dec"][rows], sim["true_ra"][rows], sim["true_dec"][rows], to_ra, to_dec
        )
        log10energy = sim["log10energy"][rows]
        return Events(
            {
                "dec": dec,
                "energy": 10.0**log10energy,
                "idx": rows,
                "inj": np.ones(n, dtype=np.int64),
                "log10energy": log10energy,
                "ra": ra,
                "sigma": sim["sigma"][rows],
                "sindec": np.sin(dec),
            }
        )


@dataclass(frozen=True, eq=False)
class PriorInjector:
    """Signal from sources drawn from spatial priors, one for each prior.

    A pixel is drawn with probability ∝ prior among the allowed pixels with acceptance. Several priors are several
    objects of equal flux: the events are shared in proportion to the prior-averaged acceptances.

    Parameters
    ----------
    signal : SignalInjector
    priors : tuple of SpatialPrior
        What sources are drawn from; need not be the priors of the fit.
    allowed : PixelSet
        Where a source can be, of the priors' nside.
    """

    signal: SignalInjector
    priors: tuple[SpatialPrior, ...]
    allowed: PixelSet

    @cached_property
    def _pixel_acceptance(self) -> F64:
        """(P,) acceptance of the injected flux at the allowed pixels, over all seasons; evaluated once a ring."""
        dec, ring = np.unique(self.allowed.dec, return_inverse=True)
        total: F64 = self.signal.acceptance(dec).sum(axis=0)[ring]
        return total

    @cached_property
    def _probabilities(self) -> tuple[F64, ...]:
        found = []
        accepting = self._pixel_acceptance > _ACCEPTS * self._pixel_acceptance.max(initial=0.0)
        for j, prior in enumerate(self.priors):
            p = np.where(accepting, prior.probability[self.allowed.pixels], 0.0)
            total = p.sum()
            if not total > 0:
                raise ValueError(f"prior {j} is zero in every pixel where a source can be; nothing can be injected")
            found.append(p / total)
        return tuple(found)

    @cached_property
    def _cumulatives(self) -> tuple[F64, ...]:
        return tuple(np.cumsum(p) for p in self._probabilities)

    @cached_property
    def mean_acceptances(self) -> F64:
        """(J,) acceptance for the injected flux, averaged over each prior."""
        return np.array([p @ self._pixel_acceptance for p in self._probabilities])

    def inject(self, rng: Generator, n_sig: float, poisson: bool) -> tuple[Injected, F64, F64]:
        """Draw the sources and inject.

        Returns
        -------
        injected : tuple of Events or None
        ra, dec : (J,) rad
            True positions, (0,) when ``n_sig=0``.
        """
        if n_sig == 0:
            return (None,) * len(self.signal.analysis), np.empty(0), np.empty(0)
        rows = np.concatenate([_pick(c, c[-1] * rng.random(1)) for c in self._cumulatives])
        ra, dec = self._positions(rng, rows)
        shares = self.mean_acceptances / self.mean_acceptances.sum()
        if self.signal.options.by == "flux":
            mean = n_sig * shares * self._pixel_acceptance[rows] / self.mean_acceptances
            counts = rng.poisson(mean)
        else:
            n = int(rng.poisson(n_sig)) if poisson else int(n_sig)
            counts = rng.multinomial(n, shares) if len(shares) > 1 else np.array([n])
        return self.signal.inject(rng, ra.tolist(), dec.tolist(), counts.tolist()), ra, dec

    def _positions(self, rng: Generator, rows: I64) -> tuple[F64, F64]:
        if not self.signal.options.in_pixel:
            return self.allowed.ra[rows], self.allowed.dec[rows]
        import healpy

        nside = self.allowed.nside
        children = 4 ** (_FINEST_ORDER - (nside.bit_length() - 1))
        nested = healpy.ring2nest(nside, self.allowed.pixels[rows])
        inside = nested * children + rng.integers(0, children, size=len(rows))
        theta, phi = healpy.pix2ang(2**_FINEST_ORDER, inside, nest=True)
        return np.asarray(phi), np.asarray(np.pi / 2 - theta)
