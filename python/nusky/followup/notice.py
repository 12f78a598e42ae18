"""What is sent: a notice of the form ``icecube.lvk_nu_track_search``, and the text of a circular."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nusky.followup.summary import flux_of

if TYPE_CHECKING:
    from nusky.followup.result import FollowUp

__all__ = ["circular", "iso", "notice"]

_SCHEMA = "https://gcn.nasa.gov/schema/main/gcn/notices/icecube/lvk_nu_track_search.schema.json"
# 90 % of a two-dimensional Gaussian lie within so many σ
_RADIUS_90 = math.sqrt(2 * math.log(10))
_NONE = "none"


def iso(mjd: float) -> str:
    """A time as notices have it.

    Examples
    --------
    >>> iso(55819.0)
    '2011-09-15T00:00:00.000Z'
    """
    from astropy.time import Time

    return f"{Time(mjd, format='mjd', scale='utc').isot}Z"


def notice(found: FollowUp) -> dict[str, Any]:
    """A notice; from a scramble its alert_tense is "test".

    Examples
    --------
    >>> notice(found)["pval_generic"]                                                # doctest: +SKIP
    0.46
    """
    from astropy.time import Time

    times, mjd = found.search.times, found.target.mjd
    out: dict[str, Any] = {
        "$schema": _SCHEMA, "type": "IceCube LVK Alert Nu Track Search", "ref_ID": found.target.name,
        "alert_datetime": iso(Time.now().utc.mjd), "alert_tense": "current" if found.truth else "test",
        "pval_generic": float(found.p_value), "pval_bayesian": None, "n_events_coincident": len(found.events),
        "coincident_events": [_event(row) for row in found.events], "additional_info": found.sentence,
    }  # fmt: skip
    if mjd is not None:
        out["trigger_time"] = iso(mjd)
    if times is not None:
        on_time = found.runner.on_time
        uptime = times[1] - times[0] if on_time is None else on_time.days
        out |= {"observation_start": iso(times[0]), "observation_stop": iso(times[1])}
        out["observation_livetime"] = round(uptime * 86_400, 3)
    if found.fit.ns > 0:
        out["most_probable_direction"] = {"ra": math.degrees(found.fit.ra), "dec": math.degrees(found.fit.dec)}
    fluences = _fluences(found)
    if fluences is not None:
        energies = [float(f"{energy:.4g}") for energy in found.energy_range]
        out["neutrino_flux_sensitivity_range"] = {"flux_sensitivity": fluences, "sensitive_energy_range": energies}
    return out


def _event(row: dict[str, Any]) -> dict[str, Any]:
    place = {
        "ra": row["ra"], "dec": row["dec"], "ra_dec_error": row["sigma"] * _RADIUS_90,
        "containment_probability": 0.9, "systematic_included": False,
    }  # fmt: skip
    event: dict[str, Any] = {"localization": place, "event_pval_generic": row["p"], "event_pval_bayesian": None}
    return event if row["dt"] is None else {"event_dt": row["dt"], **event}


def _fluences(found: FollowUp) -> list[float] | None:
    """Time-integrated E^−2 sensitivities over the 90 % region, GeV cm⁻²; only of a time window with E^−2."""
    limits = found.limits
    if limits is None or limits.sensitivity.fluence is None:
        return None
    if (limits.sensitivity.spectrum or {}).get("gamma") != 2:
        return None
    ends = limits.sensitivity_range or (limits.sensitivity, limits.sensitivity)
    return [float(f"{one.fluence:.4g}") for one in ends if one.fluence is not None]


def circular(found: FollowUp) -> str:
    """Text of a circular.

    Examples
    --------
    >>> print(circular(found))                                                       # doctest: +SKIP
    """
    lines = [f"SUBJECT: {found.target.name}: neutrino track search", "", found.sentence]
    if not found.truth:
        lines.append("This is a test with scrambled data. Do not send it.")
    if found.search.times is not None:
        start, stop = found.search.times
        lines.append(f"Time window: {iso(start)} to {iso(stop)}.")
    if found.fit.ns > 0:
        ra, dec = math.degrees(found.fit.ra), math.degrees(found.fit.dec)
        lines.append(f"Hottest position: RA {ra:.2f} deg, Dec {dec:+.2f} deg (J2000){_radius(found)}.")
        lines.append(_parameters(found))
    lines += _limit_lines(found)
    low, high = found.energy_range
    lines.append(f"90% of the events expected from such a source have energies of {low:.3g} to {high:.3g} GeV.")
    lines.append(f"Probability of the map outside the search: {found.search.outside:.2g}.")
    if found.events:
        lines += ["", "Events: RA, Dec, 90% radius [deg]; time after the trigger [s]; p"]
        for row in found.events:
            late = "-" if row["dt"] is None else f"{row['dt']:.2f}"
            p = "-" if row["p"] is None else f"{row['p']:.3g}"
            radius = row["sigma"] * _RADIUS_90
            lines.append(f"  {row['ra']:7.2f} {row['dec']:+7.2f} {radius:5.2f}  {late:>10}  {p}")
    return "\n".join(lines) + "\n"


def _radius(found: FollowUp) -> str:
    where = found.localization
    if where is None:
        return ""
    region = max(where.regions, key=lambda one: one.level)
    area = math.degrees(math.degrees(region.area))
    return f", {100 * region.level:g}% region {area:.3g} deg^2" + ("" if region.complete else " or more")


def _parameters(found: FollowUp) -> str:
    low, high = found.ns_interval
    text = f"n_s = {found.fit.ns:.2f} ({low:.2f} to {high:.2f} at 68%)"
    if math.isfinite(found.gamma_interval[0]):
        low, high = found.gamma_interval
        text += f", spectral index {found.fit.gamma:.2f} ({low:.2f} to {high:.2f} at 68%)"
    return text + "."


def _value(found: Any, key: str) -> str:
    flux = flux_of(found)
    return _NONE if flux is None else f"{flux[key]:.3g}"


def _limit_lines(found: FollowUp) -> list[str]:
    limits = found.limits
    if limits is None:
        return []
    index = float((limits.sensitivity.spectrum or {}).get("gamma", 2.0))
    windowed = limits.sensitivity.fluence is not None
    what, key = ("time-integrated flux E^2 F", "fluence") if windowed else ("flux E^2 dN/dE", "E2dNdE")
    unit = "GeV cm^-2" if windowed else "GeV cm^-2 s^-1"
    at = "" if index == 2 else " at 1 GeV"
    spectrum = f"an E^-{index:g} spectrum"
    lines = [f"Limits (90%) are for sources of equal flux with {spectrum}, on the {what}{at}."]
    for name in ("sensitivity", "upper_limit"):
        value, ends = _value(getattr(limits, name), key), getattr(limits, f"{name}_range")
        text = f"{name.replace('_', ' ').capitalize()}, averaged over the map: "
        text += f"{value} {unit}" if value != _NONE else f"{_NONE}, more than 10% of such sources would go unseen"
        if ends is not None:
            text += f"; {_value(ends[0], key)} to {_value(ends[1], key)} {unit} over its 90% region"
        lines.append(text + ".")
    return lines
