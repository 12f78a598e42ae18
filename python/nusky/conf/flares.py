"""``time='utf'`` and ``sig='tw'``: from csky's ways to say what flare is looked for, and when signal is injected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.conf.markers import UTFSeeder
from nusky.source import TimeWindow
from nusky.transients import FlareOptions, SignalWindow, box_edges

if TYPE_CHECKING:
    from nusky.conf.settings import Settings

__all__ = ["FLARE_KEYS", "flare_options", "map_flare", "of_several_flares", "several_flares", "signal_window"]

#: Keywords that only a flare gives a meaning, and how they are called in `FlareOptions`.
FLARE_KEYS = {"dt_min": "dt_min", "dt_max": "dt_max", "box_mode": "box_mode"}

_OF_SEVERAL = {"threshold": "seeder", "max_dt": "dt_max"}

_SIGNAL_KEYS = frozenset({"t0", "dt", "box", "box_mode", "flux"})

#: A Gaussian is a box of this length, days, with tails.
_NO_BOX = 1e-6


def several_flares(call: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of several flares, in the words of one: `threshold` is that of a seeder, `max_dt` is `dt_max`.

    Raises
    ------
    TypeError
        The same is said twice.

    Examples
    --------
    >>> several_flares("get_multiflare_trial_runner", {"max_dt": 20})
    {'time': 'utf', 'box': True, 'dt_max': 20}
    """
    said = {"time": "utf", "box": True, **{key: value for key, value in values.items() if key not in _OF_SEVERAL}}
    for name, twin in _OF_SEVERAL.items():
        value = values.get(name)
        if value is None:
            continue
        if said.get(twin) is not None:
            raise TypeError(f"{call}: {name} and {twin} say the same: give one of them")
        said[twin] = UTFSeeder(value) if twin == "seeder" else value
    return said


def of_several_flares(settings: Settings) -> Settings:
    """With ``multiflare=True`` the same settings in the words of one flare.

    Raises
    ------
    ValueError
        Keywords of several flares without it.
    """
    if settings.get("multiflare"):
        return replace(settings, values=several_flares(settings.call, settings.values))
    if given := [key for key in (*_OF_SEVERAL, "ts_min") if settings.get(key) is not None]:
        raise ValueError(f"{settings.call}: {given[0]} is that of several flares: add multiflare=True")
    return settings


def map_flare(settings: Settings, inj_conf: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a runner of maps for the flares that are looked for; empty without any.

    Raises
    ------
    ValueError
        A light curve, or ``sig='tw'`` without a flare.
    """
    if settings.light_curves or "lc" in (settings.get("sig"), inj_conf.get("sig")):
        raise ValueError(f"{settings.call}: light curves are those of one source: get_trial_runner(src=…, time='lc')")
    flare, window = settings.flare(), settings.signal_window(inj_conf)
    if flare is None and window is not None:
        raise ValueError(f"{settings.call}: sig='tw' needs time='utf' here; get_trial_runner takes it without")
    if flare is None:
        return {}
    several = {"least_ts": settings.get("ts_min", 2.0)} if settings.get("multiflare") else {}
    return {"flare": flare, "signal_window": window or SignalWindow(use_grl=flare.use_grl), **several}


def _one_number(call: str, name: str, value: Any) -> float:
    """A number, also as an array of one, as the columns of a source are."""
    if np.shape(value) == (1,):
        value = value[0]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{call}: {name} must be a number, got {value!r}; make a runner for each window")
    return float(value)


def flare_options(call: str, values: Mapping[str, Any]) -> FlareOptions:
    """The flare of ``time='utf'``.

    ``box=True`` (False: a Gaussian), ``box_mode``, ``dt_min``, ``dt_max`` (days),
    ``seeder=seeding.UTFSeeder(threshold=)``, ``fitter_args={'t0': MJD}`` holds t0, ``prior=None`` takes the penalty
    for short windows away, `use_grl`, `extended`.

    Raises
    ------
    ValueError, TypeError

    Examples
    --------
    >>> flare_options("get_trial_runner", {"box": True, "dt_max": 200, "prior": None}).penalty
    False
    """
    box = values.get("box")
    if box not in (True, False):
        raise ValueError(
            f"{call}: box={box!r}: say box=True (a box in time) or box=False (a Gaussian), time='utf' fits either"
        )
    given = {name: values[key] for key, name in FLARE_KEYS.items() if values.get(key) is not None}
    seeder = values.get("seeder")
    if seeder is not None:
        if not isinstance(seeder, UTFSeeder):
            raise TypeError(f"{call}: seeder must be seeding.UTFSeeder(threshold=…), got {seeder!r}")
        if seeder.threshold is not None:
            given["threshold"] = seeder.threshold
    if "t0" in dict(values.get("fitter_args") or {}):
        t0 = values["fitter_args"]["t0"]
        given["t0"] = t0[0] if np.shape(t0) == (1,) else t0
    if "prior" in values:
        if values["prior"] is not None:
            raise ValueError(f"{call}: prior={values['prior']!r} is not there; prior=None takes the penalty away")
        given["penalty"] = False
    return FlareOptions(
        **given,
        shape="box" if box else "gauss",
        use_grl=values.get("use_grl", True) is not False,
        extended=values.get("extended") is True,
    )


def signal_window(call: str, values: Mapping[str, Any], inj_conf: Mapping[str, Any]) -> SignalWindow | None:
    """The window of ``sig='tw'``: ``t0`` (MJD), ``dt`` (days), ``box``, ``box_mode`` of ``sig_kw`` or ``inj_conf``.

    A box is around t0 ("center"), after it ("post") or before it ("pre"). With ``box=False`` the signal is a Gaussian
    in time around t0, of width dt, cut at 4 dt.

    Raises
    ------
    ValueError, TypeError
        Keys missing or unknown.

    Examples
    --------
    >>> signal_window("get_trial_runner", {"sig": "tw", "sig_kw": {"t0": 55700, "dt": 2, "box": True}}, {}).window.mjd
    55699.0
    """
    if inj_conf.get("sig", values.get("sig")) != "tw":
        return None
    kw = values.get("sig_kw") or {}
    if not isinstance(kw, Mapping):
        raise TypeError(f"{call}: sig_kw must be a dictionary, got {type(kw).__name__}")
    if unknown := sorted(set(kw) - _SIGNAL_KEYS):
        raise TypeError(
            f"{call}: sig_kw has the unknown key {unknown[0]!r}; known are {', '.join(sorted(_SIGNAL_KEYS))}"
        )
    given = {**kw, **{key: inj_conf[key] for key in _SIGNAL_KEYS if key in inj_conf}}
    if missing := [key for key in ("t0", "dt") if given.get(key) is None]:
        raise ValueError(f"{call}: sig='tw' needs {' and '.join(missing)}: sig_kw=dict(t0=MJD, dt=days, box=True)")
    t0, dt = (_one_number(call, f"sig_kw {key}", given[key]) for key in ("t0", "dt"))
    if not dt > 0:
        raise ValueError(f"{call}: sig_kw dt={dt!r} must be days above 0")
    use_grl = values.get("use_grl", True) is not False
    if given.get("box", True) is False:
        return SignalWindow(TimeWindow(t0 - 0.5 * _NO_BOX, _NO_BOX, dt), use_grl)
    mode: Any = given.get("box_mode") or values.get("box_mode") or "center"
    if mode not in ("center", "post", "pre"):
        raise ValueError(f"{call}: box_mode={mode!r} is not known; use 'center', 'post' (starts at t0) or 'pre'")
    start, stop = box_edges(t0, dt, mode)
    return SignalWindow(TimeWindow(start, stop - start), use_grl)
