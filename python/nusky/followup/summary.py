"""The numbers of a follow-up as ``result.json`` holds them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.version import code_version

if TYPE_CHECKING:
    from nusky.followup.result import FollowUp
    from nusky.sensitivity import NSigResult
    from nusky.typing import F64

__all__ = ["flux_of", "number", "summary"]

FORMAT = "nusky follow-up 2"
_UNITS = {
    "ra, dec, sigma, separation, contour": "deg", "area": "deg^2", "energy_range": "GeV",
    "log10energy": "log10(E/GeV)", "window, trigger": "MJD (UTC)", "dt": "s", "E2dNdE": "GeV cm^-2 s^-1",
    "fluence": "GeV cm^-2 (E^2 F)", "p": "1", "ts": "2 ln likelihood ratio, with the prior",
}  # fmt: skip


def number(value: Any) -> float | None:
    """A number JSON can hold; None for NaN and infinities."""
    return None if value is None or not math.isfinite(value) else float(value)


def flux_of(found: NSigResult | None) -> dict[str, Any] | None:
    """A limit: counts, flux or fluence (GeV), relative error.

    Examples
    --------
    >>> flux_of(found.limits.sensitivity)["n_sig"]                                   # doctest: +SKIP
    3.1
    """
    if found is None:
        return None
    out = {"n_sig": number(found.n_sig), "relative_error": number(found.n_sig_error), "converged": found.converged}
    return out | {"E2dNdE": number(found.E2dNdE), "fluence": number(found.fluence)}


def summary(found: FollowUp) -> dict[str, Any]:
    """What ``result.json`` holds; values JSON can hold.

    Examples
    --------
    >>> summary(found)["p"]                                                          # doctest: +SKIP
    0.46
    """
    fit, p, runner, search = found.fit, found.p_value, found.runner, found.search
    record = getattr(found.target.sky, "record", None)
    return {
        "format": FORMAT, "version": code_version(), "target": found.target.name, "input": found.target.source,
        "real_sky": found.truth, "answer": found.sentence, "units": _UNITS, "window": search.times,
        "trigger": found.target.mjd,
        "p": p.p, "p_error": number(p.error), "n_trials": p.n_trials, "n_above": p.n_above,
        "fit": {
            "ts": number(fit.ts), "ns": number(fit.ns), "gamma": number(fit.gamma), "status": fit.status.name,
            "ns_interval": [number(v) for v in found.ns_interval],
            "gamma_interval": [number(v) for v in found.gamma_interval],
            "intervals": "68.27 %, profile likelihood at the position, without the prior",
            "ra": number(math.degrees(fit.ra)), "dec": number(math.degrees(fit.dec)),
            "notes": list(fit.notes),
        },
        "region": _region(found), "limits": _limits(found), "energy_range": list(found.energy_range),
        "search": {
            "nside": found.prior.nside, "map_nside": search.map_nside, "n_pixels": len(runner.pixels),
            "refined_to": None if runner.refine is None else runner.refine.nside,
            "probability_outside": search.outside, "seed": found.seed, "library": found.library,
            "configuration": runner.config_hash,
        },
        "data": {
            "seasons": list(runner.analysis.keys), "fingerprint": runner.analysis.fingerprint,
            "notes": [note for season in runner.analysis for note in season.notes],
        },
        "map": None if record is None else record.as_dict(),
        "events": list(found.events),
    }  # fmt: skip


def _region(found: FollowUp) -> dict[str, Any]:
    where = found.localization
    if where is None:
        return {"missing": found.unlocalized}
    regions = []
    for region in where.regions:
        lines = [_thinned(np.degrees(line)) for line in where.contour(region.level)]
        area = math.degrees(math.degrees(region.area))
        regions.append({"level": region.level, "area": area, "complete": region.complete, "contour": lines})
    return {
        "ra": math.degrees(where.ra), "dec": math.degrees(where.dec), "nside": where.pixels.nside, "regions": regions,
    }  # fmt: skip


def _thinned(line: F64) -> list[list[float]]:
    """At most 200 of its points, to 0.4 arcseconds; a closed line stays closed."""
    step = max(1, len(line) // 100)
    kept = np.concatenate([line[:-1:step], line[-1:]])
    return [[round(a, 4), round(b, 4)] for a, b in kept.tolist()]


def _limits(found: FollowUp) -> dict[str, Any] | None:
    limits = found.limits
    if limits is None:
        return None
    spectrum = limits.sensitivity.spectrum
    return {
        "level": 0.9, "sources": "of " + limits.sensitivity.sources + ", averaged over the map",
        "spectrum": None if spectrum is None else dict(spectrum), "E0": limits.sensitivity.E0,
        "sensitivity": flux_of(limits.sensitivity), "upper_limit": flux_of(limits.upper_limit),
        "range_over_90_percent_region": None if limits.declinations is None else {
            "dec": [math.degrees(dec) for dec in limits.declinations],
            "sensitivity": [flux_of(one) for one in limits.sensitivity_range or ()],
            "upper_limit": [flux_of(one) for one in limits.upper_limit_range or ()],
        },
    }  # fmt: skip
