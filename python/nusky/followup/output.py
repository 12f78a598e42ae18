"""The files of a follow-up: numbers, notice, circular, page, pixels, picture."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from nusky.files import atomic_write
from nusky.followup.pages import report_page, sky_picture
from nusky.followup.result import FollowUp
from nusky.version import code_version

__all__ = ["circular", "notice", "summary", "write_follow_up"]

_UNITS = {
    "ra, dec, sigma, separation": "deg", "energy_range": "GeV", "log10energy": "log10(E/GeV)", "window": "MJD (UTC)",
    "dt": "s", "E2dNdE": "GeV cm^-2 s^-1", "fluence": "GeV cm^-2", "p": "1",
}  # fmt: skip


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _flux(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    out = {"n_sig": _number(found["n_sig"]), "relative_error": _number(found["n_sig_error"])}
    return out | {"E2dNdE": _number(found.E2dNdE), "fluence": _number(getattr(found, "fluence", None))}


def summary(found: FollowUp) -> dict[str, Any]:
    """What ``result.json`` holds; values JSON can hold.

    Examples
    --------
    >>> summary(found)["p"]                                                          # doctest: +SKIP
    0.46
    """
    fit, p = found.fit, found.p_value
    return {
        "format": "nusky follow-up 1", "version": code_version(), "target": found.target.name,
        "input": found.target.source, "real_sky": found.truth, "answer": found.sentence, "units": _UNITS,
        "window": found.window, "trigger": found.target.mjd,
        "fit": {
            "ts": _number(fit.ts), "ns": _number(fit.ns), "gamma": _number(fit.gamma), "status": fit.status.name,
            "ra": _number(math.degrees(fit.ra)), "dec": _number(math.degrees(fit.dec)),
        },
        "p": float(p), "p_error": _number(p.error), "n_trials": len(found.background),
        "sensitivity": _flux(found.sensitivity), "upper_limit": _flux(found.upper_limit),
        "limits_for": "sources of equal flux, E^-2, 90 %, averaged over the prior", "energy_range": found.energy_range,
        "search": {
            "nside": found.prior.nside, "map_nside": int(getattr(found.target.sky, "nside", found.prior.nside)),
            "n_pixels": len(found.runner.pixels), "probability_outside": found.outside, "seed": found.seed,
            "configuration": found.runner.config_hash,
        },
        "data": {"seasons": list(found.runner.analysis.keys), "fingerprint": found.runner.analysis.fingerprint},
        "events": list(found.events),
    }  # fmt: skip


def notice(found: FollowUp) -> dict[str, Any]:
    """A notice of the form ``icecube.lvk_nu_track_search``; from a scramble its alert_tense is "test".

    Examples
    --------
    >>> notice(found)["pval_generic"]                                                # doctest: +SKIP
    0.46
    """
    from astropy.time import Time

    def iso(mjd: float) -> str:
        return str(Time(mjd, format="mjd", scale="utc").isot) + "Z"

    out: dict[str, Any] = {
        "$schema": "https://gcn.nasa.gov/schema/main/gcn/notices/icecube/lvk_nu_track_search.schema.json",
        "type": "IceCube LVK Alert Nu Track Search", "ref_ID": found.target.name,
        "alert_datetime": iso(Time.now().utc.mjd), "alert_tense": "current" if found.truth else "test",
        "pval_generic": float(found.p_value), "pval_bayesian": None, "n_events_coincident": len(found.events),
        "additional_info": found.sentence,
    }  # fmt: skip
    if found.target.mjd is not None:
        out["trigger_time"] = iso(found.target.mjd)
    if found.window is not None:
        out |= {"observation_start": iso(found.window[0]), "observation_stop": iso(found.window[1])}
        out["observation_livetime"] = round((found.window[1] - found.window[0]) * 86400, 3)
    events = []
    for row in found.events:
        # 90 % of a two-dimensional Gaussian
        error = row["sigma"] * math.sqrt(2 * math.log(10))
        place = {"ra": row["ra"], "dec": row["dec"], "ra_dec_error": error, "containment_probability": 0.9}
        event: dict[str, Any] = {"localization": place, "event_pval_generic": None, "event_pval_bayesian": None}
        events.append(event if row["dt"] is None else {"event_dt": row["dt"], **event})
    out["coincident_events"] = events
    if found.fit.ns > 0:
        out["most_probable_direction"] = {"ra": math.degrees(found.fit.ra), "dec": math.degrees(found.fit.dec)}
    return out


def circular(found: FollowUp) -> str:
    """Text of a circular.

    Examples
    --------
    >>> print(circular(found))                                                       # doctest: +SKIP
    """
    low, high = found.energy_range
    lines = [f"SUBJECT: {found.target.name}: neutrino track search", "", found.sentence]
    if not found.truth:
        lines.append("This is a test with scrambled data. Do not send it.")
    if found.window is not None:
        lines.append(f"Time window: MJD {found.window[0]:.6f} to {found.window[1]:.6f} (UTC).")
    if found.fit.ns > 0:
        ra, dec = math.degrees(found.fit.ra), math.degrees(found.fit.dec)
        lines.append(f"Hottest position: RA {ra:.2f} deg, Dec {dec:+.2f} deg (J2000).")
    limit = _flux(found.upper_limit)
    if limit is not None:
        if limit["fluence"] is not None:
            lines.append(f"90% upper limit, E^-2, averaged over the map: E^2 F = {limit['fluence']:.3g} GeV cm^-2.")
        elif limit["E2dNdE"] is not None:
            lines.append(f"90% upper limit, E^-2, averaged over the map: {limit['E2dNdE']:.3g} GeV cm^-2 s^-1.")
    lines.append(f"Central 90% of the energies expected for E^-2 at the map's peak: {low:.3g} to {high:.3g} GeV.")
    lines.append(f"Probability of the map outside the search: {found.outside:.3g}.")
    return "\n".join(lines) + "\n"


def _pixels(found: FollowUp) -> bytes:
    """FITS table of the pixels that were fitted, explicit indices."""
    from astropy.table import Table

    scan = found.runner.get_one_scan_from_trial(found.trial)
    rows = np.flatnonzero(scan.scanned)
    table = Table({"PIXEL": rows, "TS": scan.ts[rows], "NS": scan.ns[rows], "GAMMA": scan.gamma[rows]})
    table["PROB"] = found.prior.probability[rows]
    table.meta |= {"PIXTYPE": "HEALPIX", "ORDERING": "RING", "COORDSYS": "C", "NSIDE": found.prior.nside}
    table.meta |= {"INDXSCHM": "EXPLICIT", "OBJECT": "real sky" if found.truth else "SCRAMBLE"}
    file = io.BytesIO()
    table.write(file, format="fits")
    return file.getvalue()


def write_follow_up(found: FollowUp, out: str | Path) -> tuple[Path, ...]:
    """Write all files; none is written before all are made, ``result.json`` comes last.

    Parameters
    ----------
    found : FollowUp
    out : path
        Folder; made where it is missing.

    Returns
    -------
    tuple of Path

    Examples
    --------
    >>> write_follow_up(found, "GRB")                                                # doctest: +SKIP
    """
    result = summary(found)
    png, pdf = sky_picture(found)
    texts = {
        "sky.png": png, "sky.pdf": pdf, "scan.fits": _pixels(found), "circular.txt": circular(found).encode(),
        "notice.json": json.dumps(notice(found), indent=2, allow_nan=False).encode(),
        "report.html": report_page(found, result, png).encode(),
        "result.json": json.dumps(result, indent=2, allow_nan=False).encode(),
    }  # fmt: skip
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        with atomic_write(folder / name) as file:
            file.write(content)
    return tuple(folder / name for name in texts)
