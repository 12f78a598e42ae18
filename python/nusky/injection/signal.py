"""Injectors: scrambled background, signal at a position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nusky.events import Events
from nusky.hyp.flux import Flux
from nusky.hyp.power_laws import PowerLawFlux
from nusky.injection.seeding import BatchDraws, TrialDraws
from nusky.source.positions import MAX_EXTENSION
from nusky.sphere import radians
from nusky.sphere.rotation import offset_by, rotate_to
from nusky.typing import F64, I64
from nusky.units import in_unit

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis
    from nusky.transients.on_time import OnTime
    from nusky.transients.signal_times import SignalTimes

Injected = tuple[Events | None, ...]
InjectedMany = tuple[tuple[Events | None, I64], ...]

__all__ = ["Injected", "InjectedMany", "InjectionOptions", "SignalInjector", "check_n_sig", "check_signal"]


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


def check_signal(n_sig: Any, poisson: Any) -> tuple[float, bool]:
    """Number of signal events, and whether it is drawn around that, checked together.

    Raises
    ------
    ValueError, TypeError
        As `check_n_sig`; or `poisson` is no bool.

    Examples
    --------
    >>> check_signal(2.5, True)
    (2.5, True)
    """
    if not isinstance(poisson, (bool, np.bool_)):
        raise TypeError(f"poisson must be True or False, got {poisson!r}")
    return check_n_sig(n_sig, bool(poisson)), bool(poisson)


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
    by : {"auto", "count", "flux", "fluence"}
        From a prior: "count", n_sig events wherever the source is; "flux" or "fluence", n_sig is the average over the
        prior (``to_ns`` of the flux or fluence) and a source at δ has n_sig·A(δ)/Ā of them, Poisson-distributed.
        "auto" is "flux" where the number is drawn (``poisson=True``, as in every search for a flux) and "count" where a
        trial is to hold so many events.
    extension : float or None
        rad; width of the injected sources: the true directions of the events scatter around the source by a
        two-dimensional Gaussian of this width. None: that of the likelihood.

    Examples
    --------
    >>> InjectionOptions(flux=PowerLawFlux(2.5)).flux.gamma
    2.5
    """

    flux: Flux = field(default_factory=lambda: PowerLawFlux(2.0))
    sindec_bandwidth: float = float(np.radians(1.0))
    in_pixel: bool = False
    by: Literal["auto", "count", "flux", "fluence"] = "auto"
    extension: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.flux, Flux):
            raise TypeError(f"flux must be a flux such as hyp.PowerLawFlux(2), got {self.flux!r}")
        object.__setattr__(self, "sindec_bandwidth", in_unit("sindec_bandwidth", self.sindec_bandwidth, ""))
        object.__setattr__(self, "extension", radians("extension", self.extension))
        if not 0 < self.sindec_bandwidth <= 2:
            raise ValueError(f"sindec_bandwidth={self.sindec_bandwidth!r} must be in 0 … 2 (sin dec), 0 excluded")
        if not isinstance(self.in_pixel, (bool, np.bool_)):
            raise TypeError(f"in_pixel must be True or False, got {self.in_pixel!r}")
        if self.by not in ("auto", "count", "flux", "fluence"):
            raise ValueError(f"by={self.by!r} is not known; use 'auto', 'count', 'flux' or 'fluence'")
        if self.extension is not None:
            if isinstance(self.extension, bool) or not isinstance(self.extension, Real):
                raise TypeError(f"extension must be a number (rad) or None, got {self.extension!r}")
            if not 0 <= self.extension <= MAX_EXTENSION + 1e-12:
                raise ValueError(f"extension={self.extension!r} must be in 0 … {MAX_EXTENSION:.4f} rad (20 degrees)")
            object.__setattr__(self, "extension", float(self.extension))

    def chosen_by(self, poisson: bool) -> str:
        """What `by` means for trials whose number of events is drawn (`poisson`) or not: never "auto".

        Examples
        --------
        >>> InjectionOptions().chosen_by(True), InjectionOptions().chosen_by(False)
        ('flux', 'count')
        """
        return self.by if self.by != "auto" else "flux" if poisson else "count"

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        return {
            "flux": self.flux.to_json(),
            "sindec_bandwidth": self.sindec_bandwidth,
            "in_pixel": self.in_pixel,
            "by": self.by,
            "extension": self.extension,
        }


@dataclass(frozen=True, eq=False)
class _SimulatedBand:
    """A season's simulation sorted by sin δ_true, so that a declination band is a slice and a draw is a look-up."""

    sim: Events
    order: I64
    sin_true: F64
    cumulative: F64

    @classmethod
    @np.errstate(under="ignore")
    def build(cls, sim: Events, flux: Flux) -> _SimulatedBand:
        sin_true = np.sin(sim["true_dec"])
        order = np.argsort(sin_true, kind="stable")
        weight = sim["oneweight"] * flux(sim["true_energy"])
        cumulative = np.concatenate([[0.0], np.cumsum(weight[order])])
        return cls(sim, order, sin_true[order], cumulative)

    def around(self, dec: Any, bandwidth: float) -> tuple[Any, Any]:
        """Where in the order the bands around declinations begin and end."""
        sin_dec = np.sin(dec)
        low, high = (np.searchsorted(self.sin_true, sin_dec + step) for step in (-bandwidth, bandwidth))
        first, last = self.cumulative[low], self.cumulative[high]
        if not np.all(last > first):
            where = np.degrees(np.ravel(dec)[np.ravel(~(last > first))][0])
            raise ValueError(
                f"no simulated event with weight has its true sin(dec) within {bandwidth:.4g} of that of {where:.3f} "
                "deg: nothing can be injected there; widen sindec_bandwidth or exclude this declination"
            )
        return low, high

    def draw(self, uniform: F64, dec: F64, bandwidth: float) -> I64:
        """Rows of simulated events of the bands around `dec` (n,), with weight oneweight · flux."""
        low, high = self.around(dec, bandwidth)
        first, last = self.cumulative[low], self.cumulative[high]
        # Rounding can bring a draw up to the end of its band; that belongs to the band's last event with weight
        ends = self.cumulative[1:]
        at = np.searchsorted(ends, first + (last - first) * uniform, side="right")
        picked: I64 = self.order[np.minimum(at, np.searchsorted(ends, last, side="left"))]
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
        rad; true directions scatter around the source by a two-dimensional Gaussian of this width, unless the options
        have one of their own. Each event is then taken from the simulation at its own true declination.
    on_time : OnTime, SignalTimes or None
        A time window: acceptances are those inside it, and events get times (`mjd`) of T_S within the uptime.
    """

    analysis: Analysis
    options: InjectionOptions
    extension: float = 0.0
    on_time: OnTime | SignalTimes | None = None

    @cached_property
    def _bands(self) -> tuple[_SimulatedBand, ...]:
        return tuple(_SimulatedBand.build(season.sim, self.options.flux) for season in self.analysis)

    @cached_property
    def _acceptances(self) -> tuple[Callable[[Any], Any], ...]:
        return tuple(season.acceptance.for_flux(self.options.flux) for season in self.analysis)

    def prepare(self) -> None:
        """Make what all trials share, before threads start: otherwise each of them makes its own."""
        _ = self._bands, self._acceptances

    def acceptance(self, dec: Any) -> F64:
        """(K, …) expected events of each season (in the window) for the injected flux, at these declinations (rad)."""
        whole = np.stack([np.asarray(acceptance(dec), dtype=np.float64) for acceptance in self._acceptances])
        return whole if self.on_time is None else (whole.T * self.on_time.shares).T

    @property
    def injected_extension(self) -> float:
        """Width of the injected sources, rad."""
        return self.extension if self.options.extension is None else self.options.extension

    def inject(
        self,
        draws: TrialDraws,
        ra: Sequence[float] | F64,
        dec: Sequence[float] | F64,
        counts: Sequence[int] | I64,
        extension: F64 | None = None,
    ) -> Injected:
        """Inject exactly `counts` events at the sources; seasons share them by acceptance.

        Parameters
        ----------
        draws : TrialDraws
        ra, dec : (J,) rad
        counts : (J,) int
            Events of each source, over all seasons.
        extension : (J,) rad, optional
            Widths of the sources; default `injected_extension`.

        Returns
        -------
        tuple of Events or None
            One for each season; None where nothing was injected.
        """
        one = np.asarray(ra, dtype=np.float64)[None], np.asarray(dec, dtype=np.float64)[None]
        return tuple(events for events, _ in self.inject_many(draws.batch, *one, np.asarray(counts)[None], extension))

    def inject_many(
        self, draws: BatchDraws, ra: F64, dec: F64, counts: I64, extension: F64 | None = None
    ) -> InjectedMany:
        """What `inject` gives for each of T trials.

        Parameters
        ----------
        draws : BatchDraws
        ra, dec : (T, J) rad
        counts : (T, J) int
        extension : (J,) rad, optional
            Widths of the sources; default `injected_extension`.

        Returns
        -------
        tuple of (Events or None, (T + 1,) int64)
            For each season the events of all trials, trial by trial, and where each trial begins.
        """
        n = counts.sum(axis=1)
        of = np.repeat(np.arange(counts.size), counts.ravel())
        trial = np.repeat(np.arange(len(draws)), n)
        uniform = draws.uniforms("signal", n)
        season = self._seasons(dec.ravel(), of, uniform[:, 1])
        to_ra, to_dec = ra.ravel()[of], dec.ravel()[of]
        width = self.injected_extension if extension is None else extension[of % len(extension)]
        if np.any(width > 0) and len(of):
            to_ra, to_dec = self.scattered(to_ra, to_dec, width, draws.uniforms("extension", n))
        times = None if self.on_time is None else draws.uniforms("signal_time", n)[:, 0]
        parts: list[tuple[Events | None, I64]] = []
        for k in range(len(self.analysis)):
            some = np.flatnonzero(season == k)
            first = np.searchsorted(trial[some], np.arange(len(draws) + 1))
            if not len(some):
                parts.append((None, first))
                continue
            events = self.placed(k, uniform[some, 0], to_ra[some], to_dec[some], of[some])
            parts.append((events if times is None else self.with_times(k, events, times[some], of[some]), first))
        return tuple(parts)

    def placed(self, k: int, uniform: F64, ra: F64, dec: F64, of: I64 | None = None) -> Events:
        """Events of season k whose true directions are these; `uniform` (n,) picks them from the simulation.

        `of` are the numbers of their sources.
        """
        return self.rotated(k, self._bands[k].draw(uniform, dec, self.options.sindec_bandwidth), ra, dec)

    def scattered(self, ra: F64, dec: F64, width: F64 | float, uniform: F64) -> tuple[F64, F64]:
        """True directions (n,) around sources of these widths, rad; `uniform` (n, 2)."""
        distance = np.minimum(width * np.sqrt(-2.0 * np.log1p(-uniform[:, 0])), np.pi)
        return offset_by(ra, dec, distance, 2.0 * np.pi * uniform[:, 1])

    def shares(self, dec: F64) -> F64:
        """(K, J) of the events at each declination that falls to each season; the sum over seasons is 1."""
        acceptance = self.acceptance(dec)
        total = acceptance.sum(axis=0)
        if not np.all(total > 0):
            raise ValueError(
                f"no season accepts signal at dec = {np.degrees(dec[~(total > 0)][0]):.4f} deg: nothing can be "
                "injected there"
            )
        return np.asarray(acceptance / total)

    def _seasons(self, dec: F64, of: I64, uniform: F64) -> I64:
        """Season of each event; `of` is its source."""
        if len(self._acceptances) == 1:
            return np.zeros(len(of), dtype=np.int64)
        used = np.unique(of)
        ends = np.cumsum(self.shares(dec[used]), axis=0)
        mine = np.searchsorted(used, of)
        return np.asarray((uniform >= (ends / ends[-1])[:-1, mine]).sum(axis=0))

    def rotated(self, k: int, rows: I64, ra: F64 | float, dec: F64 | float) -> Events:
        """Simulated events of season k, turned so that their true directions fall on these places."""
        sim = self._bands[k].sim
        new_ra, new_dec = rotate_to(
            sim["ra"][rows], sim["dec"][rows], sim["true_ra"][rows], sim["true_dec"][rows], ra, dec
        )
        log10energy = sim["log10energy"][rows]
        columns = {
            "dec": new_dec,
            "energy": 10.0**log10energy,
            "idx": rows,
            "inj": np.ones(len(rows), dtype=np.int64),
            "log10energy": log10energy,
            "ra": new_ra,
            "sigma": sim["sigma"][rows],
            "sindec": np.sin(new_dec),
        }
        return Events(columns)

    def with_times(self, k: int, events: Events, uniform: F64, of: I64 | None = None) -> Events:
        """The events at times of T_S within the uptime of season k; `of` are the numbers of their sources."""
        assert self.on_time is not None
        return events.with_columns(mjd=self.on_time.signal_times(k, uniform))

    def band(self, k: int, dec: float) -> tuple[I64, F64]:
        """Rows of season k's simulation around a declination, and the probability up to and with each of them."""
        band = self._bands[k]
        low, high = (int(edge) for edge in band.around(dec, self.options.sindec_bandwidth))
        inside = band.cumulative[low : high + 1]
        return band.order[low:high], (inside[1:] - inside[0]) / (inside[-1] - inside[0])
