"""`Chi2TSD`: trials with a fitted χ² tail, for thresholds and p-values beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nusky.dists.chi2 import Chi2Tail, fit_chi2_tail
from nusky.dists.tsd import TSD
from nusky.typing import F64

__all__ = ["Chi2TSD"]


class Chi2TSD(TSD):
    """`TSD` that keeps its trials and adds a χ² fitted to those above `threshold`.

    Parameters
    ----------
    values, n_zero
        As for `TSD`.
    threshold : float
        Fit the trials with TS > threshold.
    floc : float
        Origin of the χ².
    fscale, fdf : float or None
        Hold scale (default 1) or ndof (default None: fitted) at a value; None fits it.

    Examples
    --------
    >>> import numpy as np
    >>> ts = np.random.default_rng(1).chisquare(1, 2000) * (np.arange(2000) % 2)
    >>> bg = Chi2TSD(ts)
    >>> bg
    Chi2TSD(2000 trials, eta=0.500, ndof=0.986, median=0.000 (from fit 0.000))
    >>> float(bg.isf_nsigma(5)) > 20, bool(bg.is_extrapolated(25.0))
    (True, True)
    """

    _fits_tail: ClassVar[bool] = True

    def __init__(
        self,
        values: Any,
        n_zero: int = 0,
        threshold: float = 0.0,
        *,
        floc: float = 0.0,
        fscale: float | None = 1.0,
        fdf: float | None = None,
    ) -> None:
        super().__init__(values, n_zero)
        if not (np.isfinite(threshold) and threshold >= 0):
            raise ValueError(f"threshold = {threshold}: the tail is fitted to TS above a number >= 0")
        self._tail = fit_chi2_tail(self._nonzero, self.n_total, threshold=threshold, loc=floc, scale=fscale, ndof=fdf)
        self.fit_options: Mapping[str, float | None] = {
            "threshold": threshold,
            "floc": floc,
            "fscale": fscale,
            "fdf": fdf,
        }

    @property
    def tail(self) -> Chi2Tail | None:
        """The fitted tail; None where too few trials are above the threshold."""
        return self._tail

    @property
    def ndof(self) -> float:
        """Degrees of freedom of the tail (NaN without one)."""
        return self._tail.ndof if self._tail else float("nan")

    @property
    def loc(self) -> float:
        """Origin of the tail (NaN without one)."""
        return self._tail.loc if self._tail else float("nan")

    @property
    def scale(self) -> float:
        """Scale of the tail (NaN without one)."""
        return self._tail.scale if self._tail else float("nan")

    def pdf(self, x: ArrayLike) -> F64:
        """Density of the fitted tail, normalised to all trials; NaN below its threshold."""
        return self._require_tail().pdf(x)

    def _about(self) -> dict[str, Any]:
        return {**super()._about(), "fit": dict(self.fit_options)}

    def __repr__(self) -> str:
        if self._tail is None:
            return f"Chi2TSD({self.n_total} trials, eta={self.eta:.3f}, no fit, median={self.median():.3f})"
        return (
            f"Chi2TSD({self.n_total} trials, eta={self.eta:.3f}, ndof={self.ndof:.3f}, "
            f"median={self.median():.3f} (from fit {self.median(fit=True):.3f}))"
        )
