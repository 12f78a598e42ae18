"""What can be followed up: maps, notices, positions."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from nusky.data import LAST_MJD
from nusky.files import as_path
from nusky.maps import read_sky_map
from nusky.priors import gaussian

__all__ = ["Retracted", "Target", "read_notice", "read_target", "retracted_event"]

# 90 % of a two-dimensional Gaussian lie within 2.1460 σ, the full width at half maximum is 2.3548 σ
_FWHM = 2.3548200450309493


class Retracted(ValueError):
    """A notice takes back what was announced.

    Attributes
    ----------
    name : str
        Of the event.
    """

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        super().__init__(f"INPUT {source}: {name} was retracted; there is nothing to follow up")


@dataclass(frozen=True)
class Target:
    """A sky map to follow up, with what its notice says.

    Attributes
    ----------
    name : str
    sky : SkyMap, MultiOrderMap or SpatialPrior
    mjd : float or None
        Time of the trigger, MJD (UTC).
    source : str
        Where it was read from.
    """

    name: str
    sky: Any
    mjd: float | None
    source: str


def read_target(source: Any, *, nside: int | None = None, **map_options: Any) -> Target:
    """Read what is to be followed up.

    Parameters
    ----------
    source : str, Path, Target or map
        ``RA,DEC,RADIUS`` (degrees; the radius holds 90 %), a FITS sky map, a notice of ``igwn.gwalert`` or of GCN's
        unified schema (JSON), or a map in memory.
    nside : int, optional
        Read the file of a map at this resolution.
    **map_options
        Of `nusky.read_sky_map`, for what the file of a map does not say: ``frame="galactic"``.

    Raises
    ------
    ValueError
        For a retraction, a notice without a position, or text that is neither.
    FileNotFoundError

    Examples
    --------
    >>> read_target("180, 10, 2").name
    'RA 180.00, Dec +10.00'
    """
    if isinstance(source, Target):
        return _without(map_options, source)
    if not isinstance(source, (str, Path)):
        return _without(map_options, Target("map", source, None, type(source).__name__))
    text = str(source)
    if text.count(",") == 2 and not Path(text).exists():
        return _without(map_options, _position(text))
    try:
        path = as_path(source)
    except ValueError as error:
        raise ValueError(f"INPUT {error}") from None
    if not path.is_file():
        raise FileNotFoundError(f"INPUT {text}: no such file, and not RA,DEC,RADIUS in degrees")
    if path.suffix.lower() != ".json":
        sky = read_sky_map(path, nside=nside, **map_options)
        return Target(path.name, sky, _map_time(sky, path.name), path.name)
    return _without(map_options, read_notice(path.read_bytes(), path.name))


def _without(map_options: dict[str, Any], target: Target) -> Target:
    """A target that is no file of a map, and so takes none of the options of one."""
    if map_options:
        said = ", ".join(f"{name}={value!r}" for name, value in map_options.items())
        raise ValueError(f"INPUT {target.source}: {said} is for the file of a map, and this is none; leave it out")
    return target


def read_notice(content: bytes | str, source: str) -> Target:
    """Read a notice (JSON).

    Parameters
    ----------
    content : bytes or str
    source : str
        What to call it in messages.

    Raises
    ------
    Retracted
        It takes back what was announced.
    ValueError
        It is no notice, or has no position.

    Examples
    --------
    >>> read_notice('{"id": "X", "ra": 10.0, "dec": 5.0, "ra_dec_error": 2.0}', "notice").name
    'X'
    """
    try:
        notice = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"INPUT {source}: not a JSON notice ({error})") from None
    if not isinstance(notice, dict):
        raise ValueError(f"INPUT {source}: a notice is a JSON object, this is {type(notice).__name__}")
    try:
        return _notice(notice, source)
    except (ValueError, TypeError, OverflowError) as error:
        if source in str(error):
            raise
        raise ValueError(f"INPUT {source}: not a notice that can be followed up ({error})") from error


def retracted_event(content: bytes | str, source: str) -> str | None:
    """Name of the event that a notice retracts; None for any other notice, and for what is none.

    Examples
    --------
    >>> retracted_event('{"superevent_id": "S1", "alert_type": "RETRACTION"}', "notice")
    'S1'
    """
    try:
        notice = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return _name(notice, source) if isinstance(notice, dict) and _retracts(notice) else None


def _retracts(notice: dict[str, Any]) -> bool:
    return str(notice.get("alert_type", "")).lower() == "retraction"


def _name(notice: dict[str, Any], source: str) -> str:
    name = notice.get("superevent_id") or notice.get("event_name") or notice.get("ref_ID") or notice.get("id") or source
    return str(name[0] if isinstance(name, list) else name)


def _position(text: str) -> Target:
    try:
        ra, dec, radius = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"INPUT {text!r}: expected three numbers RA,DEC,RADIUS in degrees") from None
    return Target(f"RA {ra:.2f}, Dec {dec:+.2f}", _circle(ra, dec, radius, 0.9), None, text)


def _circle(ra: float, dec: float, radius: float, containment: float) -> Any:
    """Gaussian that holds `containment` within `radius` (degrees)."""
    if not (-360 <= ra <= 360 and -90 <= dec <= 90 and 0 < radius <= 90):
        raise ValueError(
            f"RA {ra:g}, Dec {dec:g}, radius {radius:g} is no position in degrees: "
            "RA -360 … 360, Dec -90 … 90, radius 0 … 90, above 0"
        )
    if not 0 < containment < 1:
        raise ValueError(f"containment_probability {containment!r} must be between 0 and 1")
    sigma = radius / np.sqrt(-2 * np.log1p(-containment))
    return gaussian(float(np.radians(ra)), float(np.radians(dec)), fwhm=float(np.radians(_FWHM * sigma)))


def _notice(notice: dict[str, Any], source: str) -> Target:
    name = _name(notice, source)
    if _retracts(notice):
        raise Retracted(name, source)
    event = notice.get("event")
    if isinstance(event, dict) and event.get("skymap"):
        return Target(name, _decoded(event["skymap"], source), _mjd(event.get("time")), source)
    inner = notice.get("localization")
    place: dict[str, Any] = inner if isinstance(inner, dict) else notice
    mjd = _mjd(notice.get("trigger_time"))
    if place.get("healpix_file"):
        return Target(name, _decoded(place["healpix_file"], source), mjd, source)
    if place.get("healpix_url"):
        raise ValueError(f"INPUT {source}: the map is at {place['healpix_url']}; fetch it, and give the file")
    error = place.get("ra_dec_error")
    if isinstance(error, list):
        error = max(error[:2]) if error else None  # the circle around an ellipse
    if error is None or place.get("ra") is None or place.get("dec") is None:
        raise ValueError(f"INPUT {source}: the notice has no sky map and no ra, dec, ra_dec_error; give the map itself")
    sky = _circle(
        float(place["ra"]), float(place["dec"]), float(error), float(place.get("containment_probability", 0.9))
    )
    return Target(name, sky, mjd, source)


def _decoded(text: str, source: str) -> Any:
    try:
        return read_sky_map(base64.b64decode(text, validate=False))
    except (ValueError, OSError) as error:
        raise ValueError(f"INPUT {source}: the map in the notice cannot be read ({error})") from error


def _map_time(sky: Any, source: str) -> float | None:
    """When the event of a map was, as its header says."""
    header = sky.record.header if sky.record is not None else {}
    for key in ("MJD-OBS", "EVENTMJD"):  # the second in IceCube's alert maps
        text = str(header.get(key, "")).strip()
        if not text:
            continue
        try:
            mjd = float(text)
        except ValueError:
            mjd = np.nan
        if not 0 < mjd < LAST_MJD:
            raise ValueError(
                f"INPUT {source}: {key}={text} in the header is no MJD, such as 60201.5; correct or remove it"
            )
        return mjd
    return None


_ZONE = re.compile(r"[+-]\d\d:?\d\d$")


def _mjd(time: Any) -> float | None:
    if time is None:
        return None
    from astropy.time import Time

    text = str(time).strip()
    try:
        if _ZONE.search(text) and ":" in text[:-5]:  # of Python's datetime; astropy knows no zones
            moment = datetime.fromisoformat(text).astimezone(timezone.utc)
            return float(Time(moment.replace(tzinfo=None), scale="utc").mjd)
        return float(Time(text.removesuffix("Z"), scale="utc").mjd)
    except ValueError:
        raise ValueError(f"its time {time!r} is no date such as 2023-09-14T11:14:01Z") from None
