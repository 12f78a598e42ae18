"""The spectra, under csky's name: what a flux predicts, and counts from it and back."""

from __future__ import annotations

from nusky.hyp.flux import Flux
from nusky.hyp.pixel_spectra import PixelSpectra
from nusky.hyp.power_laws import BrokenPowerLawFlux, PowerLawFlux
from nusky.hyp.reading import from_json
from nusky.hyp.tabulated import BinnedFlux, TableFlux

__all__ = ["BinnedFlux", "BrokenPowerLawFlux", "Flux", "PixelSpectra", "PowerLawFlux", "TableFlux", "from_json"]
