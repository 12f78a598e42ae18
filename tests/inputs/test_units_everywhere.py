"""Public calls that take an angle, a time, an energy or a pure number: a Quantity gives what the plain number gives, or
is refused by its name; nowhere is a unit dropped. A new call without a case here fails."""

from __future__ import annotations

import contextlib
import inspect
import re
import warnings
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from nusky.units import has_unit
from places import ROOT

pytest.importorskip("astropy.units")
from unit_cases import CASES, Numbers


def plain(found: Any) -> list[Any]:
    """Everything in it as arrays and strings, without units."""
    if isinstance(found, (tuple, list)):
        return [part for item in found for part in plain(item)]
    assert not has_unit(found), f"{found!r} still has a unit"
    return [np.asarray(found)]


@pytest.mark.parametrize("name", CASES)
def test_a_quantity_gives_what_the_plain_number_gives_or_is_refused_by_name(name: str) -> None:
    expected = plain(CASES[name](Numbers(False)))
    try:
        found = plain(CASES[name](Numbers(True)))
    except TypeError as error:
        refused = str(error)
    else:
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-8) if theirs.dtype.kind not in "OU" else None
            assert theirs.dtype.kind not in "OU" or (ours == theirs).all()
        return
    # by us: with the name of the argument and what would be right
    assert re.search(rf"\b{name.rpartition('.')[2].split()[-1]}\b", refused), refused
    assert re.search("give|must be", refused), refused


ANGLES = {
    "ra", "dec", "min_dec", "max_dec", "cone", "radius", "width", "extension", "distance", "angle", "max_sigma", "fwhm",
    "theta", "phi", "ra_1", "dec_1", "true_ra", "true_dec", "source_ra", "source_dec",
}  # fmt: skip
TIMES = {"mjd", "new_mjd", "t_100", "sigma_t", "off_days", "livetime"}
ENERGIES = {"E0", "energy", "energy_range", "energy_cutoff", "energy_break", "energy_bins"}
PURE = {"sindec", "log10energy", "sindec_bandwidth"}

# Objects that nusky makes itself from values it has checked
MADE = {
    "Sources", "Fit", "Trial", "SpatialPriorTrial", "sensitivity.HottestSpot", "likelihood.LikelihoodReading",
    "sensitivity.SensitivityCurve", "sensitivity.GoodnessOfFit",
    "analysis.acceptance.Acceptance", "sensitivity.NSigResult", "Localization", "SubAnalysis", "Dataset",
}  # fmt: skip
# tested elsewhere, or one function under several names
ELSEWHERE = {
    "scan_events": "tests/test_units.py",
    "selections.CustomDataSpecs.CustomDataSpec": "tests/inputs/test_units_and_gaps.py",
    "Analysis.columns_for": "as Analysis.event_columns, whose setting it takes",
    "Analysis.point_records": "as Analysis.event_columns, whose setting it takes",
    "analysis.acceptance.Acceptance.in_bins": "its declinations go to Acceptance.for_flux",
    "pixels.follow_prior": "its limits go to select_pixels",
    "csky.utils.Sources": "is sources",
    "sensitivity_curve": "its declinations go to sensitivity.sensitivity_curve",
    "follow_up": "takes MJD and seconds for the command line",
    "analysis.acceptance.Acceptance.from_sim": "of a season that was read",
    "analysis.acceptance.Acceptance.from_area": "of a season that was read",
    "analysis.background.Background.from_data": "of a season that was read",
    "sensitivity.find_n_sig": "as to_E2dNdE",
    "hypotheses.StackingTrialRunner.per_source": "as to_E2dNdE, by units.counted",
}


def physical() -> dict[str, set[str]]:
    """Every public call with the parameters that have a unit."""
    entries = re.findall(r"^   ([A-Za-z_][\w.]*)$", (ROOT / "docs" / "reference.md").read_text(), flags=re.MULTILINE)
    entries += [
        *(f"sphere.{name}" for name in ("separation", "offset_by", "rotate_to", "local_azimuth", "turned_with_earth")),
        "analysis.acceptance.Acceptance", "analysis.acceptance.FluxAcceptance", "analysis.background.Background",
        "analysis.EnergyRatio", "data.Uptime", "csky.coord.rotate_to", "csky.utils.Sources", "priors.gaussian",
        "injection.InjectionOptions", "likelihood.LikelihoodOptions",
    ]  # fmt: skip
    found: dict[str, set[str]] = {}
    for entry in entries:
        module, _, name = entry.rpartition(".")
        thing = getattr(import_module(f"nusky.{module}" if module else "nusky"), name)
        calls = {entry: thing}
        if inspect.isclass(thing):
            own = {k: getattr(thing, k) for k in vars(thing) if not k.startswith("_") or k == "__call__"}
            calls |= {f"{entry}.{k}": call for k, call in own.items() if callable(call)}
        for call, function in calls.items():
            with warnings.catch_warnings(), contextlib.suppress(ValueError, TypeError):
                names = set(inspect.signature(function).parameters) & (ANGLES | TIMES | ENERGIES | PURE)
                if names:
                    found[call] = names
    return found


def test_every_public_call_with_a_unit_has_a_case() -> None:
    calls = physical()
    assert len(calls) > 40
    last = {name.rpartition(".")[0].rpartition(".")[2] + "." + name.rpartition(".")[2].split()[-1] for name in CASES}
    missing = [
        f"{call}.{parameter}"
        for call, parameters in calls.items()
        for parameter in sorted(parameters)
        if call not in MADE
        and call not in ELSEWHERE
        and f"{call}.{parameter}" not in CASES
        and f"{call.rpartition('.')[2]}.{parameter}" not in last
    ]
    assert missing == []
    assert set(ELSEWHERE) <= set(calls)
