"""Spatial priors: a sky map and the policy that turns it into the prior term of the test statistic.

TS_prior(x) = TS(x) + w · ln( p(x) / p_max )          p_max over the whole map (docs/statistics)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.policy import PriorPolicy
from nusky.regrade import map_nside, regrade, rotate

if TYPE_CHECKING:
    F64 = NDArray[np.float64]

__all__ = ["PriorPolicy", "SpatialPrior", "as_priors", "clean_values"]

# healpy's mark of an unobserved pixel (-1.6375e30), read from any map stored in float32 or float64
_UNSEEN = -1.6375e30
# zero="floor": this far below the smallest positive value, in ln p (1e-10, csky's rule)
_FLOOR_DEPTH = 10.0 * np.log(10.0)


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
        Counts by reason: ``"negative"``, ``"nan"``, ``"masked"``, ``"unseen"``; only those that occurred.

    Raises
    ------
    TypeError, ValueError
        Not numeric, not 1-D, infinite, or nothing positive left.

    Examples
    --------
    >>> clean_values([1.0, -2.0, float("nan")])
    (array([1., 0., 0.]), {'negative': 1, 'nan': 1})
    """
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    raw = np.asarray(values)
    if raw.dtype.kind not in "fiu":
        raise TypeError(
            f"{name}: expected real numbers, got dtype {raw.dtype}; pass an array of probabilities per pixel"
        )
    if raw.ndim != 1:
        raise ValueError(f"{name}: expected a 1-D array, got shape {raw.shape}; pass one map, or a list of maps")
    out = np.array(raw, dtype=np.float64)
    repaired: dict[str, int] = {}
    if mask is not None and mask.any():
        repaired["masked"] = int(mask.sum())
        out[mask] = 0.0
    infinite = np.flatnonzero(np.isinf(out))
    if infinite.size:
        raise ValueError(f"{name}[{infinite[0]}] is infinite ({infinite.size} such values); replace them before use")
    unseen = np.isclose(out, _UNSEEN, rtol=1e-6, atol=0.0)
    for reason, bad in (("unseen", unseen), ("negative", (out < 0) & ~unseen), ("nan", np.isnan(out))):
        count = int(bad.sum())
        if count:
            repaired[reason] = count
            out[bad] = 0.0
    if not out.any():
        detail = ", ".join(f"{n} {reason}" for reason, n in repaired.items()) or "all are 0"
        raise ValueError(f"{name}: no value is larger than 0 ({detail}); a prior needs at least one positive pixel")
    return out, repaired


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
    term : (npix,) float64
        ``w ln(p / p_max)`` ≤ 0; −inf where excluded (or the floor's value).
    peak : int
        RING pixel of the maximum (lowest index if several).
    n_excluded : int
        Pixels with p = 0.
    repaired : dict of str to int
        What was mended, by reason.
    policy : PriorPolicy
    content_hash : str
        SHA-256 of nside and probability: names the map in stored results (the policy is stored beside it).

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
    term: F64
    peak: int
    n_excluded: int
    repaired: dict[str, int]
    policy: PriorPolicy
    content_hash: str = field(default="")

    def __init__(self, map: Any, *, nest: bool = False, policy: PriorPolicy | None = None) -> None:
        policy = PriorPolicy() if policy is None else policy
        if not isinstance(policy, PriorPolicy):
            raise TypeError(f"policy: expected a PriorPolicy, got {type(policy).__name__}")
        if isinstance(map, SpatialPrior) and policy.regrade in (None, map.nside):
            # Only the policy is new: the map keeps its values, and therefore its hash, to the last bit.
            log_ratio, probability, repaired = _log_ratio_of(map), map.probability, map.repaired
        else:
            values, repaired = _ring_values(map, nest, policy)
            # Logarithms of the values as given: real maps reach 1e-323, where dividing by the sum loses what is left.
            log_ratio = np.full(values.size, -np.inf)
            np.log(values, out=log_ratio, where=values > 0)
            log_ratio -= log_ratio.max()
            probability = values / values.max()
            probability /= probability.sum()
        peak = int(log_ratio.argmax())
        excluded = np.isneginf(log_ratio)
        term = policy.weight * log_ratio
        if policy.zero == "floor":
            term[excluded] = term[~excluded].min() - policy.weight * _FLOOR_DEPTH
        for name, value in (
            ("nside", map_nside(term.size)),
            ("probability", _frozen(probability)),
            ("term", _frozen(term)),
            ("peak", peak),
            ("n_excluded", int(excluded.sum())),
            ("repaired", repaired),
            ("policy", policy),
            ("content_hash", _hash(probability)),
        ):
            object.__setattr__(self, name, value)

    @property
    def map(self) -> F64:
        """Same as `probability`: a prior can be given wherever an object with ``.map`` can."""
        return self.probability

    @property
    def npix(self) -> int:
        """Number of pixels of the full sky."""
        return int(self.probability.size)

    def __repr__(self) -> str:
        mended = "".join(f", {n} {reason}" for reason, n in self.repaired.items())
        return (
            f"SpatialPrior(nside={self.nside}, peak={self.peak}, {self.n_excluded} pixels at 0{mended}, "
            f"weight={self.policy.weight:g}, zero={self.policy.zero!r})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpatialPrior):
            return NotImplemented
        return self.content_hash == other.content_hash and self.policy == other.policy

    def __hash__(self) -> int:
        return hash((self.content_hash, self.policy))


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
        No prior, or maps of different nside and no ``policy.regrade``.

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
            raise type(error)(f"llh_priors[{j}]: {error}") from error
    sizes = sorted({prior.nside for prior in priors})
    if len(sizes) > 1:
        raise ValueError(
            f"llh_priors have different nside {sizes}; bring them to one with PriorPolicy(regrade={sizes[-1]})"
        )
    return tuple(priors)


def _one_by_one(llh_priors: Any) -> Sequence[Any]:
    if isinstance(llh_priors, SpatialPrior) or hasattr(llh_priors, "map"):
        return [llh_priors]
    if isinstance(llh_priors, np.ndarray):
        return list(llh_priors) if llh_priors.ndim == 2 else [llh_priors]
    if isinstance(llh_priors, (str, bytes)):
        raise TypeError(f"llh_priors: got the text {llh_priors!r}; read a file with nusky.priors.read_sky_map(path)")
    if not isinstance(llh_priors, Iterable):
        raise TypeError(f"llh_priors: expected a map or a list of maps, got {type(llh_priors).__name__}")
    items = list(llh_priors)
    if items and all(isinstance(item, (int, float, np.number)) for item in items):
        return [np.asarray(items)]
    return items


def _log_ratio_of(prior: SpatialPrior) -> F64:
    """ln(p / p_max) of an existing prior, −inf at its excluded pixels whatever its zero rule was."""
    log_ratio: F64 = prior.term / prior.policy.weight
    if prior.policy.zero == "floor" and prior.n_excluded:
        log_ratio[prior.term == prior.term.min()] = -np.inf
    return log_ratio


def _ring_values(map: Any, nest: bool, policy: PriorPolicy) -> tuple[F64, dict[str, int]]:
    """Clean RING equatorial values at the policy's nside, before normalisation."""
    # Objects that know their frame (SkyMap, SpatialPrior) are equatorial RING already.
    own_frame = isinstance(getattr(map, "frame", None), str) or isinstance(map, SpatialPrior)
    values, repaired = clean_values(getattr(map, "map", map))
    nside = map_nside(values.size)
    if nest and not own_frame:
        import healpy

        values = values[healpy.ring2nest(nside, np.arange(values.size))]
    if policy.frame != "equatorial" and not own_frame:
        values = rotate(values, policy.frame)
    if policy.regrade is not None and policy.regrade != nside:
        values = regrade(values, policy.regrade)
    return values, repaired


def _frozen(values: F64) -> F64:
    values.setflags(write=False)
    return values


def _hash(probability: F64) -> str:
    digest = hashlib.sha256(f"nusky prior 1, {probability.size} pixels RING float64\n".encode())
    digest.update(np.ascontiguousarray(probability, dtype="<f8").tobytes())
    return digest.hexdigest()
