"""csky's `inj`: how background is randomised, and the injectors of a runner built by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nusky.analysis import SubAnalysis
from nusky.conf import DecRandomizer, RARandomizer
from nusky.events import Events
from nusky.hyp import Flux
from nusky.source import Sources

__all__ = ["DataInjector", "DecBandSelector", "DecRandomizer", "PointSourceInjector", "RARandomizer"]


@dataclass(frozen=True, eq=False)
class DecBandSelector:
    """csky's cut on declinations, here that of the likelihood: S = 0 beyond `cut_n_sigma` σ, and every event counts.

    Called with events it gives them back: which of them are near a source is found out when they are fitted.

    Parameters
    ----------
    src : Sources
    cut_n_sigma : float
    """

    src: Sources
    cut_n_sigma: float = 5.0

    def __call__(self, events: Events) -> Events:
        """The events."""
        return events


@dataclass(frozen=True, eq=False)
class DataInjector:
    """A season's own events, randomised or as they are; `nusky.csky.trial.get_trial_runner` reads it.

    Parameters
    ----------
    ana : SubAnalysis
    data : Events
        The season's own (set ``ana.data`` for other ones).
    keep : sequence of str
        csky's list of columns; events keep all of theirs.
    randomizers : sequence
        ``[RARandomizer()]``, or none for the real sky.
    """

    ana: SubAnalysis
    data: Events
    keep: Sequence[str] = ()
    randomizers: Sequence[Any] = ()

    def __post_init__(self) -> None:
        if self.data is not self.ana.data:
            raise ValueError(f"the data must be those of the season: set {self.ana.key}.data before runners are made")


@dataclass(frozen=True, eq=False)
class PointSourceInjector:
    """Signal of sources; `nusky.csky.trial.get_trial_runner` reads it.

    Parameters
    ----------
    ana : SubAnalysis
    src : Sources
    flux : Flux
    keep : sequence of str
        csky's list of columns; events keep all of theirs.
    sindec_bandwidth : float, optional
    """

    ana: SubAnalysis
    src: Sources
    flux: Flux
    keep: Sequence[str] = ()
    sindec_bandwidth: float | None = None
