"""Seasons with their models: background, energy, acceptance; set up once and cached."""

from __future__ import annotations

from nusky.analysis.analysis import Analysis, get_analysis
from nusky.analysis.energy import EnergyRatio
from nusky.analysis.gamma import GammaMode, check_gamma
from nusky.analysis.interpolation import HermiteAxis
from nusky.analysis.season import EventRatio, SubAnalysis

__all__ = [
    "Analysis",
    "EnergyRatio",
    "EventRatio",
    "GammaMode",
    "HermiteAxis",
    "SubAnalysis",
    "check_gamma",
    "get_analysis",
]
