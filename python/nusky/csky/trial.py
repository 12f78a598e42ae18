"""csky's `trial`: what its scripts take from there beside a trial itself; ``cy.trial.<name>`` finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nusky.analysis import Analysis
from nusky.catalogs import MultiTrialRunner
from nusky.conf import get_sky_scan_trial_runner, get_spatial_prior_trial_runner
from nusky.conf import get_trial_runner as from_settings
from nusky.csky.inj import DataInjector, PointSourceInjector, RARandomizer
from nusky.csky.llh import LLHModel
from nusky.runners import SkyScanTrialRunner, SpatialPriorTrialRunner, TrialRunner

__all__ = [
    "MultiTrialRunner",
    "SkyScanTrialRunner",
    "SpatialPriorTrialRunner",
    "TrialRunner",
    "get_sky_scan_trial_runner",
    "get_spatial_prior_trial_runner",
    "get_trial_runner",
]


def get_trial_runner(
    ana: Any = None,
    /,
    get_llh: Callable[..., Any] | Mapping[str, Any] | None = None,
    get_injs: Callable[..., Any] | None = None,
    fitter_args: Mapping[str, Any] | None = None,
    llh_kw: Mapping[str, Any] | None = None,
    inj_kw: Mapping[str, Any] | None = None,
    mp_cpus: int | None = None,
    **settings: Any,
) -> Any:
    """A runner from models and injectors built by hand, season by season; or, without them, that of the settings.

    The functions are called for every season and say which runner it is: its sources, spectrum, cut, energy term and
    signal subtraction. They must say the same for all.

    Parameters
    ----------
    ana : Analysis
        Or a configuration, as for `nusky.get_trial_runner`.
    get_llh : callable
        ``get_llh(season, **llh_kw)`` gives an `nusky.csky.llh.LLHModel`.
    get_injs : callable
        ``get_injs(season, llh_model, **inj_kw)`` gives the injectors of real data, background and signal (or None).
    fitter_args, llh_kw, inj_kw : dict, optional
    mp_cpus : int, optional
    **settings
        Of `nusky.get_trial_runner`.

    Raises
    ------
    TypeError, ValueError
        Other models or injectors than those of `nusky.csky`, or ones that differ between seasons.
    """
    if ana is None and callable(get_llh):
        ana = settings.pop("ana", None)
    if not isinstance(ana, Analysis) or not callable(get_llh) or get_injs is None:
        if mp_cpus is not None:
            settings["mp_cpus"] = mp_cpus
        conf: Any = get_llh
        return (
            from_settings(conf, ana=ana, **settings)
            if isinstance(ana, Analysis)
            else from_settings(ana, conf, **settings)
        )
    read = []
    for season in ana:
        model = get_llh(season, **(llh_kw or {}))
        injectors = get_injs(season, model, **(inj_kw or {}))
        read.append(_read(season, model, injectors))
    first = read[0]
    for season, other in zip(ana, read, strict=True):
        for name, value in other.items():
            if name != "src" and value != first[name]:
                raise ValueError(f"season {season.key} has {name}={value!r}, the first one {first[name]!r}")
            if name == "src" and value is not first["src"]:
                raise ValueError(f"season {season.key} has other sources than the first one")
    given = {name: value for name, value in first.items() if value is not None}
    cut = (inj_kw or {}).get("cut_n_sigma")
    if cut is not None:
        given["cut_n_sigma"] = cut
    return from_settings({"fitter_args": dict(fitter_args or {}), **given}, ana=ana, mp_cpus=mp_cpus, **settings)


def _read(season: Any, model: Any, injectors: Any) -> dict[str, Any]:
    if not isinstance(model, LLHModel):
        raise TypeError(f"get_llh must give a csky.llh.LLHModel for {season.key}, got {type(model).__name__}")
    if not isinstance(injectors, (tuple, list)) or len(injectors) != 3:
        raise TypeError("get_injs must give three injectors: real data, background, signal")
    truth, background, signal = injectors
    for name, one in (("real data", truth), ("background", background)):
        if not isinstance(one, DataInjector):
            raise TypeError(f"the injector of {name} must be a DataInjector, got {type(one).__name__}")
    if truth.randomizers:
        raise ValueError("the injector of real data has randomizers: the real sky is not randomised")
    kinds = [one if isinstance(one, type) else type(one) for one in background.randomizers]
    if kinds != [RARandomizer]:
        names = ", ".join(kind.__name__ for kind in kinds) or "none"
        raise ValueError(f"background is randomised by RARandomizer() here, got {names}; randomize= has DecRandomizer")
    space = model.pdf_ratio_model.space_model
    found: dict[str, Any] = {
        "src": space.src,
        "sigsub": bool(model.sigsub),
        "energy": "fit" if model.pdf_ratio_model.energy_model is not None else False,
        "flux": None,
        "sindec_bandwidth": None,
    }
    if signal is not None:
        if not isinstance(signal, PointSourceInjector):
            raise TypeError(f"the injector of signal must be a PointSourceInjector, got {type(signal).__name__}")
        if signal.src is not space.src:
            raise ValueError("signal is injected where it is fitted: give both the same sources")
        found |= {"flux": signal.flux, "sindec_bandwidth": signal.sindec_bandwidth}
    return found
