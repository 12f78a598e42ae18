"""Spatial priors: a sky map and the policy that turns it into the prior term of the test statistic.

TS_prior(x) = TS(x) + w · ln( p(x) / p_max )          p_max over the whole map (docs/statistics)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.maps import (
    MapRecord,
    MultiOrderMap,
    SkyMap,
    clean_values,
    is_table,
    kind_of_quantity,
    normalised,
    read_sky_map,
    regrade,
    rotate,
)
from nusky.priors.policy import FLOOR_DEPTH, PriorPolicy
from nusky.sphere import check_nest, map_nside, map_object

if TYPE_CHECKING:
    from nusky.typing import F64

__all__ = ["SpatialPrior", "as_priors"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class SpatialPrior:
    """A normalised full-sky map and its prior term.

    Parameters
    ----------
    map : (npix,) array or object with ``.map``
        Values proportional to the probability per pixel, full sky. Overall scale does not matter. Negative, NaN, masked
        and unseen values count as 0 and are counted in `repaired`.
    nest : bool
        The array is in NESTED order (default RING).
    policy : PriorPolicy
        Weight, zero rule, regrade and frame.

    Attributes
    ----------
    nside : int
    probability : (npix,) float64
        RING, equatorial, sum 1.
    peak : int
        RING pixel of the maximum (lowest index if several).
    lowest : float
        ln(p / p_max) of the smallest positive value.
    deep : (npix,) float64 or None
        ln(p / p_max) of a map that reaches below what a float64 probability can hold, else None.
    n_excluded : int
        Pixels with p = 0.
    repaired : dict of str to int
        What was repaired, by reason.
    policy : PriorPolicy
    content_hash : str
        SHA-256 of nside and probability: names the map in stored results (the policy is stored beside it).
    record : MapRecord or None
        For maps from `read_sky_map`: file, kind and frame as read, and what was repaired; None for plain arrays in
        which nothing was.

    Raises
    ------
    ValueError
        Length that is no full sky, infinite values, nothing positive.
    TypeError
        Values that are no real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> prior = SpatialPrior(np.r_[4.0, 1.0, np.zeros(10)])
    >>> prior.nside, prior.peak, prior.term[:3].round(3).tolist()
    (1, 0, [0.0, -2.773, -inf])
    """

    nside: int
    probability: F64
    peak: int
    lowest: float
    deep: F64 | None
    n_excluded: int
    repaired: dict[str, int]
    policy: PriorPolicy
    content_hash: str = field(default="")
    record: MapRecord | None = None

    def __init__(self, map: Any, *, nest: bool = False, policy: PriorPolicy | None = None) -> None:
        nest = bool(check_nest(nest))
        policy = PriorPolicy() if policy is None else policy
        if not isinstance(policy, PriorPolicy):
            raise TypeError(f"policy: expected a PriorPolicy, got {type(policy).__name__}")
        if isinstance(map, SpatialPrior) and policy.regrade in (None, map.nside):
            # Only the policy is new: the map keeps its values, and therefore its hash, to the last bit.
            deep, probability, repaired = map.deep, map.probability, map.repaired
            peak, lowest, n_excluded = map.peak, map.lowest, map.n_excluded
        else:
            if _knows_itself(map):
                map = read_sky_map(map, nest=nest or None)
            values, repaired = _ring_values(map, nest, policy)
            probability = normalised(values)
            positive = values > 0
            n_excluded = int(values.size - np.count_nonzero(positive))
            ratio = np.full(values.size, -np.inf)
            np.log(values, out=ratio, where=positive)
            ratio -= ratio.max()
            peak, lowest = int(values.argmax()), float(ratio[positive].min())
            # Real maps reach 1e-323, where dividing by the sum loses what is left: such a map keeps its logarithms.
            lost = positive & (probability < np.finfo(np.float64).tiny)
            deep = _frozen(ratio) if lost.any() else None
        for name, value in (
            ("nside", map_nside(probability.size)),
            ("probability", probability),
            ("peak", peak),
            ("lowest", lowest),
            ("deep", deep),
            ("n_excluded", n_excluded),
            ("repaired", repaired),
            ("policy", policy),
            ("content_hash", _hash(probability)),
            ("record", getattr(map, "record", None) if isinstance(map, _READ) else _mended(map, repaired)),
        ):
            object.__setattr__(self, name, value)

    @property
    def term(self) -> F64:
        """(npix,) ``w ln(p / p_max)`` ≤ 0; −inf where excluded, or the floor's value. Computed at each call.

        A catalogue of a thousand maps would otherwise take twice the memory.
        """
        return _frozen(self.term_at(slice(None)))

    def term_at(self, pixels: Any) -> F64:
        """Terms of some pixels only.

        Parameters
        ----------
        pixels : (n,) RING indices or slice
        """
        if self.deep is not None:
            term: F64 = self.policy.weight * self.deep[pixels]
        else:
            p = self.probability[pixels]
            term = np.full(p.shape, -np.inf)
            np.log(p, out=term, where=p > 0)
            term -= np.log(self.probability[self.peak])
            term *= self.policy.weight
        if self.policy.zero == "floor" and self.n_excluded:
            term[np.isneginf(term)] = self.policy.weight * (self.lowest - FLOOR_DEPTH)
        return term

    @property
    def map(self) -> F64:
        """Same as `probability`: a prior can be given wherever an object with ``.map`` can."""
        return self.probability

    @property
    def npix(self) -> int:
        """Number of pixels of the full sky."""
        return int(self.probability.size)

    def __repr__(self) -> str:
        repairs = "".join(f", {n} {reason}" for reason, n in self.repaired.items())
        return (
            f"SpatialPrior(nside={self.nside}, peak={self.peak}, {self.n_excluded} pixels at 0{repairs}, "
            f"weight={self.policy.weight:g}, zero={self.policy.zero!r})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpatialPrior):
            return NotImplemented
        return self.content_hash == other.content_hash and self.policy == other.policy

    def __hash__(self) -> int:
        return hash((self.content_hash, self.policy))


# Maps that are equatorial and RING already, and know where they come from
_READ = (SkyMap, MultiOrderMap, SpatialPrior)


def as_priors(llh_priors: Any, nest: bool = False, policy: PriorPolicy | None = None) -> tuple[SpatialPrior, ...]:
    """Priors from what a user gives: one map, an object with ``.map``, or a list of them.

    Parameters
    ----------
    llh_priors : array (npix,) or (J, npix), object with ``.map``, SpatialPrior, or a sequence of these
    nest : bool
        Arrays are in NESTED order.
    policy : PriorPolicy, optional
        Default `PriorPolicy()`; a `SpatialPrior` keeps its own unless a policy is given here.

    Returns
    -------
    tuple of SpatialPrior
        All of the same nside.

    Raises
    ------
    ValueError
        No prior, maps of different nside and no ``policy.regrade``, or priors of different weight or zero rule.

    Examples
    --------
    >>> import numpy as np
    >>> len(as_priors([np.ones(12), np.arange(12.0)]))
    2
    """
    items = _one_by_one(llh_priors)
    if not items:
        raise ValueError("llh_priors is empty; give at least one map")
    priors = []
    for j, item in enumerate(items):
        if isinstance(item, SpatialPrior) and (policy is None or policy == item.policy):
            priors.append(item)
            continue
        try:
            priors.append(SpatialPrior(item, nest=nest, policy=policy))
        except (TypeError, ValueError) as error:
            rows = f" (a row of {np.shape(llh_priors)})" if getattr(llh_priors, "ndim", 1) == 2 else ""
            raise type(error)(f"llh_priors[{j}]{rows}: {error}") from error
    sizes = sorted({prior.nside for prior in priors})
    if len(sizes) > 1:
        raise ValueError(
            f"llh_priors have different nside {sizes}; bring them to one with PriorPolicy(regrade={sizes[-1]})"
        )
    rules = {(prior.policy.weight, prior.policy.zero) for prior in priors}
    if len(rules) > 1:
        raise ValueError(
            f"llh_priors have different weights or zero rules {sorted(rules)}; give one policy for all of them"
        )
    return tuple(priors)


def _knows_itself(map: Any) -> bool:
    """Whether an object of another package says how its pixels are ordered and turned."""
    if isinstance(map, (_READ, np.ndarray, list)) or is_table(map):
        return False
    found = map_object(map)
    return found.nest is not None or found.frame is not None or found.uniq is not None


def _mended(map: Any, repaired: dict[str, int]) -> MapRecord | None:
    """A record of what was set to 0 in a map that has none of its own."""
    return MapRecord(type(map).__name__, repaired=repaired) if repaired else None


def _one_by_one(llh_priors: Any) -> Sequence[Any]:
    if isinstance(llh_priors, SpatialPrior) or hasattr(llh_priors, "map"):
        return [llh_priors]
    if not isinstance(llh_priors, (np.ndarray, list)) and not is_table(llh_priors):
        found = map_object(llh_priors)
        if found.values is not llh_priors:
            return [llh_priors]
    if isinstance(llh_priors, np.ndarray) and not llh_priors.dtype.names:
        return list(llh_priors) if llh_priors.ndim == 2 else [llh_priors]
    if isinstance(llh_priors, (str, os.PathLike)):
        raise TypeError(
            f"llh_priors: got the text {os.fspath(llh_priors)!r}; read a file with nusky.priors.read_sky_map(path)"
        )
    if is_table(llh_priors):
        raise TypeError(
            f"llh_priors: got {type(llh_priors).__name__}, a file or table; read it with nusky.priors.read_sky_map(…)"
        )
    if not isinstance(llh_priors, Iterable):
        raise TypeError(f"llh_priors: expected a map or a list of maps, got {type(llh_priors).__name__}")
    items = list(llh_priors)
    if items and all(isinstance(item, (int, float, np.number)) for item in items):
        return [np.asarray(items)]
    return items


def _ring_values(map: Any, nest: bool, policy: PriorPolicy) -> tuple[F64, dict[str, int]]:
    """Clean RING equatorial values at the policy's nside, before normalisation."""
    if isinstance(map, _READ):
        # These are equatorial RING and clean already. Multi-order maps may be too fine to exist at their own nside.
        if policy.regrade is not None and not isinstance(map, SpatialPrior):
            map = map.regrade(policy.regrade)
        repaired_before = map.repaired if isinstance(map, SpatialPrior) else map.record.repaired
        values, repaired = map.map, dict(repaired_before)
        frame = "equatorial"
    else:
        if is_table(map):
            what = f"the text {os.fspath(map)!r}" if isinstance(map, (str, os.PathLike)) else type(map).__name__
            raise TypeError(f"map: got {what}; read a file with nusky.priors.read_sky_map(path)")
        raw = map_object(map).values
        kind_of_quantity(raw, "map")  # a density is as good as a probability here: pixels are of one size
        values, repaired = clean_values(raw)
        frame = policy.frame
        if nest:
            import healpy

            values = values[healpy.ring2nest(map_nside(values.size), np.arange(values.size))]
    map_nside(values.size)
    if frame != "equatorial":
        values = rotate(values, frame)
    if policy.regrade is not None and policy.regrade != map_nside(values.size):
        values = regrade(values, policy.regrade)
    return values, repaired


def _frozen(values: F64) -> F64:
    values.setflags(write=False)
    return values


def _hash(probability: F64) -> str:
    digest = hashlib.sha256(f"nusky prior 1, {probability.size} pixels RING float64\n".encode())
    digest.update(np.ascontiguousarray(probability, dtype="<f8").tobytes())
    return digest.hexdigest()
