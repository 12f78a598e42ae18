"""What a detector makes of a neutrino, as tables: effective area, smearing, and what signal looks like in them."""

from __future__ import annotations

from nusky.response.area import AreaTable, energy_points
from nusky.response.cells import bin_of, cell_of, centres, log_normalised, nearest
from nusky.response.sigma import SigmaRatio
from nusky.response.signal import Signal, SimulatedSignal, TabulatedSignal
from nusky.response.simulation import Response, simulate_from_tables
from nusky.response.smearing import SmearingResponse
from nusky.response.stand_in import StandInResponse, draw_separation
from nusky.response.tabulated import TabulatedResponse

__all__ = [
    "AreaTable",
    "Response",
    "SigmaRatio",
    "Signal",
    "SimulatedSignal",
    "SmearingResponse",
    "StandInResponse",
    "TabulatedResponse",
    "TabulatedSignal",
    "bin_of",
    "cell_of",
    "centres",
    "draw_separation",
    "energy_points",
    "log_normalised",
    "nearest",
    "simulate_from_tables",
]
