"""The events that carry the fit of a follow-up."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.dists import counted_p
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.followup.search import Search
    from nusky.trial import Fit, Trial

__all__ = ["fitted_events"]

_PARTS = ("ra", "dec", "sigma", "separation", "log10energy", "space", "energy", "ratio", "ts")


def fitted_events(search: Search, trial: Trial, fit: Fit, background: F64, n: int = 20) -> tuple[dict[str, Any], ...]:
    """Events for which the source is likelier than background, the strongest first.

    Parameters
    ----------
    search : Search
    trial : Trial
    fit : Fit
        Its hottest spot.
    background : (m,) TS
        Of background trials, for the p-values of the events.
    n : int
        At most so many.

    Returns
    -------
    tuple of dict
        season; ra, dec, sigma, separation (deg, from the hottest spot); log10energy (GeV); dt (s after the trigger,
        None without trigger or times); s_over_b of direction, energy (R), and both; ts, what the event adds to the TS;
        p, in a time window: p-value of the search if this were the only event (None without a window).

    Examples
    --------
    >>> fitted_events(search, trial, fit, background)[0]["separation"]               # doctest: +SKIP
    0.41
    """
    if fit.ns <= 0 or not math.isfinite(fit.ra):
        return ()
    runner = search.runner
    table = runner.get_one_llh_from_trial(trial, fit.ra, fit.dec).carrying(fit)
    table = table[table["ratio"] > 1]
    rows = []
    for i in range(min(n, len(table))):
        row = {name: float(table[name][i]) for name in (*_PARTS, "season", "mjd")}
        mjd = search.target.mjd
        late = None if mjd is None or not math.isfinite(row["mjd"]) else (row["mjd"] - mjd) * 86_400
        rows.append({
            "season": runner.analysis.keys[int(row["season"])],
            **{name: math.degrees(row[name]) for name in ("ra", "dec", "sigma", "separation")},
            "log10energy": row["log10energy"], "dt": late, "s_over_b_direction": row["space"],
            "s_over_b_energy": row["energy"], "s_over_b": row["ratio"], "ts": row["ts"],
            "p": None if search.times is None else _alone(runner, trial, row, background),
        })  # fmt: skip
    return tuple(rows)


def _alone(runner: Any, trial: Trial, row: dict[str, float], background: F64) -> float:
    """p-value of the search if this event were the only one in the window."""
    seasons = []
    for k, ensembles in enumerate(trial.evss):
        own = ensembles[0]
        kept = own[:0]
        for events in ensembles if k == int(row["season"]) else ():
            same = (events["ra"] == row["ra"]) & (events["dec"] == row["dec"]) & (events["mjd"] == row["mjd"])
            if same.any():
                kept = events[np.flatnonzero(same)[:1]]
        seasons.append(kept)
    nothing = (None,) * len(seasons)
    one = dataclasses.replace(trial, background=tuple(seasons), injected=nothing, n_exs=(0,) * len(seasons))
    ts = runner.get_one_fit_from_trial(one).ts
    return float(counted_p(int(np.count_nonzero(background >= ts)), len(background)))
