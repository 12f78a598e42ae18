"""`Background`: how the season's events spread over declination."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.analysis.histograms import density_histogram
from nusky.typing import F64
from nusky.units import numbers

__all__ = ["Background"]


#: A bin without an event counts as this many: its density stays above 0, which S/B needs, and below that of one event.
EMPTY_BIN_COUNT = 0.5

# Gauss–Legendre points per piece of the curve; exp of a cubic over one bin is integrated to rounding.
_QUADRATURE = 16


@dataclass(frozen=True, eq=False)
class Background:
    """B(sin δ) = P(sin δ) / 2π in sr⁻¹, a smooth curve through the logarithm of a histogram.

    P goes through the histogram's densities at the bin centres (and is carried to the outer edges by the slope of
    the outermost two bins), piecewise cubic in ln P without overshoot (PCHIP), scaled to ∫ P d sin δ = 1 over the bins.

    Parameters
    ----------
    sindec_bins : (M + 1,) increasing, within −1 … 1
    counts : (M,) events per bin, ≥ 0
    curve : (3, M + 2), optional
        What was made of them before: nodes in sin δ, ln P there, and its slope.

    Attributes
    ----------
    empty_bins : tuple of int
        Bins without an event; each is taken to hold half an event.

    Raises
    ------
    ValueError
        Shapes that do not fit, no event at all, or negative counts.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.analysis.background import Background
    >>> flat = Background(np.linspace(-1, 1, 11), np.full(10, 50.0))
    >>> round(flat(0.3) * 4 * np.pi, 9)
    1.0
    """

    sindec_bins: F64
    counts: F64
    curve: F64 | None = field(default=None, repr=False)
    empty_bins: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        bins, counts = np.array(self.sindec_bins, dtype=np.float64), np.array(self.counts, dtype=np.float64)
        if bins.ndim != 1 or len(bins) < 2 or not np.all(np.diff(bins) > 0):
            raise ValueError(f"sindec_bins must be at least two increasing edges, got {bins!r}")
        if bins[0] < -1 - 1e-12 or bins[-1] > 1 + 1e-12:
            raise ValueError(f"sindec_bins run {bins[0]} to {bins[-1]}; sin(dec) lies in [-1, 1]")
        if counts.shape != (len(bins) - 1,) or not np.all(np.isfinite(counts)) or counts.min() < 0:
            raise ValueError(f"counts must be {len(bins) - 1} finite numbers, none negative, for {len(bins)} edges")
        if counts.sum() == 0:
            raise ValueError("the season has no events inside sindec_bins: there is no background to describe")
        if self.curve is None:
            curve = _log_density(bins, np.where(counts == 0, EMPTY_BIN_COUNT, counts))
        else:
            curve = np.array(self.curve, dtype=np.float64)
        if curve.shape != (3, len(counts) + 2) or not np.all(np.isfinite(curve)) or not np.all(np.diff(curve[0]) > 0):
            raise ValueError(f"curve must be finite numbers of shape {(3, len(counts) + 2)} at increasing nodes")
        for name, array in (("sindec_bins", bins), ("counts", counts), ("curve", curve)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "empty_bins", tuple(int(i) for i in np.flatnonzero(counts == 0)))

    @classmethod
    def from_data(cls, sindec: ArrayLike, sindec_bins: ArrayLike) -> Background:
        """The background of a season's events.

        Parameters
        ----------
        sindec : (N,) in −1 … 1
        sindec_bins : (M + 1,) increasing edges that hold all events

        Raises
        ------
        ValueError
            Events outside the bins (their background would be made up).

        Examples
        --------
        >>> import numpy as np
        >>> from nusky.analysis.background import Background
        >>> Background.from_data([-0.5, 0.5, 0.6], [-1, 0, 1]).counts
        array([1., 2.])
        """
        s, bins = np.asarray(sindec, dtype=np.float64), np.asarray(sindec_bins, dtype=np.float64)
        # An edge of 1 that came out as 1 − 1e-16 must not lose the events at the pole.
        outside = ~((s >= bins[0] - 1e-12) & (s <= bins[-1] + 1e-12))
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(
                f"{int(outside.sum())} of {len(s)} events lie outside sindec_bins ({bins[0]:.4g} … {bins[-1]:.4g}); "
                f"first: row {row}, sindec = {s[row]!r}; widen sindec_bins or drop these events"
            )
        counts, _ = np.histogram(np.clip(s, bins[0], bins[-1]), bins)
        return cls(bins, counts.astype(np.float64))

    def __call__(self, sindec: ArrayLike) -> Any:
        """B at sin δ.

        Parameters
        ----------
        sindec : (…) in −1 … 1; outside the bins the value at the nearest edge is given

        Returns
        -------
        (…) sr⁻¹, a float for a scalar
        """
        value = np.exp(self.log_density(sindec)) / (2.0 * np.pi)
        return float(value) if np.ndim(value) == 0 else value

    @property
    def h(self) -> Any:
        """histlite histogram of P(sin δ), the density in sin δ that the curve goes through (needs histlite)."""
        return density_histogram(self.counts, (self.sindec_bins,))

    @property
    def hkw(self) -> dict[str, Any]:
        """``{"bins": edges}``, as csky has it."""
        return {"bins": self.sindec_bins}

    def log_density(self, sindec: ArrayLike) -> Any:
        """ln P(sin δ), with ∫ P d sin δ = 1.

        Parameters
        ----------
        sindec : (…) in −1 … 1
        """
        assert self.curve is not None
        x, y, slope = self.curve
        at = np.clip(numbers("sindec", sindec), x[0], x[-1])
        k = np.clip(x.searchsorted(at, side="right") - 1, 0, len(x) - 2)
        # Cubic Hermite in numpy: importing scipy.interpolate takes longer than opening an analysis and a scan do.
        h = x[k + 1] - x[k]
        t = (at - x[k]) / h
        u = 1.0 - t
        return (
            y[k] * u * u * (1 + 2 * t) + y[k + 1] * t * t * (3 - 2 * t) + h * t * u * (slope[k] * u - slope[k + 1] * t)
        )


def _log_density(bins: F64, counts: F64) -> F64:
    """(3, M + 2): nodes, ln P and its PCHIP slope, normalised."""
    from scipy.interpolate import PchipInterpolator

    centre = 0.5 * (bins[1:] + bins[:-1])
    log_density = np.log(counts / counts.sum() / np.diff(bins))
    slope = np.diff(log_density) / np.diff(centre) if len(centre) > 1 else np.zeros(1)
    ends = (log_density[0] + slope[0] * (bins[0] - centre[0]), log_density[-1] + slope[-1] * (bins[-1] - centre[-1]))
    x = np.concatenate([bins[:1], centre, bins[-1:]])
    y = np.concatenate([ends[:1], log_density, ends[1:]])
    curve = PchipInterpolator(x, y)
    point, weight = np.polynomial.legendre.leggauss(_QUADRATURE)
    half = 0.5 * np.diff(x)
    inside = x[:-1, None] + half[:, None] * (1.0 + point)
    integral = float((np.exp(curve(inside)) @ weight) @ half)
    return np.stack([x, y - np.log(integral), curve.derivative()(x)])
