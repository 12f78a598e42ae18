"""Text where a number is asked is refused, and named: NumPy would read it, and the next text be an error far away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nusky.checks import refuse_text
from nusky.dists import TSD, BinnedTSD, Chi2TSD, binomial_error, post_trial_p, ts_to_p
from nusky.hyp import BinnedFlux, BrokenPowerLawFlux, PixelSpectra, PowerLawFlux, TableFlux
from nusky.sensitivity import (
    central_energy_range,
    confidence_belt,
    differential_sensitivity,
    find_n_sig,
    fit_efficiency,
    upper_limit,
)
from nusky.sensitivity.belt import ConfidenceBelt

CHI2 = Chi2TSD(np.random.default_rng(1).chisquare(1, 500))
COUNTED = TSD(CHI2.values)
BINNED = BinnedTSD(CHI2.values)
FLUX = PowerLawFlux(2.0)
CURVE = fit_efficiency([0, 2, 4, 6, 8], [10, 40, 70, 90, 97], [100] * 5)
BELT = ConfidenceBelt({n: CHI2.values + n for n in (0.0, 3.0, 6.0)})
RUNNER: Any = object()

METHODS = (
    *("sf", "cdf", "p_value", "p_values", "sf_nsigma", "n_above", "isf", "isf_nsigma", "isf_error", "beyond"),
    *("is_extrapolated", "sf_error", "sf_systematic"),
)
CALLS: dict[str, Callable[[Any], Any]] = {
    **{
        f"{type(tsd).__name__}.{name}": lambda x, tsd=tsd, name=name: getattr(tsd, name)(x)
        for tsd in (COUNTED, CHI2, BINNED)
        for name in METHODS
        if hasattr(tsd, name)
    },
    "TSD": lambda x: TSD([x, x]),
    "TSD of an array": lambda x: TSD(np.array([x, x])),
    "Chi2TSD": lambda x: Chi2TSD([x] * 100),
    "BinnedTSD": lambda x: BinnedTSD([x, x]),
    "binomial_error": lambda x: binomial_error(x, 10),
    "post_trial_p": lambda x: post_trial_p(x, COUNTED),
    "ts_to_p, ts": lambda x: ts_to_p({0.0: CHI2, 1.0: CHI2}, x, 0.5),
    "ts_to_p, dec": lambda x: ts_to_p({0.0: CHI2, 1.0: CHI2}, 3.0, x),
    "flux": lambda x: FLUX(x),
    "flux, list": lambda x: FLUX([1.0, x]),
    "PowerLawFlux": lambda x: PowerLawFlux(x),
    "PowerLawFlux, norm": lambda x: PowerLawFlux(2, norm=x),
    "PowerLawFlux, range": lambda x: PowerLawFlux(2, energy_range=(x, 1e9)),
    "PowerLawFlux, cutoff": lambda x: PowerLawFlux(2, energy_cutoff=x),
    "BrokenPowerLawFlux": lambda x: BrokenPowerLawFlux(x, 3.0, 1e5),
    "TableFlux": lambda x: TableFlux([x, 1e3], [1.0, 1.0]),
    "BinnedFlux": lambda x: BinnedFlux([1.0, 2.0], [x]),
    "PixelSpectra": lambda x: PixelSpectra(np.full((12, 1), x), [1.0, 2.0]),
    "to_ns": lambda x: FLUX.to_ns(x, 1e9),
    "to_E2dNdE": lambda x: FLUX.to_E2dNdE(x, 1e9),
    "to_dNdE, E0": lambda x: FLUX.to_dNdE(3, 1e9, E0=x),
    "to_model_norm, acc": lambda x: FLUX.to_model_norm(3, x),
    "fit_efficiency": lambda x: fit_efficiency([0, x], [1, 9], [10, 10]),
    "curve": lambda x: CURVE(x),
    "curve.solve": lambda x: CURVE.solve(x),
    "belt.upper_limit": lambda x: BELT.upper_limit(x),
    "belt.interval": lambda x: BELT.interval(x),
    "belt, level": lambda x: BELT.interval(3.0, x),
    "confidence_belt": lambda x: confidence_belt(RUNNER, [x], 10, seed=1),
    "find_n_sig": lambda x: find_n_sig(RUNNER, x, 0.9),
    "upper_limit": lambda x: upper_limit(RUNNER, x, CHI2),
    "differential_sensitivity": lambda x: differential_sensitivity(RUNNER, [x, 1e9], CHI2, seed=1),
    "central_energy_range, width": lambda x: central_energy_range(RUNNER, 0.1, width=x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_text_is_no_number(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"0\.5"):
        call("0.5")


@pytest.mark.parametrize(
    "value", [np.str_(1), b"1", np.array(["1"]), np.array([b"1"]), np.array([1.0, "1"], dtype=object), [1.0, "1"]]
)
def test_text_is_found_inside(value: Any) -> None:
    with pytest.raises(TypeError, match="x must be a number, not text: got "):
        refuse_text("x", value)


@pytest.mark.parametrize("value", [1, np.float64(2), [1.0], np.ones(3), None, np.array([1.0, 2], dtype=object)])
def test_numbers_pass(value: Any) -> None:
    refuse_text("x", value)
