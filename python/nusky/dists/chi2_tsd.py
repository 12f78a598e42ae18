"""`Chi2TSD`: trials with a fitted χ² tail, for thresholds and p-values beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from nusky.dists.chi2 import Chi2Tail, check_held, fit_chi2_tail
from nusky.dists.held_out import HeldOut, held_out
from nusky.dists.tail_choice import alternative_tails, choose_tail, spread
from nusky.dists.tsd import MIN_TAIL, TSD, finite
from nusky.typing import F64

__all__ = ["Chi2TSD"]


class Chi2TSD(TSD):
    """`TSD` that keeps its trials and adds a χ² fitted to those above `threshold`.

    The threshold is chosen by the trials: the lowest above which the χ² describes them. Errors hold, besides the
    statistical one, what other thresholds and forms of a tail that agree with the trials say differently (see
    `nusky.dists.tail_choice`); `held_out` compares the tail with trials it was not fitted to.

    Parameters
    ----------
    values, n_zero
        As for `TSD`.
    threshold : float, optional
        Fit the trials with TS > threshold; None (default) lets the trials choose, and of a χ² with fitted degrees of
        freedom and a scaled χ²₁ the second where the first does not describe them.
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
    Chi2TSD(2000 trials, eta=0.500, ndof=0.986, median=0.000 (from fit 0.000), extrapolated above TS 7.29)
    >>> float(bg.isf_nsigma(5)) > 20, bool(bg.is_extrapolated(25.0))
    (True, True)
    """

    _fits_tail: ClassVar[bool] = True

    def __init__(
        self,
        values: Any,
        n_zero: int = 0,
        threshold: float | None = None,
        *,
        floc: float = 0.0,
        fscale: float | None = 1.0,
        fdf: float | None = None,
    ) -> None:
        super().__init__(values, n_zero)
        if threshold is not None and not (np.isfinite(threshold) and threshold >= 0):
            raise ValueError(f"threshold = {threshold}: the tail is fitted to TS above a number >= 0, or None")
        check_held(threshold, floc, fscale, fdf)
        self.fit_options: Mapping[str, float | None] = {
            "threshold": threshold,
            "floc": floc,
            "fscale": fscale,
            "fdf": fdf,
        }

    @cached_property
    def tail(self) -> Chi2Tail | None:
        """The fitted tail; None where too few trials are above the threshold."""
        return self._fitted(self._nonzero, self.n_total)

    def _fitted(self, values: F64, n_total: int) -> Chi2Tail | None:
        options = self.fit_options
        loc, scale, ndof = options["floc"] or 0.0, options["fscale"], options["fdf"]
        if options["threshold"] is None:
            return choose_tail(values, n_total, loc=loc, scale=scale, ndof=ndof)
        return fit_chi2_tail(values, n_total, threshold=options["threshold"], loc=loc, scale=scale, ndof=ndof)

    @cached_property
    def alternatives(self) -> tuple[Chi2Tail, ...]:
        """Tails of other thresholds and forms that agree with the trials: their spread is the systematic error."""
        return () if self.tail is None else alternative_tails(self._nonzero, self.n_total, self.tail)

    @cached_property
    def held_out(self) -> HeldOut:
        """Trials counted against what tails expect that were fitted, in the same way, to other trials."""
        return held_out(self._nonzero, self.n_zero, self._fitted)

    def sf_systematic(self, x: ArrayLike) -> F64:
        """Systematic error of the tail's `sf`: how much thresholds and forms that agree with the trials differ."""
        x = finite(x)
        tail = self._require_tail()
        inside = np.maximum(x, tail.threshold)
        return np.where(x >= tail.threshold, tail.sf(inside) * spread(tail, self.alternatives, inside), 0.0)

    @property
    def threshold(self) -> float:
        """TS above which the tail was fitted (NaN without one)."""
        return self.tail.threshold if self.tail else float("nan")

    @property
    def ndof(self) -> float:
        """Degrees of freedom of the tail (NaN without one)."""
        return self.tail.ndof if self.tail else float("nan")

    @property
    def loc(self) -> float:
        """Origin of the tail (NaN without one)."""
        return self.tail.loc if self.tail else float("nan")

    @property
    def scale(self) -> float:
        """Scale of the tail (NaN without one)."""
        return self.tail.scale if self.tail else float("nan")

    @property
    def reach(self) -> float:
        """TS up to which trials are counted; fewer than `MIN_TAIL` lie above, where `sf` is the tail's."""
        last = float(self._order_statistic(np.asarray(max(self.n_total - MIN_TAIL, 0))))
        return max(last, self.threshold) if self.tail else last

    def _rows(self) -> list[tuple[str, Any]]:
        return [*super()._rows(), ("extrapolated", f"above TS {self.reach:.2f}" if self.tail else None)]

    def pdf(self, x: ArrayLike) -> F64:
        """Density of the fitted tail, normalised to all trials; NaN below its threshold."""
        return self._require_tail().pdf(finite(x))

    @property
    def description(self) -> str:
        """That of a `TSD`, and how the tail does with trials it was not fitted to."""
        compared = self.held_out
        rows = f"\nTail of one half of the trials against the other:\n{compared}" if len(compared.ts) else ""
        return super().description + rows

    def _about(self) -> dict[str, Any]:
        return {**super()._about(), "fit": dict(self.fit_options)}

    def __repr__(self) -> str:
        if self.tail is None:
            return f"Chi2TSD({self.n_total} trials, eta={self.eta:.3f}, no fit, median={self.median():.3f})"
        return (
            f"Chi2TSD({self.n_total} trials, eta={self.eta:.3f}, ndof={self.ndof:.3f}, "
            f"median={self.median():.3f} (from fit {self.median(fit=True):.3f}), "
            f"extrapolated above TS {self.reach:.2f})"
        )
