"""The events of trials as the core reads them: of one, indexed, or of many together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nusky import _core
    from nusky.typing import F64, I64

__all__ = ["PartOfTrials", "TrialIndex"]


@dataclass(frozen=True, eq=False)
class TrialIndex:
    """The events of one trial, indexed for the core.

    Attributes
    ----------
    core : _core.EventIndex
    """

    core: _core.EventIndex


class PartOfTrials(NamedTuple):
    """Events of many trials that share their columns, trial by trial.

    Attributes
    ----------
    columns : _core.EventColumns
    ra : (N,) rad
    season : int
        As the core counts them.
    rows : (N,) int64
        Of the columns.
    factor : (N,) or None
        What W is multiplied with.
    first : (T + 1,) int64
        Trial t has the events ``first[t]`` … ``first[t + 1] - 1``.
    """

    columns: _core.EventColumns
    ra: F64
    season: int
    rows: I64
    factor: F64 | None
    first: I64
