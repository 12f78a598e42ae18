"""Trial runners of hypotheses that are no steady position: stacks, templates, flares."""

from __future__ import annotations

from nusky.hypotheses.flare import FlareTrialRunner
from nusky.hypotheses.flare_maps import FlareSkyScanTrialRunner, FlareSpatialPriorTrialRunner
from nusky.hypotheses.hypothesis import HypothesisRunner
from nusky.hypotheses.light_curve import LightCurveTrialRunner
from nusky.hypotheses.multiflare import MultiFlareSkyScanTrialRunner, MultiFlareTrialRunner, check_least_ts
from nusky.hypotheses.several_flares import FlaresBySource, SeveralFlares
from nusky.hypotheses.stacking import StackingTrialRunner
from nusky.hypotheses.subtracted_maps import SubtractedSkyScanTrialRunner, SubtractedSpatialPriorTrialRunner
from nusky.hypotheses.template import TemplateTrialRunner

__all__ = [
    "FlareSkyScanTrialRunner",
    "FlareSpatialPriorTrialRunner",
    "FlareTrialRunner",
    "FlaresBySource",
    "HypothesisRunner",
    "LightCurveTrialRunner",
    "MultiFlareSkyScanTrialRunner",
    "MultiFlareTrialRunner",
    "SeveralFlares",
    "StackingTrialRunner",
    "SubtractedSkyScanTrialRunner",
    "SubtractedSpatialPriorTrialRunner",
    "TemplateTrialRunner",
    "check_least_ts",
]
