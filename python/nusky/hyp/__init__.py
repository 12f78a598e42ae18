"""The spectra, under csky's name: what a flux predicts, and counts from it and back."""

from __future__ import annotations

from typing import Any

from nusky.hyp.flux import Flux
from nusky.hyp.pixel_spectra import PixelSpectra
from nusky.hyp.power_laws import BrokenPowerLawFlux, PowerLawFlux
from nusky.hyp.reading import from_json
from nusky.hyp.sum_flux import SumFlux
from nusky.hyp.tabulated import BinnedFlux, TableFlux

__all__ = [
    "BinnedFlux",
    "BrokenPowerLawFlux",
    "Flux",
    "PixelSpectra",
    "PowerLawFlux",
    "SumFlux",
    "TableFlux",
    "from_json",
]

_INSTEAD = {
    "SplineFluxModel": "TableFlux(energies, values) interpolates a table",
    "SeyfertCoreCoronaFlux": "TableFlux(energies, values) holds the spectrum of a model; a list, flux=[…], gives each "
    "source of a stack its own",
}


def __getattr__(name: str) -> Any:
    # csky's spectra of tables that come with it
    if name in _INSTEAD:
        raise AttributeError(f"nusky.hyp has no {name}: {_INSTEAD[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
