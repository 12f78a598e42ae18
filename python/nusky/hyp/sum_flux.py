"""`SumFlux`: several spectra added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nusky.hyp.flux import Flux, number, set_fields
from nusky.typing import F64, I64

__all__ = ["SumFlux"]


@dataclass(frozen=True)
class SumFlux(Flux):
    """Σ_j w_j φ_j(E): what the sources of a stack shine together, each with its own spectrum.

    Parameters
    ----------
    fluxes : sequence of Flux
        As they stand.
    weights : sequence of float, optional
        Above 0; 1 each by default.

    Raises
    ------
    TypeError, ValueError

    Examples
    --------
    >>> from nusky import hyp
    >>> hyp.SumFlux([hyp.PowerLawFlux(2.0), hyp.PowerLawFlux(3.0)], [1.0, 10.0])(10.0)
    0.02
    """

    fluxes: Sequence[Flux]
    weights: Sequence[float] = ()

    def __post_init__(self) -> None:
        fluxes = tuple(self.fluxes)
        if not fluxes:
            raise ValueError("SumFlux needs at least one flux")
        for i, flux in enumerate(fluxes):
            if not isinstance(flux, Flux):
                raise TypeError(f"fluxes[{i}] must be a flux such as hyp.PowerLawFlux(2), got {flux!r}")
        weights = tuple(number(f"weights[{i}]", w, positive=True) for i, w in enumerate(self.weights))
        weights = weights or (1.0,) * len(fluxes)
        if len(weights) != len(fluxes):
            raise ValueError(f"SumFlux: {len(fluxes)} fluxes and {len(weights)} weights; give one for each")
        set_fields(self, fluxes=fluxes, weights=weights)

    @cached_property
    def kinds(self) -> tuple[tuple[Flux, ...], I64]:
        """The different ones among the J fluxes, and for each (J,) which of them it is."""
        kinds: list[Flux] = []
        of = np.empty(len(self.fluxes), dtype=np.int64)
        for j, flux in enumerate(self.fluxes):
            if flux not in kinds:
                kinds.append(flux)
            of[j] = kinds.index(flux)
        return tuple(kinds), of

    def _value(self, energy: F64) -> F64:
        return np.asarray(sum(w * flux(energy) for w, flux in zip(self.weights, self.fluxes, strict=True)))

    def to_json(self) -> dict[str, Any]:
        """See `Flux.to_json`."""
        return {
            "type": "SumFlux",
            "fluxes": [flux.to_json() for flux in self.fluxes],
            "weights": list(self.weights),
        }
