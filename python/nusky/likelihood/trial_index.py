"""`TrialIndex`: the events of one trial as the core reads them, and which part of the sky they can reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nusky import _core
    from nusky.typing import F64

__all__ = ["Discs", "TrialIndex"]


class Discs(NamedTuple):
    """Discs on the sky: outside a disc its event contributes nothing.

    Attributes
    ----------
    ra, dec : (N,) rad
        Positions of the events.
    radius : (N,) rad
        See `nusky.likelihood.reach.event_reach`.
    """

    ra: F64
    dec: F64
    radius: F64


@dataclass(frozen=True, eq=False)
class TrialIndex:
    """The events of one trial, indexed for the core.

    Attributes
    ----------
    core : _core.EventIndex
    discs : Discs or None
        What the events can reach; TS = 0 elsewhere. None: not known, every pixel may be near an event.
    """

    core: _core.EventIndex
    discs: Discs | None = None
