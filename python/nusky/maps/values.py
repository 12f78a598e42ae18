"""From what a map holds (probability, density, 2ΔlnL, confidence level) to a probability for each cell."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.maps.calibration import Calibration
from nusky.maps.header import Kind
from nusky.maps.skymap import clean_values
from nusky.missing import without_missing
from nusky.sphere import at_limits
from nusky.typing import F64

__all__ = ["probability_of"]

# exp(−x/2) below this is nothing: the alert pipelines' own threshold
_ALERT_FLOOR = 1e-12
# of the sky, that may share the smallest 2ΔlnL: one pixel of nside 4 is 0.5 %
_LARGEST_BEST = 0.01
# confidence levels and 2ΔlnL of a whole sky sum to many times this
_SUM_OF_PROBABILITY = 1e-3
_FEWEST = 12
# 2ΔlnL of the whole map: at less, all of it is within the 40 % region
_LEAST_RANGE = 1.0
# 2ΔlnL further below 0 than rounding
_BELOW = 0.01


def probability_of(
    raw: Any, kind: Kind, area: float | F64, where: str, calibration: Calibration | None = None
) -> tuple[F64, dict[str, int]]:
    """Values proportional to the probability of each cell; for densities per steradian, the probability itself.

    Parameters
    ----------
    raw : (N,) array
        Masked, NaN and unseen values have probability 0.
    kind : str
    area : float or (N,) sr
    where : str
        For messages.
    calibration : Calibration, optional
        Of ``"2dlnl"``; default: Wilks' theorem.

    Returns
    -------
    values : (N,) float64
    counts : dict
        Values set to 0, by reason.
    """
    if kind in ("probability", "density"):
        value, repaired = clean_values(raw, where)
        return _clean(value * area, where, repaired) if kind == "density" else (value, repaired)
    x, repaired = without_missing(raw, where)
    known = ~np.isnan(x)
    _refuse_probability(x[known], kind, where)
    if kind == "cl":
        x = at_limits(x, 0.0, 1.0)
        outside = np.flatnonzero((x < 0) | (x > 1))
        if outside.size:
            raise ValueError(f"{where}: confidence level {x[outside[0]]} in row {outside[0]} is outside 0 … 1")
        return _clean(np.where(known, 1.0 - x, 0.0) * area, where, repaired)
    if (x == -np.inf).any():
        raise ValueError(f"{where}: 2ΔlnL is −∞ in {int((x == -np.inf).sum())} rows; mask them before use")
    finite = np.isfinite(x)
    if not finite.any():
        detail = ", ".join(f"{n} {reason}" for reason, n in repaired.items())
        raise ValueError(f"{where}: no finite value of 2ΔlnL{f' ({detail})' if detail else ''}")
    _refuse_flipped(x[finite], where)
    _refuse_filling(x, finite, area, where)
    _refuse_marks(x[finite], where)
    p = np.zeros(x.size)
    with np.errstate(under="ignore", over="ignore"):
        p[finite] = np.exp(-0.5 * (calibration or Calibration()).as_wilks(x[finite] - x[finite].min()))
    p[p < _ALERT_FLOOR] = 0.0
    return _clean(p * area, where, repaired)


def _refuse_probability(x: F64, kind: Kind, where: str) -> None:
    """Values that are in no pixel negative and sum to 1 are a probability, whatever they are called."""
    if x.size >= _FEWEST and (x >= 0).all() and abs(float(x.sum()) - 1.0) < _SUM_OF_PROBABILITY:
        what = "confidence levels" if kind == "cl" else "2ΔlnL"
        raise ValueError(
            f"{where}: the values sum to {x.sum():.6g}, as a probability does and {what} do not; if it is one, give "
            "kind='probability'"
        )


def _refuse_flipped(x: F64, where: str) -> None:
    """2ΔlnL against the best point are 0 there and positive elsewhere; those that end at 0 have the other sign."""
    low, high = float(x.min()), float(x.max())
    if low < -1.0 and abs(high) <= 1e-6 * abs(low):
        raise ValueError(
            f"{where}: 2ΔlnL run from {low:g} to {high:g}: against the best point they are 0 there and positive "
            "elsewhere; give them with the other sign"
        )
    if x.size >= _FEWEST and high - low < _LEAST_RANGE:
        raise ValueError(
            f"{where}: 2ΔlnL run from {low:g} to {high:g} only: by that no place is better than another; is it another "
            "quantity? Then give its kind"
        )


def _refuse_filling(x: F64, finite: NDArray[np.bool_], area: float | F64, where: str) -> None:
    """The best fit is one place: a value that fills much of a map is what somebody wrote where nothing was known."""
    best = finite & (x == x[finite].min())
    share = float(np.sum(best * area) / np.sum(finite * area))
    if np.count_nonzero(best) >= 16 and share > _LARGEST_BEST:
        raise ValueError(
            f"{where}: {np.count_nonzero(best)} rows ({100 * share:.0f} % of the sky they cover) hold the smallest "
            f"2ΔlnL, {x[best][0]:g}, as if the source were in all of them; set them to NaN or healpy.UNSEEN where "
            "nothing is known, or give probabilities"
        )


def _refuse_marks(x: F64, where: str) -> None:
    """Nothing is below the best point, whose value is 0: what is, and fills too little to be seen, is a mark, too."""
    low = float(x.min())
    if low < -_BELOW and (x == 0).any():
        raise ValueError(
            f"{where}: 2ΔlnL of {low:g} ({int((x < -_BELOW).sum())} rows below 0) beside values of exactly 0, which "
            "are those of the best point: set to NaN or healpy.UNSEEN what marks a pixel without a value, or give what "
            "is above the smallest"
        )


def _clean(values: F64, where: str, repaired: dict[str, int]) -> tuple[F64, dict[str, int]]:
    cleaned, more = clean_values(values, where)
    return cleaned, {**repaired, **more}
