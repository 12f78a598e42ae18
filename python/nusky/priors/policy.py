"""How a spatial prior enters the test statistic: weight, zero rule, regrade and frame, in one recordable value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from nusky.sphere.frames import Frame, resolve_frame
from nusky.sphere.healpix import check_nside

__all__ = ["FLOOR_DEPTH", "PriorPolicy", "ZeroRule"]

ZeroRule = Literal["exclude", "floor"]

# zero="floor": this far below the smallest positive value, in ln p (1e-10, csky's rule)
FLOOR_DEPTH = 10.0 * math.log(10.0)


@dataclass(frozen=True)
class PriorPolicy:
    """What is done to a prior map before and while it enters TS; written with every result.

    Parameters
    ----------
    weight : float
        w in ``TS_prior = TS + w ln(p / p_max)``. 2 (default) follows from TS = 2 ln(likelihood × prior); 1 reproduces
        csky of 2021–22. Larger than 0.
    zero : {"exclude", "floor"}
        Pixels with p ≤ 0 or NaN: ``"exclude"`` gives them the term −inf, they cannot win; ``"floor"`` gives them
        1e-10 of the smallest positive value (csky's rule), taken in log space.
    regrade : int or None
        Target nside: every map is first brought to it conservatively (the probability of a pixel is shared among its
        children, or children are summed). ``None``: the map is used at its own nside.
    frame : str
        Frame in which arrays are given; ``"galactic"`` and ``"ecliptic"`` maps are rotated to equatorial. Maps that
        know their own frame (from `read_sky_map`) are not affected.

    Examples
    --------
    >>> PriorPolicy().weight
    2.0
    >>> PriorPolicy.from_dict(PriorPolicy(weight=1.0, zero="floor").as_dict())
    PriorPolicy(weight=1.0, zero='floor', regrade=None, frame='equatorial')
    """

    weight: float = 2.0
    zero: ZeroRule = "exclude"
    regrade: int | None = None
    frame: Frame = "equatorial"

    def __post_init__(self) -> None:
        try:
            weight = float(self.weight)
        except (TypeError, ValueError):
            raise TypeError(f"weight: expected a number > 0, got {self.weight!r}") from None
        if not (math.isfinite(weight) and weight > 0):
            raise ValueError(
                f"weight={self.weight!r} must be finite and > 0; 2 is the likelihood's own, 1 is old csky's"
            )
        if self.zero not in ("exclude", "floor"):
            raise ValueError(f"zero={self.zero!r} is not known; use 'exclude' or 'floor'")
        object.__setattr__(self, "weight", weight)
        if self.regrade is not None:
            object.__setattr__(self, "regrade", check_nside(self.regrade, "regrade"))
        object.__setattr__(self, "frame", resolve_frame(self.frame))

    def as_dict(self) -> dict[str, Any]:
        """The policy as a dictionary of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PriorPolicy:
        """The policy that `as_dict` wrote.

        Raises
        ------
        KeyError
            For a key that is no field of the policy.
        """
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(values) - known)
        if unknown:
            raise KeyError(f"prior policy: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return cls(**values)
