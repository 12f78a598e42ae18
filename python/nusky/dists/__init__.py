"""Distributions of the test statistic and the p-values read off them.

Which one to use: `TSD` for trials as they are; `Chi2TSD` where a threshold or p-value beyond the trials is wanted (5σ
from 10⁴ trials): it keeps the trials and adds a fitted tail; `BinnedTSD` for so many trials that only a histogram is
kept.

Everywhere `fit` chooses what a number comes from: ``False`` the trials alone, ``True`` the fitted tail, ``None``
(default) the trials as far as they reach (`MIN_TAIL` of them at or above the point) and the tail beyond.
`is_extrapolated` and `PValue.extrapolated` say which it was.
"""

from __future__ import annotations

from nusky.dists.between import PValues, ts_to_p, ts_to_p_error
from nusky.dists.binned_tsd import BinnedTSD
from nusky.dists.chi2_tsd import Chi2TSD
from nusky.dists.post_trial import post_trial_p
from nusky.dists.pvalue import PValue, binomial_error, counted_p
from nusky.dists.reading import read_tsd
from nusky.dists.tsd import MIN_TAIL, TSD, ts_values

__all__ = [
    "MIN_TAIL",
    "TSD",
    "BinnedTSD",
    "Chi2TSD",
    "PValue",
    "PValues",
    "binomial_error",
    "counted_p",
    "post_trial_p",
    "read_tsd",
    "ts_to_p",
    "ts_to_p_error",
    "ts_values",
]
