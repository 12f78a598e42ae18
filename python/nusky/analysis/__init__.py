"""Seasons with their models: background, energy, acceptance; set up once and cached."""

from __future__ import annotations

from nusky.analysis.analysis import Analysis, get_analysis
from nusky.analysis.energy import EnergyRatio, check_gamma
from nusky.analysis.hermite import HermiteAxis
from nusky.analysis.season import SubAnalysis

__all__ = ["Analysis", "EnergyRatio", "HermiteAxis", "SubAnalysis", "check_gamma", "get_analysis"]
