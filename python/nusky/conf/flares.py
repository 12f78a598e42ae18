"""``time='utf'`` and ``sig='tw'``: from csky's ways to say what flare is looked for, and when signal is injected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nusky.conf.markers import UTFSeeder
from nusky.source import TimeWindow
from nusky.transients import FlareOptions, SignalWindow, box_edges

__all__ = ["FLARE_KEYS", "flare_options", "signal_window"]

#: Keywords that only a flare gives a meaning, and how they are called in `FlareOptions`.
FLARE_KEYS = {"dt_min": "dt_min", "dt_max": "dt_max", "box_mode": "box_mode"}

_SIGNAL_KEYS = frozenset({"t0", "dt", "box", "box_mode", "flux"})

#: A Gaussian is a box of this length, days, with tails.
_NO_BOX = 1e-6


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
        given["t0"] = values["fitter_args"]["t0"]
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
    for key in ("t0", "dt"):
        if isinstance(given[key], bool) or not isinstance(given[key], (int, float)):
            raise TypeError(f"{call}: sig_kw {key} must be a number, got {given[key]!r}; make a runner for each window")
    t0, dt = float(given["t0"]), float(given["dt"])
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
