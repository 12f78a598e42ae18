"""``randomize=``, ``dec_rand_*=`` and ``bg_weight_names=``: how background trials are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nusky.injection import DecRandomization, SimulatedBackground

__all__ = ["dec_randomization", "simulated_background"]

_NAMES = {"ra": "ra", "RARandomizer": "ra", "dec": "dec", "DecRandomizer": "dec"}
_OF_DEC = ("dec_rand_method", "dec_rand_kwargs", "dec_rand_pole_exlusion")


def dec_randomization(call: str, values: Mapping[str, Any]) -> DecRandomization | None:
    """New declinations, or None: right ascensions only. Without a width an event moves by its own angular error.

    Raises
    ------
    ValueError
        A randomiser that is not there, right ascensions that stay, or settings of declinations without them.
    TypeError
        An unknown setting.

    Examples
    --------
    >>> width = {"randomization_width": 0.05}
    >>> dec_randomization("get_trial_runner", {"randomize": ["ra", "dec"], "dec_rand_kwargs": width})
    DecRandomization(width=0.05, pole_exclusion=0.0)
    """
    given = values.get("randomize", ["ra"])
    chosen = set()
    for one in given if isinstance(given, (list, tuple)) else [given]:
        kind = one if isinstance(one, (str, type)) else type(one)
        name = kind if isinstance(kind, str) else kind.__name__
        if name not in _NAMES:
            raise ValueError(f"{call}: randomize={given!r}: {name} is not there, only 'ra' and inj.DecRandomizer")
        chosen.add(_NAMES[name])
    if "ra" not in chosen:
        raise ValueError(f"{call}: randomize={given!r}: background needs new right ascensions, 'ra'")
    if "dec" not in chosen:
        for key in _OF_DEC:
            if values.get(key) is not None:
                raise ValueError(f"{call}: {key} needs randomize=['ra', inj.DecRandomizer]")
        return None
    settings = dict(values.get("dec_rand_kwargs") or {})
    width = settings.pop("randomization_width", None)
    if settings:
        raise TypeError(
            f"{call}: dec_rand_kwargs has {', '.join(map(repr, settings))}; there is randomization_width only"
        )
    if width is None and values.get("dec_rand_method") is not None:
        raise ValueError(f"{call}: randomised declinations need dec_rand_kwargs={{'randomization_width': rad}}")
    return DecRandomization(width, values.get("dec_rand_pole_exlusion") or 0.0)


def simulated_background(values: Mapping[str, Any]) -> SimulatedBackground | None:
    """Background from simulation, ``bg_weight_names=``; None: from the data.

    Raises
    ------
    ValueError, TypeError
        What is no list of names.

    Examples
    --------
    >>> simulated_background({"bg_weight_names": ["conv"]})
    SimulatedBackground(names=('conv',))
    """
    names = values.get("bg_weight_names")
    return None if names is None else SimulatedBackground(names)
