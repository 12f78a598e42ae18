"""``energy='customflux'``: which spectrum the energy term has, from csky's ways to say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.hyp import SumFlux

if TYPE_CHECKING:
    from nusky.hyp import Flux

__all__ = ["custom_flux", "one_flux", "spectra_of"]

_KEY = "CustomFluxEnergyPDFRatioModel"


def spectra_of(call: str, flux: Any, src: Any) -> tuple[Flux, ...] | None:
    """The spectrum of each source of a stack, where csky's list has several; None for one that all share.

    Raises
    ------
    ValueError
        Neither one nor one for each source.
    """
    if src is None or not isinstance(flux, (list, tuple, np.ndarray)) or len(flux) < 2:
        return None
    if len(flux) != len(src):
        raise ValueError(f"{call}: flux holds {len(flux)} spectra for {len(src)} sources: give one, or one for each")
    return tuple(flux)


def one_flux(call: str, flux: Any, src: Any = None) -> Any:
    """The flux, also as csky's list of one; with the sources of a stack also the sum of one for each.

    Raises
    ------
    ValueError
        Several fluxes without a stack, or not one for each of its sources.
    """
    each = spectra_of(call, flux, src)
    if each is not None:
        return SumFlux(each, (src.weight / src.weight.sum()).tolist())
    if isinstance(flux, (list, tuple, np.ndarray)):
        if len(flux) != 1:
            raise ValueError(f"{call}: flux holds {len(flux)} spectra; give one for all sources")
        return flux[0]
    return flux


def custom_flux(call: str, values: Mapping[str, Any], src: Any = None) -> dict[str, Any]:
    """Likelihood options ``flux`` and ``flux_bins``; with the sources of a stack `src` a flux may be a list.

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
        return {"flux": one_flux(call, flux, src), "flux_bins": None}
    if len(bins) != 2:
        raise ValueError(f"{call}: bins must be (sindec edges, log10energy edges), got {len(bins)} entries")
    edges = tuple(tuple(np.asarray(axis, dtype=np.float64).tolist()) for axis in bins)
    return {"flux": one_flux(call, flux, src), "flux_bins": edges}
