"""`SimulatedBackground`: background trials drawn from weighted simulation, in the place of scrambled data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.events import Events
from nusky.injection.background import BackgroundInjector
from nusky.injection.seeding import TrialDraws
from nusky.trial.trial import Scramble
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.analysis.season import SubAnalysis

__all__ = ["DrawnEvents", "SimulatedBackground", "SimulatedInjector"]

# Weights whose sum is further than this factor from the number of events are in another unit
_FACTOR = 2.0
_DAY = 86_400.0


@dataclass(frozen=True)
class SimulatedBackground:
    """Which columns of the simulation hold the weights of the background, as rates.

    Parameters
    ----------
    names : tuple of str
        Columns whose sum is how often an event like this one comes, Hz; the data's specification keeps them, see
        `DataSpec` (``keep=``).

    Raises
    ------
    ValueError, TypeError

    Examples
    --------
    >>> SimulatedBackground(("atmo_weight", "astro_weight")).as_dict()
    {'names': ['atmo_weight', 'astro_weight']}
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.names, str) or not all(isinstance(name, str) for name in self.names):
            raise TypeError(f"bg_weight_names: {self.names!r}; give a list of names of columns of the simulation")
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError(f"bg_weight_names: {list(self.names)}; give one name or more, each once")

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        return {"names": list(self.names)}

    def rates(self, season: SubAnalysis) -> F64:
        """(M,) how often each event of a season's simulation comes, Hz.

        Raises
        ------
        ValueError
            A column is not there, a weight is negative or not finite, or the sum is far from the season's own rate.
        """
        sim = season.sim
        if missing := [name for name in self.names if name not in sim]:
            raise ValueError(
                f"season {season.key}: its simulation has no column {missing[0]!r}, only {', '.join(sim.columns)}; "
                f"keep it when the season is read: dataclasses.replace(spec, keep=({missing[0]!r},))"
            )
        rates = np.sum([np.asarray(sim[name], dtype=np.float64) for name in self.names], axis=0)
        bad = np.flatnonzero(~(np.isfinite(rates) & (rates >= 0)))
        if bad.size:
            raise ValueError(
                f"season {season.key}: weight {rates[bad[0]]} of event {bad[0]} of the simulation; rates are 0 or more"
            )
        expected, there = rates.sum() * season.livetime * _DAY, len(season.data)
        if not there / _FACTOR <= expected <= there * _FACTOR:
            raise ValueError(
                f"season {season.key}: the weights {' + '.join(self.names)} add up to {expected:.4g} events in "
                f"{season.livetime:.4g} days, the data have {there}: they are rates in Hz, of all of the background"
            )
        return np.asarray(rates)


class DrawnEvents(Events):
    """Rows of a table that many trials draw from: what is known of its events need not be worked out for each trial.

    Whatever is made of them, a selection or other declinations, is `Events` again.

    Attributes
    ----------
    table : Events
    rows : (N,) int64

    Examples
    --------
    >>> table = Events({"dec": [0.1, 0.2, 0.3]})
    >>> drawn = DrawnEvents.of(table, np.array([2, 2]), {"dec": table["dec"][[2, 2]]})
    >>> drawn.rows.tolist(), type(drawn[:1]).__name__
    ([2, 2], 'Events')
    """

    table: Events
    rows: I64

    @classmethod
    def of(cls, table: Events, rows: I64, columns: Mapping[str, ArrayLike]) -> DrawnEvents:
        """From the rows, and the columns (N,) that the events have."""
        made = cls(columns)
        for name, value in (("table", table), ("rows", np.ascontiguousarray(rows, dtype=np.int64))):
            object.__setattr__(made, name, value)
        return made


@dataclass(frozen=True, eq=False)
class SimulatedInjector(BackgroundInjector):
    """Background events drawn from the simulation by their rates, Poisson-distributed, at new right ascensions.

    Parameters
    ----------
    analysis : Analysis
    simulated : SimulatedBackground

    Raises
    ------
    ValueError
        See `SimulatedBackground.rates`.
    """

    simulated: SimulatedBackground

    @cached_property
    def _cumulative(self) -> tuple[F64, ...]:
        """For each season the expected events up to and with each event of its simulation."""
        return tuple(np.cumsum(self.simulated.rates(one)) * one.livetime * _DAY for one in self.analysis)

    def __post_init__(self) -> None:
        _ = self._cumulative  # checks the weights, and is made before threads start

    def scramble(self, draws: TrialDraws) -> tuple[Scramble | Events, ...]:
        """Background of one trial."""
        return tuple(self._season(k, draws) for k in range(len(self.analysis)))

    def _season(self, k: int, draws: TrialDraws) -> Events:
        cumulative, sim = self._cumulative[k], self.analysis[k].sim
        mean = np.array([[cumulative[-1]]])
        n = int(draws.batch.poisson("off_time_count", mean, k)[0, 0])
        uniform = draws.uniforms("off_time", n, k)[:, 0]
        rows = np.minimum(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"), len(cumulative) - 1)
        columns = {name: sim[name][rows] for name in ("dec", "log10energy", "sigma", "sindec")}
        columns |= {"energy": 10.0 ** columns["log10energy"], "idx": rows, "inj": np.zeros(n, dtype=np.int64)}
        return DrawnEvents.of(sim, rows, {**columns, "ra": draws.right_ascensions(k, n)})
