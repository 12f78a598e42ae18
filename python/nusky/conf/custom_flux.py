"""``energy='customflux'``: which spectrum the energy term has, from csky's ways to say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["custom_flux", "one_flux"]

_KEY = "CustomFluxEnergyPDFRatioModel"


def one_flux(call: str, flux: Any) -> Any:
    """The flux, also as csky's list of one.

    Raises
    ------
    ValueError
        Several fluxes.
    """
    if isinstance(flux, (list, tuple)):
        if len(flux) != 1:
            raise ValueError(f"{call}: flux holds {len(flux)} spectra; give one for all sources")
        return flux[0]
    return flux


def custom_flux(call: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Likelihood options ``flux`` and ``flux_bins``.

    The flux is that under `CustomFluxEnergyPDFRatioModel`, else ``flux=``. There also ``hkw=dict(bins=(sin δ edges,
    log10 E edges))``; ``features`` and ``normalize_axes`` must say what is done, ``["sindec", "log10energy"]`` and [1].

    Raises
    ------
    ValueError, TypeError
        No flux, or a model of other features.

    Examples
    --------
    >>> from nusky.hyp import PowerLawFlux
    >>> custom_flux("get_trial_runner", {"flux": PowerLawFlux(2.7)})["flux"].gamma
    2.7
    """
    model = values.get(_KEY) or {}
    if not isinstance(model, Mapping):
        raise TypeError(f"{call}: {_KEY} must be a dictionary, got {type(model).__name__}")
    if unknown := sorted(set(model) - {"flux", "hkw", "features", "normalize_axes"}):
        raise TypeError(
            f"{call}: {_KEY} has the unknown key {unknown[0]!r}; known are features, flux, hkw, normalize_axes"
        )
    flux = model.get("flux", values.get("flux"))
    if flux is None:
        raise ValueError(f"{call}: energy='customflux' needs the spectrum: flux=hyp.PowerLawFlux(…)")
    if list(model.get("features", ["sindec", "log10energy"])) != ["sindec", "log10energy"]:
        raise ValueError(f"{call}: features={model['features']!r} is not there, only ['sindec', 'log10energy']")
    if np.ravel(model.get("normalize_axes", [1])).tolist() != [1]:
        raise ValueError(f"{call}: normalize_axes={model['normalize_axes']!r} is not there, only [1] (log10 energy)")
    hkw = dict(model.get("hkw") or {})
    bins = hkw.pop("bins", None)
    if hkw:
        raise ValueError(f"{call}: hkw has {', '.join(map(repr, hkw))}; only bins can be chosen")
    if bins is None:
        return {"flux": one_flux(call, flux), "flux_bins": None}
    if len(bins) != 2:
        raise ValueError(f"{call}: bins must be (sindec edges, log10energy edges), got {len(bins)} entries")
    edges = tuple(tuple(np.asarray(axis, dtype=np.float64).tolist()) for axis in bins)
    return {"flux": one_flux(call, flux), "flux_bins": edges}
