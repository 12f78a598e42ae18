"""The likelihood of a source that follows a light curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky import _core
from nusky.arrays import Arrays
from nusky.data import Uptime
from nusky.flares.model import FlareModel
from nusky.flares.reading import FlareReading
from nusky.transients import CurveWindow, LightCurve
from nusky.trial import Fit
from nusky.typing import F64

__all__ = ["LightCurveModel", "LightCurveReading"]


@dataclass(frozen=True, eq=False, kw_only=True)
class LightCurveModel(FlareModel):
    """ln Λ(n_s, γ, thresh, lag): that of `FlareModel` with T_S from a light curve, T_S/T_B = s(t) T_k / ∫ s dt.

    Parameters
    ----------
    curve : LightCurve
    analysis, options, flare
        See `FlareModel`; of `flare` only `use_grl` and `extended` matter.

    Raises
    ------
    ValueError
        For a light curve of which nothing is in the uptime.
    """

    curve: LightCurve

    def __post_init__(self) -> None:
        super(FlareModel, self).__post_init__()
        low, high = self.curve.range_lag
        first, last = self.span
        if self.curve.edges[-1] + high <= first or self.curve.edges[0] + low >= last:
            raise ValueError(
                f"the light curve is that of MJD {self.curve.edges[0]:.4f} … {self.curve.edges[-1]:.4f}, the data are "
                f"those of {first:.4f} … {last:.4f}: its edges are in MJD, and it must overlap with the data"
            )
        up = [Uptime(*runs) for runs in self.runs]
        thresh = (self.curve.range_thresh or (0.0, 0.0))[0]
        lags = np.linspace(low, high, self.curve.n_seeds_lag)
        if not any(_integral(one, self.curve.window(thresh, lag)) > 0 for lag in lags.tolist() for one in up):
            raise ValueError(
                "the detector took no data while the light curve is above its threshold: lower range_thresh, or widen "
                "range_lag"
            )

    def as_dict(self) -> dict[str, Any]:
        """What is fitted: values JSON can hold."""
        curve = self.curve
        return {
            "shape": "lc",
            "edges": list(curve.edges),
            "values": list(curve.values),
            "range_thresh": list(curve.range_thresh or ()),
            "range_lag": list(curve.range_lag),
            "n_seeds": [curve.n_seeds_thresh, curve.n_seeds_lag],
            "use_grl": self.flare.use_grl,
            **({"extended": True} if self.flare.extended else {}),
        }

    @cached_property
    def flares(self) -> _core.Flares:
        """The search."""
        curve = self.curve
        given = {
            "edge": np.array(curve.edges),
            "value": np.array(curve.values),
            "range_thresh": curve.range_thresh,
            "range_lag": curve.range_lag,
            "n_thresh": curve.n_seeds_thresh,
            "n_lag": curve.n_seeds_lag,
        }
        return _core.Flares(
            self.likelihood, list(self.runs), dt_min=1e-6, dt_max=np.inf, threshold=1.0, penalty_days=0.0,
            gamma=self.fixed_gamma, curve=given,
        )  # fmt: skip


def _integral(uptime: Uptime, window: CurveWindow) -> float:
    return float(np.sum(window.elapsed(uptime.stop) - window.elapsed(uptime.start)))


@dataclass(frozen=True, eq=False)
class LightCurveReading(FlareReading):
    """ln Λ(n_s, γ) of one trial at one position with a light curve at some threshold and lag, see `FlareReading`."""

    shape: CurveWindow | None = None

    def window(self, thresh: float, lag: float) -> LightCurveReading:
        """The same at a threshold and a lag (days)."""
        assert isinstance(self.model, LightCurveModel)
        shape = self.model.curve.window(float(thresh), float(lag))
        if not any(_integral(Uptime(*runs), shape) > 0 for runs in self.model.runs):
            raise ValueError(f"the detector took no data while the light curve is above thresh={thresh:g}, lag={lag:g}")
        return replace(self, start=shape.start, stop=shape.stop, shape=shape)

    @property
    def penalty(self) -> float:
        """A light curve has none."""
        return 0.0

    def _integral(self, uptime: Uptime) -> float:
        if self.shape is None:
            raise TypeError("give thresh= and lag= (days), or window(thresh, lag)")
        return _integral(uptime, self.shape)

    def _profile(self, mjd: F64) -> F64:
        assert self.shape is not None
        return self.shape.profile(mjd)

    def get_minus_llh_ratio(  # type: ignore[override]
        self, ns: ArrayLike, gamma: float | None = None, *, thresh: float | None = None, lag: float = 0.0
    ) -> Any:
        """−ln Λ; `thresh` and `lag` where they are not chosen yet."""
        at = self if thresh is None else self.window(thresh, lag)
        return super(LightCurveReading, at).get_minus_llh_ratio(ns, gamma)

    def scan_ts(  # type: ignore[override]
        self, ns: ArrayLike, gamma: ArrayLike | None = None, *, thresh: float | None = None, lag: float = 0.0
    ) -> tuple[F64, list[F64]]:
        """2 ln Λ on a grid, see `LikelihoodReading.scan_ts`; `thresh`, `lag` where they are not chosen yet."""
        at = self if thresh is None else self.window(thresh, lag)
        return super(LightCurveReading, at).scan_ts(ns, gamma)

    def carrying(self, fit: Fit | None = None) -> Arrays:
        """The events that carry a fit, see `LikelihoodReading.carrying`; ``time`` is T_S/T_B."""
        best = self.fit() if fit is None else fit
        if self.shape is None and np.isfinite(best.thresh):
            return self.window(best.thresh, best.lag).carrying(best)
        return super().carrying(best)
