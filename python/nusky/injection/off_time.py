"""Background of a time window: off-time events brought into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky.sphere.sidereal import turned_with_earth
from nusky.trial.trial import Scramble
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.injection.seeding import BatchDraws, TrialDraws
    from nusky.transients.on_time import OnTime

__all__ = ["OffTimeEvents", "OffTimeInjector"]


class OffTimeEvents(NamedTuple):
    """Background events of one season in many trials, trial by trial.

    Attributes
    ----------
    ra : (N,) rad
    rows : (N,) int64
        Of the season's data.
    mjd : (N,) MJD
    first : (T + 1,) int64
        Trial t has the events ``first[t]`` … ``first[t + 1] - 1``.
    """

    ra: F64
    rows: I64
    mjd: F64
    first: I64


@dataclass(frozen=True, eq=False)
class OffTimeInjector:
    """Draws each season's events outside the window into it; the real events of the window are never used.

    Parameters
    ----------
    on_time : OnTime

    Examples
    --------
    >>> from nusky.injection.seeding import trial_draws
    >>> background = OffTimeInjector(on_time).scramble(trial_draws(1, 0))     # doctest: +SKIP
    >>> len(background[0]), background[0].mjd.min() >= on_time.window.start        # doctest: +SKIP
    (5, True)
    """

    on_time: OnTime

    def scramble(self, draws: TrialDraws) -> tuple[Scramble, ...]:
        """Background of one trial, see `draw`."""
        seasons = zip(self.on_time, self.draw(draws.batch), strict=True)
        return tuple(Scramble(on.season, events.ra, events.rows, events.mjd) for on, events in seasons)

    def draw(self, draws: BatchDraws) -> tuple[OffTimeEvents, ...]:
        """Background of many trials.

        For each season with uptime in the window: n ~ Poisson(N_b), n rows of the events outside (drawn with
        repetition: their distribution, not this sample, is the background), n times uniform over the uptime, and n
        right ascensions (``scramble="ra"``) or those that follow from the new times.
        """
        return tuple(self._season(k, draws) for k in range(len(self.on_time.seasons)))

    def truth(self) -> tuple[Scramble, ...]:
        """The real events of the window, where and when they are."""
        seasons = []
        for on in self.on_time:
            rows = on.on
            seasons.append(Scramble(on.season, on.season.data["ra"][rows], rows, on.season.data["mjd"][rows]))
        return tuple(seasons)

    def _season(self, k: int, draws: BatchDraws) -> OffTimeEvents:
        on = self.on_time.seasons[k]
        n = np.zeros(len(draws), dtype=np.int64)
        if on.active:
            n = draws.poisson("off_time_count", np.full((len(draws), 1), on.n_background), k)[:, 0]
        first = np.concatenate([[0], np.cumsum(n)])
        if not first[-1]:
            return OffTimeEvents(np.empty(0), np.empty(0, dtype=np.int64), np.empty(0), first)
        uniform = draws.uniforms("off_time", n, k)
        rows = on.off[(uniform[:, 0] * len(on.off)).astype(np.int64)]
        mjd = on.uptime.at(uniform[:, 1] * on.uptime.days)
        if self.on_time.options.scramble == "ra":
            ra = draws.right_ascensions(k, n)
        else:
            data = on.season.data
            ra = turned_with_earth(data["ra"][rows], data["mjd"][rows], mjd)
        return OffTimeEvents(ra, rows, mjd, first)
