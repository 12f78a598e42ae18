"""`LightCurveTrialRunner`: a source that follows a light curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.flares import FlareFound, LightCurveModel, LightCurveReading
from nusky.hypotheses.flare import FlareTrialRunner
from nusky.transients import LightCurve
from nusky.trial.fit import result_columns
from nusky.trial.trial import as_trial

if TYPE_CHECKING:
    from nusky.trial.fit import Fit
    from nusky.trial.trial import Trial

__all__ = ["LightCurveTrialRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LightCurveTrialRunner(FlareTrialRunner):
    """Trials of one source that follows a light curve: fit n_s, γ, threshold and lag.

    Parameters
    ----------
    curve : LightCurve
    flare : FlareOptions
        Only its `use_grl` and `extended` matter.
    signal_window, src, analysis, likelihood, injection, mp_cpus, ts_to_p
        See `FlareTrialRunner`.

    Examples
    --------
    >>> import nusky as cy                                                                      # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=src, ana=ana, time="lc", lcs=(edges, flux), sig="lc")      # doctest: +SKIP
    >>> ts, ns, gamma, thresh, lag = tr.get_one_fit(10, seed=1)                                 # doctest: +SKIP
    """

    curve: LightCurve

    @cached_property
    def model(self) -> LightCurveModel:
        """The likelihood of the analysis with the light curve."""
        return LightCurveModel(self.analysis, self.likelihood, flare=self.flare, curve=self.curve)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of `get_many_fits` and of a fit's array view."""
        return (*result_columns(sky=False, gamma_free=self.likelihood.mode == "fit"), "thresh", "lag")

    def _t0_of(self, rows: NDArray[np.void]) -> None:
        """The core gives threshold and lag."""

    def _numbers(self, found: FlareFound) -> tuple[float, ...]:
        gamma = (found.gamma,) if self._gamma_free else ()
        return (found.ts, found.ns, *gamma, found.start, found.stop)

    def _fit_of_found(self, found: FlareFound, trial: Trial) -> Fit:
        fit = self._fit_of(self._row(found.ts, found.ns, found.gamma, found.status), trial)
        flare = {**self.model.as_dict(), "uptime": found.days}
        return replace(fit, columns=self.columns, thresh=found.start, lag=found.stop, flare=flare)

    def get_one_llh_from_trial(self, trial: Any) -> LightCurveReading:
        """The likelihood of a trial, to be read at any parameters: ``scan_ts(ns, gamma, thresh=, lag=)``."""
        made = as_trial(trial, len(self.analysis))
        ra, dec = float(self.src.ra[0]), float(self.src.dec[0])
        return LightCurveReading(self.model, made, ra, dec, partial(self.get_one_fit_from_trial, made))
