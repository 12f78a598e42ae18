"""`FlareOptions`: which windows a search for flares looks at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from nusky.sphere.angles import days

__all__ = ["GAUSS_REACH", "BoxMode", "FlareOptions", "FlareShape", "box_edges", "box_t0"]

BoxMode = Literal["center", "post", "pre"]
FlareShape = Literal["box", "gauss"]

GAUSS_REACH = 6.0
"""A Gaussian flare ends at this many σ from its middle."""

#: Windows have at least this, days.
_SECOND = 1.0 / 86_400.0
_MODES = ("center", "post", "pre")


def box_t0(start: Any, length: Any, mode: BoxMode) -> Any:
    """t0 of boxes that start there: their middle, their start ("post": the box is after t0) or their end ("pre").

    Examples
    --------
    >>> box_t0(10.0, 2.0, "center"), box_t0(10.0, 2.0, "post"), box_t0(10.0, 2.0, "pre")
    (11.0, 10.0, 12.0)
    """
    return start + {"center": 0.5, "post": 0.0, "pre": 1.0}[mode] * length


def box_edges(t0: float, length: float, mode: BoxMode) -> tuple[float, float]:
    """Start and end of a box, MJD.

    Examples
    --------
    >>> box_edges(11.0, 2.0, "center")
    (10.0, 12.0)
    """
    start = t0 - box_t0(0.0, length, mode)
    return start, start + length


@dataclass(frozen=True)
class FlareOptions:
    """A flare of any time and length that is fitted to the events of a source: a box or a Gaussian in time.

    Parameters
    ----------
    dt_min : float, Quantity or TimeDelta
        Days of uptime, > 0; 1 s by default. No box has less. Of a Gaussian the least σ, days.
    dt_max : float, Quantity, TimeDelta or None
        Days from start to end, gaps included; None: no limit. Of a Gaussian the largest σ, days.
    threshold : float or None
        Boxes start and end at events with S/B max R of at least this, and Gaussians are sought near such boxes. None:
        1000, or a thousandth of the number of events where that is less.
    penalty : bool
        Add 2 ln(T_w / T_max) to TS, T_w the uptime in the window and T_max the longest there can be: there are more
        short windows than long ones. Of a Gaussian T_w is ∫ exp(−(t − t0)²/2σ²) dt over the uptime.
    box_mode : {"center", "post", "pre"}
        What t0 is: the middle of the box, its start or its end.
    t0 : float or None
        MJD; holds t0, and the length is fitted. Boxes around a middle start or end at an event and reach as far on the
        other side, uptime or not; `dt_max` is their whole length.
    use_grl : bool
        False: take the detector as on from a season's first event to its last, without a good-run list.
    shape : {"box", "gauss"}
        The flux is constant in a box, or a Gaussian of width σ around t0, cut at 6 σ.
    extended : bool
        The extended likelihood, which takes the number of events as Poisson distributed around n_s and the background.

    Raises
    ------
    ValueError, TypeError
        For a value out of range.

    Examples
    --------
    >>> FlareOptions(dt_max=200).dt_max
    200.0
    """

    dt_min: float = _SECOND
    dt_max: float | None = None
    threshold: float | None = None
    penalty: bool = True
    box_mode: BoxMode = "center"
    t0: float | None = None
    use_grl: bool = True
    shape: FlareShape = "box"
    extended: bool = False

    def __post_init__(self) -> None:
        if self.shape not in ("box", "gauss"):
            raise ValueError(f"shape={self.shape!r} is not known; use 'box' or 'gauss'")
        if self.shape == "gauss" and self.box_mode != "center":
            raise ValueError("a Gaussian flare is around its t0: leave out box_mode, or add box=True")
        for name in ("dt_min", "dt_max"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _positive(name, days(name, getattr(self, name)), "days above 0"))
        if self.threshold is not None:
            object.__setattr__(self, "threshold", _positive("threshold", self.threshold, "S/B above 0"))
        if self.dt_max is not None and self.dt_max < self.dt_min:
            raise ValueError(f"dt_max={self.dt_max:g} days is below dt_min={self.dt_min:g} days")
        if self.box_mode not in _MODES:
            raise ValueError(f"box_mode={self.box_mode!r} is not known; use 'center', 'post' (starts at t0) or 'pre'")
        for name in ("penalty", "use_grl", "extended"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if self.t0 is not None:
            if isinstance(self.t0, bool) or not isinstance(self.t0, Real) or not np.isfinite(self.t0):
                raise TypeError(f"t0 must be a time, MJD, or None (fitted), got {self.t0!r}")
            object.__setattr__(self, "t0", float(self.t0))

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        # Configurations of before there was a choice keep their hash
        return {name: value for name, value in asdict(self).items() if name != "extended" or value}


def _positive(name: str, value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 < float(value) < np.inf:
        raise ValueError(f"{name}={value!r} must be {what}, and finite")
    return float(value)
