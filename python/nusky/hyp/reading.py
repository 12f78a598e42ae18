"""A flux from JSON; what a flux means is explained in `nusky.hyp.flux`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from nusky.hyp.flux import Flux
from nusky.hyp.power_laws import BrokenPowerLawFlux, PowerLawFlux
from nusky.hyp.sum_flux import SumFlux
from nusky.hyp.tabulated import BinnedFlux, TableFlux

__all__ = ["from_json"]


def from_json(spec: Mapping[str, Any]) -> Flux:
    """The flux that `Flux.to_json` wrote.

    Parameters
    ----------
    spec : mapping
        ``type`` and that type's arguments.

    Returns
    -------
    Flux

    Raises
    ------
    KeyError
        No type, or a type that is not one of this module's.
    TypeError
        An argument that the type does not have, or one missing.

    Examples
    --------
    >>> from nusky import hyp
    >>> hyp.from_json({"type": "PowerLawFlux", "gamma": 2.0})
    PowerLawFlux(gamma=2.0, norm=1.0, energy_range=(0.0, inf), energy_cutoff=inf)
    """
    if spec.get("type") == "SumFlux":
        return SumFlux([from_json(one) for one in spec["fluxes"]], spec["weights"])
    kinds: dict[str, Callable[..., Flux]] = {
        kind.__name__: kind for kind in (PowerLawFlux, BrokenPowerLawFlux, TableFlux, BinnedFlux)
    }
    if spec.get("type") not in kinds:
        raise KeyError(f"flux type {spec.get('type')!r} is unknown; one of {', '.join(kinds)}, SumFlux")
    arguments = {
        name: tuple(_infinite(v) for v in value) if isinstance(value, (list, tuple)) else _infinite(value)
        for name, value in spec.items()
        if name != "type"
    }
    return kinds[spec["type"]](**arguments)


def _infinite(value: Any) -> Any:
    return math.inf if value is None else value
