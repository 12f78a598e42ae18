"""A map as two gravitational-wave detectors give it: a ring from the time between them, brighter where they hear."""

from __future__ import annotations

import base64
import json
import pathlib
from typing import Any

import numpy as np

from nusky.maps import MultiOrderMap, write_sky_map

# GPS 1000 s of 14 September 2011, a moment inside the first-year season
TRIGGER = "2011-09-14T09:50:45Z"


def gw_map(nside: int = 1024, *, coarse: int = 32, width: float = 0.012, ring: float = 0.3, seed: int = 1) -> Any:
    """Multi-order map of a ring n·b = ring around a baseline b, `width` wide in n·b, of an uneven brightness.

    Cells are split where the density is, as alerts have it: from `coarse` to `nside`.
    """
    import healpy

    rng = np.random.default_rng(seed)
    baseline, ear = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))

    def density(order: int, ipix: Any) -> Any:
        n = np.array(healpy.pix2vec(1 << order, ipix, nest=True))
        heard = (0.15 + (ear @ n) ** 2) ** 3
        return heard * np.exp(-0.5 * ((baseline @ n - ring) / width) ** 2)

    order, last = coarse.bit_length() - 1, nside.bit_length() - 1
    ipix = np.arange(12 * coarse**2)
    orders, ipixs, values = [], [], []
    while True:
        value = density(order, ipix)
        area = np.pi / 3 / 4**order
        # as ligo.skymap refines: the cells that hold most are split
        split = value * area > 1e-7 if order < last else np.zeros(len(ipix), dtype=bool)
        orders.append(np.full((~split).sum(), order))
        ipixs.append(ipix[~split])
        values.append((value * area)[~split])
        if not split.any():
            break
        ipix = (4 * ipix[split][:, None] + np.arange(4)).ravel()
        order += 1
    return MultiOrderMap(np.concatenate(orders), np.concatenate(ipixs), np.concatenate(values))


def write_gw_map(path: pathlib.Path, sky: Any, time: str = TRIGGER) -> pathlib.Path:
    """FITS with the keywords of an alert."""
    from astropy.time import Time

    when = Time(time.removesuffix("Z"), scale="utc")
    return write_sky_map(path, sky, header={"OBJECT": "S110914a", "DATE-OBS": when.isot, "MJD-OBS": when.mjd})


def gw_notice(fits: bytes | None, time: str = TRIGGER, kind: str = "INITIAL") -> str:
    """The text of an alert of topic igwn.gwalert; a retraction has no event."""
    event: dict[str, Any] | None = {
        "significant": True, "time": time, "far": 1e-10, "instruments": ["H1", "L1"], "group": "CBC",
        "skymap": None if fits is None else base64.b64encode(fits).decode(),
    }  # fmt: skip
    notice = {
        "alert_type": kind, "time_created": time, "superevent_id": "S110914a", "urls": {}, "external_coinc": None,
        "event": None if kind == "RETRACTION" else event,
    }  # fmt: skip
    return json.dumps(notice)
