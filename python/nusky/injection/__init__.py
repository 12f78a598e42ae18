"""How trials are made: seeds, background, signal, sources drawn from priors."""

from __future__ import annotations

from nusky.injection.background import BackgroundInjector
from nusky.injection.declination import DecRandomization
from nusky.injection.given_times import GivenFlares
from nusky.injection.off_time import OffTimeEvents, OffTimeInjector
from nusky.injection.point import PointInjector
from nusky.injection.prior import PriorInjector
from nusky.injection.seeding import RANDOM, BatchDraws, TrialDraws, resolve_seed, seed_key, trial_draws
from nusky.injection.signal import Injected, InjectedMany, InjectionOptions, SignalInjector, check_signal
from nusky.injection.simulated import DrawnEvents, SimulatedBackground, SimulatedInjector
from nusky.injection.stack import SpectraSignal, StackInjector, WindowsSignal
from nusky.injection.template import SpectraInjector, TemplateInjector

__all__ = [
    "RANDOM",
    "BackgroundInjector",
    "BatchDraws",
    "DecRandomization",
    "DrawnEvents",
    "GivenFlares",
    "Injected",
    "InjectedMany",
    "InjectionOptions",
    "OffTimeEvents",
    "OffTimeInjector",
    "PointInjector",
    "PriorInjector",
    "SignalInjector",
    "SimulatedBackground",
    "SimulatedInjector",
    "SpectraInjector",
    "SpectraSignal",
    "StackInjector",
    "TemplateInjector",
    "TrialDraws",
    "WindowsSignal",
    "check_signal",
    "resolve_seed",
    "seed_key",
    "trial_draws",
]
