"""Flat sky maps of a probability, equatorial and normalised, with the record of where they came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.checks import check_fraction
from nusky.maps.regrading import regrade
from nusky.missing import split_mask, without_missing
from nusky.sphere import Frame, map_nside
from nusky.units import in_unit

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["MapRecord", "SkyMap", "clean_values", "normalised", "region_area", "smallest_region"]


# of what is above 0, that may lie below
_MOST_BELOW = 0.5
# what some write where nothing is known is this large, and this many times larger than what is
_LIKE_A_MARK = 1e15


@dataclass(frozen=True)
class MapRecord:
    """Where a map came from and what was done to it; goes with the map into results.

    Attributes
    ----------
    source : str
        File, or the type of the object.
    kind : str
        What the values were: ``"probability"`` (per pixel), ``"density"``, ``"2dlnl"``, ``"cl"`` or ``"region"``.
    frame, ordering, column, unit : str
        As read.
    total : float
        Sum of the map before it was normalised; 1 for a sound probability map.
    repaired : dict of str to int
        Values set to 0, by reason.
    n_missing : int
        Cells without a value, taken as 0.
    n_duplicate : int
        Repeated entries dropped.
    header : dict of str to str
        Trigger, dates, event time and creator, where the file names them.
    calibration : str
        Of 2ΔlnL: ``"Wilks"``, or the levels that were used.
    """

    source: str = "array"
    kind: str = "probability"
    frame: Frame = "equatorial"
    ordering: str = "RING"
    column: str = ""
    unit: str = ""
    total: float = 1.0
    repaired: Mapping[str, int] = field(default_factory=dict)
    n_missing: int = 0
    n_duplicate: int = 0
    header: Mapping[str, str] = field(default_factory=dict)
    calibration: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As a dictionary of JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        parts = [f"{self.source}: {self.kind}, {self.ordering}, {self.frame}"]
        if abs(self.total - 1.0) > 1e-3 and self.kind in ("probability", "density"):
            parts.append(f"sum {self.total:.6g} before normalisation")
        if self.calibration:
            parts.append(
                f"2 Delta lnL by {'Wilks' if self.calibration == 'Wilks' else 'its own levels, ' + self.calibration}"
            )
        parts += [f"{n} {reason} values set to 0" for reason, n in self.repaired.items()]
        if self.n_missing:
            parts.append(f"{self.n_missing} cells without a value taken as 0")
        if self.n_duplicate:
            parts.append(f"{self.n_duplicate} repeated cells dropped")
        return "; ".join(parts)


def clean_values(values: Any, name: str = "map") -> tuple[F64, dict[str, int]]:
    """Native float64 values of a map with negatives, NaN, masked and unseen pixels set to 0, and how many there were.

    Parameters
    ----------
    values : array
        1-D; big-endian, float32, integer and masked arrays are accepted.
    name : str
        What to call it in messages.

    Returns
    -------
    values : (N,) float64
    repaired : dict
        Counts by reason: ``"masked"``, ``"nan"``, ``"unseen"``, ``"negative"``; only those that occurred.

    Raises
    ------
    TypeError, ValueError
        Not numeric, not 1-D, infinite, nothing positive left, or more than half as much below 0 as above: smoothing and
        interpolation leave some values just below 0, logarithms and differences many.

    Examples
    --------
    >>> clean_values([1.0, -0.2, float("nan")])
    (array([1., 0., 0.]), {'nan': 1, 'negative': 1})
    """
    if isinstance(values, (str, bytes, os.PathLike)):
        raise TypeError(f"{name}: got the text {os.fspath(values)!r}; read a file with nusky.priors.read_sky_map(path)")
    raw, _ = split_mask(values)
    if raw.dtype.kind not in "fiu":
        raise TypeError(
            f"{name}: expected real numbers, got dtype {raw.dtype}; pass an array of probabilities per pixel"
        )
    if raw.ndim != 1:
        raise ValueError(f"{name}: expected a 1-D array, got shape {raw.shape}; pass one map, or a list of maps")
    out, repaired = without_missing(values, name)
    if not repaired and out.size and out.min() >= 0 and 0 < out.max() < _LIKE_A_MARK:
        return out, repaired
    infinite = np.flatnonzero(np.isinf(out))
    if infinite.size:
        raise ValueError(f"{name}[{infinite[0]}] is infinite ({infinite.size} such values); replace them before use")
    out[np.isnan(out)] = 0.0
    low = np.flatnonzero(out < 0)
    if low.size:
        repaired["negative"] = int(low.size)
        # in units of the largest, for what a transfer as text has made of the numbers has no finite sum
        scale = float(np.abs(out).max())
        below, above = -float((out[low] / scale).sum()), float((out[out > 0] / scale).sum())
        if above and below > _MOST_BELOW * above:
            raise ValueError(
                f"{name}: {low.size} of {out.size} values are negative, in all {below / above:.3g} times the "
                "positive ones: this is no probability (its logarithm, or a difference?); give np.exp of one, "
                "or set to 0 what should be"
            )
        out[low] = 0.0
    _refuse_marks(out, name)
    if not out.any():
        detail = ", ".join(f"{n} {reason}" for reason, n in repaired.items()) or "all are 0"
        raise ValueError(f"{name}: no value is larger than 0 ({detail}); a prior needs at least one positive pixel")
    return out, repaired


def _refuse_marks(values: F64, name: str) -> None:
    """Values beyond any probability that are alike are what somebody wrote where nothing was known (1e30, 9.97e36)."""
    top = float(values.max(initial=0.0))
    if top < _LIKE_A_MARK:
        return
    marked = values == top
    rest = float(values[~marked].max(initial=0.0))
    if np.count_nonzero(marked) > 1 and 0 < rest < top / _LIKE_A_MARK:
        raise ValueError(
            f"{name}: {np.count_nonzero(marked)} values are {top:.6g}, all others {rest:.3g} at most: is that the mark "
            "of pixels without a value? Set them to NaN or healpy.UNSEEN"
        )


def normalised(values: F64, *, own: bool = False) -> F64:
    """`values` with sum 1; safe for sums that overflow and for values near the smallest number there is.

    A map whose sum is 1 within 1e-13 is kept to the bit: writing, reading and converting do not change its hash.

    Parameters
    ----------
    values : array
        Not negative.
    own : bool
        Nobody else has the array: it is changed and given back, not copied.

    Examples
    --------
    >>> normalised(np.array([1e308, 1e308])).tolist()
    [0.5, 0.5]
    """
    with np.errstate(over="ignore"):
        total = values.sum()
    out: F64
    if abs(total - 1.0) <= 1e-13:
        out = values if own else np.array(values, dtype=np.float64)
    else:
        with np.errstate(under="ignore"):
            out = np.divide(values, values.max(), out=values if own else None)
            out /= out.sum()
    out.setflags(write=False)
    return out


@dataclass(frozen=True, eq=False, repr=False)
class SkyMap:
    """A flat map: probability per pixel of one nside.

    Parameters
    ----------
    probability : (npix,) array
        RING, equatorial, not negative; is normalised.
    record : MapRecord
        Where it came from.

    Examples
    --------
    >>> sky = SkyMap(np.arange(48.0))
    >>> sky.nside, float(sky.probability.sum().round(12))
    (2, 1.0)
    """

    probability: F64
    record: MapRecord = field(default_factory=MapRecord)

    def __post_init__(self) -> None:
        values, repaired = clean_values(self.probability)
        map_nside(values.size)
        object.__setattr__(self, "probability", normalised(values))
        if repaired:
            object.__setattr__(self, "record", replace(self.record, repaired={**self.record.repaired, **repaired}))

    @classmethod
    def of_clean(cls, values: F64, record: MapRecord) -> SkyMap:
        """A map of what `clean_values` gave, an array that nobody else has: it becomes the map, without a copy."""
        map_nside(values.size)
        new = object.__new__(cls)
        object.__setattr__(new, "probability", normalised(values, own=True))
        object.__setattr__(new, "record", record)
        return new

    @property
    def map(self) -> F64:
        """Same as `probability`."""
        return self.probability

    @property
    def nside(self) -> int:
        """Resolution."""
        return map_nside(self.probability.size)

    @property
    def frame(self) -> Frame:
        """Always ``"equatorial"``; the frame of the source is in `record`."""
        return "equatorial"

    @property
    def peak(self) -> int:
        """RING pixel of the maximum."""
        return int(self.probability.argmax())

    def area(self, q: float) -> float:
        """Area, sr, of the smallest region that holds the probability `q`.

        Examples
        --------
        >>> round(SkyMap(np.ones(48)).area(0.5) / np.pi, 3)
        2.0
        """
        return region_area(self.probability, np.full(self.probability.size, 4 * np.pi / self.probability.size), q)

    def regrade(self, nside: int) -> SkyMap:
        """The same map at another nside, its probability conserved (see `nusky.maps.regrading.regrade`)."""
        return SkyMap(regrade(self.probability, nside), self.record)

    def __repr__(self) -> str:
        return f"SkyMap(nside={self.nside}, from {self.record.source})"


def smallest_region(probability: F64, q: float, cell_area: F64 | None = None) -> I64:
    """Cells of the smallest region that holds the probability `q`, by falling density; of equal ones the first.

    Parameters
    ----------
    probability : (N,) array
        Need not be normalised; cells without any are never taken.
    q : float
        0 < q ≤ 1. For 1: every cell with some probability.
    cell_area : (N,) array, optional
        Of cells of unlike size.

    Returns
    -------
    (n,) int64

    Examples
    --------
    >>> smallest_region(np.array([0.1, 0.5, 0.4]), 0.9).tolist()
    [1, 2]
    """
    density = probability if cell_area is None else probability / cell_area
    positive = np.flatnonzero(probability > 0)
    along = positive[np.argsort(-density[positive], kind="stable")]
    if q >= 1.0:
        return along
    total = np.cumsum(probability[along])
    # 0.5 + 0.4 must count as 0.9: compare with room for the rounding of the sum
    return along[: int(np.searchsorted(total, q * total[-1] * (1.0 - 1e-12))) + 1]


def region_area(probability: F64, cell_area: F64, q: float) -> float:
    """Area, sr, of the smallest region that holds the probability `q`.

    Examples
    --------
    >>> region_area(np.array([0.5, 0.3, 0.2]), np.array([1.0, 0.1, 1.0]), 0.8)
    1.1
    """
    q = check_fraction("q", in_unit("q", q, ""))
    return float(cell_area[smallest_region(probability, q, cell_area)].sum())
