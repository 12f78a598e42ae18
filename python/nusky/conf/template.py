"""The keywords of templates: a map becomes a `SkyMap`, or an error that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nusky.conf.settings import Settings
    from nusky.hyp import PixelSpectra
    from nusky.hypotheses import TemplateTrialRunner
    from nusky.likelihood import LikelihoodOptions
    from nusky.maps import SkyMap

__all__ = ["check_template", "read_spectra", "read_template", "template_runner"]

# A Gaussian has 3e-4 of itself beyond so many σ
_LEAST_CUT = 4.0


def check_template(call: str, merged: Mapping[str, Any], explicit: Mapping[str, Any]) -> None:
    """Refuse what has a meaning only with ``template=``.

    Raises
    ------
    ValueError, TypeError
    """
    if merged.get("template") is not None:
        if merged.get("space") not in (None, "template"):
            raise ValueError(f"{call}: space={merged['space']!r} does not go with template=, only 'template'")
        return
    if merged.get("space") == "template":
        raise ValueError(
            f"{call}: space='template' is not supported without template=, the map; get_trial_runner has it"
        )
    if call == "get_trial_runner":
        for key in ("nest", "frame", "bins_energy"):
            if key in explicit:
                raise TypeError(f"{call}: {key}= says how a map is given, and there is no template=")


def read_template(call: str, value: Any, nest: bool, frame: str | None) -> SkyMap:
    """A template as a map of flux shares.

    Parameters
    ----------
    value : (npix,) array, object with ``.map``, or what `read_sky_map` gives

    Raises
    ------
    ValueError, TypeError
        For negative, missing or infinite pixels, a map of zeros, a length that is no full sky, a frame that is unknown
        or not that of the map.
    """
    from nusky.maps import MultiOrderMap, SkyMap
    from nusky.priors import PriorPolicy, SpatialPrior

    read = isinstance(value, (SkyMap, MultiOrderMap, SpatialPrior))
    if read and frame not in (None, "equatorial"):
        raise ValueError(
            f"{call}: frame={frame!r}, but this template was read and turned to equatorial; leave frame= out"
        )
    if not read:
        array = np.asarray(getattr(value, "map", value))
        if array.dtype.kind in "fiu":
            for what, bad in (("negative", array < 0), ("not a number", np.isnan(array))):
                if bad.any() and not np.ma.isMaskedArray(value):
                    first = int(np.flatnonzero(bad)[0])
                    raise ValueError(
                        f"{call}: template[{first}] = {array.ravel()[first]:g} is {what} ({np.count_nonzero(bad)} such "
                        "pixels); a flux is 0 or more: set them to what they are meant to be"
                    )
    try:
        policy = None if read else PriorPolicy(frame="equatorial" if frame is None else frame)  # type: ignore[arg-type]
        prior = SpatialPrior(value, nest=nest, policy=policy)
    except (TypeError, ValueError) as error:
        text = str(error).replace("; a prior needs at least one positive pixel", "; nothing shines")
        raise type(error)(f"{call}: template: {text}") from error
    wrong = {reason: n for reason, n in prior.repaired.items() if reason in ("nan", "negative")}
    if wrong:
        listed = ", ".join(f"{n} {reason}" for reason, n in wrong.items())
        raise ValueError(f"{call}: the template has {listed} pixels; a flux is 0 or more: mend the map and say how")
    if isinstance(value, SkyMap):
        return value
    return SkyMap(prior.probability) if prior.record is None else SkyMap(prior.probability, prior.record)


def read_spectra(call: str, value: Any, energy_bins: Any, nest: bool, frame: str | None) -> PixelSpectra | None:
    """A template with a spectrum in each pixel; None for one that is a map.

    Parameters
    ----------
    value : (npix, M) array, or (it, energy_bins) as `Repository.get_template` gives them
    energy_bins : (M + 1,) GeV
        csky's ``bins_energy=``.

    Raises
    ------
    ValueError
        No edges of energy, or edges for a map without energies; or as `PixelSpectra`.
    """
    from nusky.hyp import PixelSpectra

    if isinstance(value, tuple) and len(value) == 2:
        if energy_bins is not None:
            raise ValueError(f"{call}: template= brings its edges of energy; leave bins_energy= out")
        value, energy_bins = value
    array = getattr(value, "map", value) if not hasattr(value, "probability") else None
    if array is None or np.ndim(array) != 2:
        if energy_bins is not None:
            raise ValueError(f"{call}: bins_energy= is for a template with a spectrum in each pixel, (npix, M)")
        return None
    if energy_bins is None:
        raise ValueError(
            f"{call}: the template is {np.shape(array)}, a spectrum in each pixel; give the edges of its energies, "
            f"bins_energy= ({np.shape(array)[1] + 1} values, GeV)"
        )
    try:
        spectra = PixelSpectra(array, energy_bins)
    except ValueError as error:
        raise ValueError(f"{call}: {error}") from error
    if not nest and frame in (None, "equatorial"):
        return spectra
    turned = np.zeros(spectra.flux.shape)
    for m, column in enumerate(spectra.flux.T):
        if column.any():
            turned[:, m] = read_template(call, column, nest, frame).probability * column.sum()
    return PixelSpectra(turned, energy_bins)


def template_runner(settings: Settings, inj_conf: Mapping[str, Any] | None) -> TemplateTrialRunner:
    """The runner of ``get_trial_runner(template=…)``."""
    from dataclasses import replace

    from nusky.hypotheses import TemplateTrialRunner
    from nusky.maps import SkyMap
    from nusky.sphere import check_nest

    call = settings.call
    if settings.get("src") is not None:
        raise ValueError(f"{call}: src= and template= are two hypotheses; give one (a time window goes into src_tr=)")
    if settings.get("ts_to_p") is not None:
        raise ValueError(f"{call}: ts_to_p takes a declination, and a template has none; ask a TSD of its own trials")
    cut = settings.get("cut_n_sigma", 5.0)
    injected = settings.injected(inj_conf)
    where = settings.template()
    # That the signal is the template's follows from template=
    steady = {key: value for key, value in settings.values.items() if (key, value) != ("sig", "template")}
    unsigned = {key: value for key, value in injected.items() if (key, value) != ("sig", "template")}
    how = bool(check_nest(settings.get("nest", False))), settings.get("frame")
    spectra = read_spectra(call, settings.get("template"), settings.get("bins_energy"), *how)
    likelihood, by_pixel = _energy_term(settings, spectra)
    if cut < _LEAST_CUT:
        raise ValueError(
            f"{call}: cut_n_sigma={cut:g}: a template is smeared without a cut; leave it out (from "
            f"{_LEAST_CUT:g} on it makes no difference)"
        )
    return TemplateTrialRunner(
        analysis=settings.analysis(),
        template=read_template(call, settings.get("template"), *how) if spectra is None else SkyMap(spectra.shares),
        spectra=spectra,
        by_pixel=by_pixel,
        sigsub=bool(settings.get("sigsub", False)),
        likelihood=replace(likelihood, cut_n_sigma=5.0),
        injection=settings.injection(unsigned),
        transient=replace(settings, values=steady).transient(where, unsigned),
        **settings.background(injected),
        mp_cpus=settings.get("mp_cpus"),
        update_bg=bool(settings.get("update_bg", False)),
    )


def _energy_term(settings: Settings, spectra: PixelSpectra | None) -> tuple[LikelihoodOptions, bool]:
    """What is fitted, and whether the energy term is that of each pixel's spectrum."""
    from nusky.likelihood import LikelihoodOptions

    if spectra is None:
        return settings.likelihood(0.0), False
    given = settings.get("energy"), settings.get("gamma"), dict(settings.get("fitter_args") or {}).get("gamma")
    if all(one is None for one in given) and settings.get("CustomFluxEnergyPDFRatioModel") is None:
        return LikelihoodOptions("flux", flux=spectra.total, extension=settings.get("extension", 0.0)), True
    likelihood = settings.likelihood(0.0)
    if likelihood.mode == "fit":
        raise ValueError(
            f"{settings.call}: γ is not free where the template has a spectrum in each pixel: leave energy= out (the "
            "energy term is that of the pixels), or give energy='customflux' and flux=, gamma=, or energy=False"
        )
    return likelihood, False
