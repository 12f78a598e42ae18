"""A trial's events as the core reads them: index, likelihood, and which events reach which pixels."""

from __future__ import annotations

from nusky.likelihood.direction_scan import scan_events
from nusky.likelihood.model import LikelihoodModel, LikelihoodOptions, Part
from nusky.likelihood.near_events import NearRows
from nusky.likelihood.point import PointFit, PointFits
from nusky.likelihood.profile import LikelihoodProfile
from nusky.likelihood.reach import event_reach, widened
from nusky.likelihood.reading import LikelihoodReading, SeasonReading
from nusky.likelihood.spectrum_fit import best_ns
from nusky.likelihood.stack import StackSpectraValues, StackValues
from nusky.likelihood.template import TemplateValues
from nusky.likelihood.trial_index import PartOfTrials, TrialIndex
from nusky.likelihood.values import EventValues, Signal, cells_of
from nusky.likelihood.window import WindowLikelihoodModel

__all__ = [
    "EventValues",
    "LikelihoodModel",
    "LikelihoodOptions",
    "LikelihoodProfile",
    "LikelihoodReading",
    "NearRows",
    "Part",
    "PartOfTrials",
    "PointFit",
    "PointFits",
    "SeasonReading",
    "Signal",
    "StackSpectraValues",
    "StackValues",
    "TemplateValues",
    "TrialIndex",
    "WindowLikelihoodModel",
    "best_ns",
    "cells_of",
    "event_reach",
    "scan_events",
    "widened",
]
