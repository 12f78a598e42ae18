"""Trial-corrected p of the hottest spot: how often background scans have one as hot anywhere in the region."""

from __future__ import annotations

from numbers import Real
from typing import Any

from nusky.dists.description import signal_of
from nusky.dists.pvalue import PValue
from nusky.dists.tsd import TSD
from nusky.units import in_unit

__all__ = ["post_trial_p"]


def post_trial_p(observed: Any, background: Any, fit: bool | None = None) -> PValue:
    """Trial-corrected p of a hottest spot against those of background trials.

    Parameters
    ----------
    observed : float or Fit
        TS of the hottest spot; of a prior search's ``get_one_fit(TRUTH=True)``, say.
    background : TSD, or TS values
        Hottest spots of background trials of the **same** search: ``get_many_fits`` of the same runner, or
        `ScanLibrary.fit` with the same prior.
    fit : bool, optional
        Count (False), or extrapolate with a fitted tail where `background` is a `Chi2TSD`; see `nusky.dists`.

    Returns
    -------
    PValue

    Raises
    ------
    ValueError
        If both say what they were made with, and it is not the same; background trials with signal.
    TypeError
        The two in the other order.

    Examples
    --------
    >>> print(post_trial_p(9.0, [4.0, 8.0, 5.5, 9.5]))
    p = 0.4 +/- 0.22 (0.25 sigma; 1 at or above of 4 trials)
    """
    ours, theirs = getattr(observed, "config_hash", ""), getattr(background, "config_hash", "")
    if ours and theirs and ours != theirs:
        raise ValueError(
            f"the fit was made with the configuration {ours}, the background trials with {theirs}: their hottest spots "
            "cannot be compared; make background trials with the runner of the fit"
        )
    if hasattr(observed, "p_value") or isinstance(background, Real):
        raise TypeError("post_trial_p(observed, background): the TS that was found comes first, the trials second")
    injected = signal_of(background)
    if injected:
        raise ValueError(
            f"the trials given as background have n_sig = {injected:g} injected events; give get_many_fits(n)"
        )
    distribution = background if hasattr(background, "p_value") else TSD(background)
    p: PValue = distribution.p_value(float(in_unit("observed", getattr(observed, "ts", observed), "")), fit)
    return p
