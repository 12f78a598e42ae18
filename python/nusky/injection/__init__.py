"""How trials are made: seeds, background, signal, sources drawn from priors."""

from __future__ import annotations

from nusky.injection.background import BackgroundInjector
from nusky.injection.off_time import OffTimeInjector
from nusky.injection.prior import PriorInjector
from nusky.injection.seeding import resolve_seed, trial_streams
from nusky.injection.signal import InjectionOptions, SignalInjector, check_signal

__all__ = [
    "BackgroundInjector",
    "InjectionOptions",
    "OffTimeInjector",
    "PriorInjector",
    "SignalInjector",
    "check_signal",
    "resolve_seed",
    "trial_streams",
]
