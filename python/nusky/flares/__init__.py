"""Flares of unknown start and length: the search through windows, and its likelihood at given ones."""

from __future__ import annotations

from nusky.flares.light_curve import LightCurveModel, LightCurveReading
from nusky.flares.model import FlareFound, FlareModel
from nusky.flares.reading import FlareReading

__all__ = ["FlareFound", "FlareModel", "FlareReading", "LightCurveModel", "LightCurveReading"]
