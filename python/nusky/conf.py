"""csky's factories and `CONF`: they gather settings from three places and hand them on as arguments.

Explicit keywords win over the `conf` dictionary, which wins over `CONF`. Nothing below this module reads a global.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nusky.injectors import InjectionOptions
    from nusky.likelihood import LikelihoodOptions
    from nusky.mixed_pixels import MultiOrderPixels
    from nusky.pixels import PixelSet
    from nusky.point_source import TrialRunner
    from nusky.prior_runner import SpatialPriorTrialRunner
    from nusky.priors import SpatialPrior
    from nusky.refinement import Refinement
    from nusky.sky_scan_runner import SkyScanTrialRunner
    from nusky.source import Sources
    from nusky.transient import TransientOptions

__all__ = [
    "CONF",
    "get_sky_scan_trial_runner",
    "get_spatial_prior_trial_runner",
    "get_trial_runner",
]

CONF: dict[str, Any] = {}
"""Settings of the session, such as ``CONF["ana"] = ana`` or ``CONF["mp_cpus"] = 4``; starts empty."""

_COMMON = {
    "ana",
    "src",
    "flux",
    "gamma",
    "energy",
    "fitter_args",
    "cut_n_sigma",
    "extension",
    "sindec_bandwidth",
    "mp_cpus",
    "ts_to_p",
    "src_tr",
    "src_kw",
    "time",
    "extended",
    "sig",
    "scramble",
    "use_grl",
    "off_days",
}
_PIXELS = {"nside", "min_dec", "max_dec", "pixmask", "cone", "refine", "refine_max", "logging"}
_PRIOR = {"llh_priors", "nest", "prior_policy", "prior_weight", "prior_zero", "frame", "containment", "prior_floor"}
_PRIOR |= {"pixels", "min_nside", "max_nside", "combine"}
_KEYS = {
    "get_trial_runner": _COMMON,
    "get_sky_scan_trial_runner": _COMMON | _PIXELS,
    "get_spatial_prior_trial_runner": _COMMON | _PIXELS | _PRIOR,
}
_INJECTION = {"flux", "src", "sindec_bandwidth", "in_pixel", "by", "extension", "priors", "nest", "sig"}
_INJECTION_OPTIONS = ("flux", "sindec_bandwidth", "in_pixel", "by", "extension")

_NOT_NEEDED = {
    "extra_keep": "events always keep their energy",
    "concat_evs": "events of all seasons go to the fit as they are",
    "full_sky": "scans always see the full sky",
    "get_pixmask": "pixels that cannot win are left out anyway",
    "update_bg": "the background model is the season's own",
    "seeder": "the fit finds the global maximum without seeds",
    "mp_scan_cpus": "mp_cpus holds for trials and scans",
    "mp_nice": "use the operating system's nice",
    "dir": "belongs to get_analysis",
}
"""Keys of csky that are accepted and have no effect, with the reason why none is needed."""

_ONLY: dict[str, tuple[Any, ...]] = {
    "space": ("ps", "prior"),
    "sigsub": (False,),
    "randomize": ("ra", ["ra"], ("ra",)),
    "TRUTH": (False,),
    "box": (None,),
}
"""Keys of csky that select models: only these values mean what the runners do."""

_STEADY: dict[str, tuple[Any, ...]] = {
    "time": ("utf", None),
    "sig": ("ps", "prior", None),
    "extended": (False, None),
    "scramble": ("ra", None),
    "use_grl": (True, None),
}
"""Values of the keys that belong to a time window, without one."""

_WINDOW: dict[str, tuple[Any, ...]] = {
    "time": ("transient", None),
    "sig": ("ps", "prior", "transient", None),
    "extended": (True, None),
    "scramble": ("ra", "time", None),
    "use_grl": (True, False, None),
}
"""The same with a window."""

_FITTER_NOT_NEEDED = {"_fmin_method", "_log_params", "_fmin_factr", "_fmin_epsilon"}


def _dictionary(call: str, name: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{call}: {name} must be a dictionary, got {type(value).__name__}")
    return dict(value or {})


def _settings(call: str, conf: Mapping[str, Any] | None, explicit: dict[str, Any]) -> dict[str, Any]:
    """One dictionary from the three places, with every key known."""
    everywhere = set().union(*_KEYS.values())
    merged: dict[str, Any] = {}
    for where, given, allowed in (
        ("CONF", CONF, everywhere),
        ("conf", _dictionary(call, "conf", conf), everywhere),
        ("keyword", explicit, _KEYS[call]),
    ):
        for key, value in given.items():
            if key in allowed:
                merged[key] = value
            elif key in _ONLY:
                if not any(value is one or value == one for one in _ONLY[key]):
                    options = " or ".join(repr(one) for one in _ONLY[key])
                    hint = "; ask get_one_fit(TRUTH=True) for the real sky" if key == "TRUTH" else ""
                    raise ValueError(f"{call}: {key}={value!r} is not supported, only {options}{hint}")
            elif key not in _NOT_NEEDED:
                raise TypeError(f"{call}: unknown {where} {key!r}{_hint(key, allowed | set(_NOT_NEEDED) | set(_ONLY))}")
    return merged


def _hint(key: str, known: set[str]) -> str:
    close = difflib.get_close_matches(str(key), sorted(known), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known are {', '.join(sorted(known))}"


def _analysis(call: str, settings: dict[str, Any]) -> Any:
    from nusky.analysis import Analysis

    ana = settings.get("ana")
    if ana is None:
        raise ValueError(f"{call} needs an analysis: set nusky.CONF['ana'] = nusky.get_analysis(...), or pass ana=")
    if not isinstance(ana, Analysis):
        raise TypeError(f"{call}: ana must come from nusky.get_analysis, got {type(ana).__name__}")
    return ana


def _likelihood(call: str, settings: dict[str, Any], extension: float) -> LikelihoodOptions:
    from nusky.likelihood import LikelihoodOptions

    energy = settings.get("energy", "fit")
    if energy not in ("fit", True, False):
        raise ValueError(f"{call}: energy={energy!r} is not supported, only 'fit' or False; gamma= fixes the spectrum")
    gamma = settings.get("gamma")
    for key, value in dict(settings.get("fitter_args") or {}).items():
        if key == "gamma":
            gamma = value if gamma is None else gamma
        elif key not in _FITTER_NOT_NEEDED:
            raise TypeError(f"{call}: unknown fitter_args {key!r}; only gamma can be fixed")
    return LikelihoodOptions(
        gamma=gamma,
        energy=energy is not False,
        cut_n_sigma=settings.get("cut_n_sigma", 5.0),
        extension=settings.get("extension", extension),
    )


def _injection(call: str, settings: dict[str, Any], inj_conf: Mapping[str, Any]) -> InjectionOptions:
    from nusky.injectors import InjectionOptions

    for key, value in inj_conf.items():
        if key not in _INJECTION:
            raise TypeError(f"{call}: unknown inj_conf key {key!r}{_hint(key, _INJECTION)}")
        if key == "sig" and value not in _WINDOW["sig"]:
            raise ValueError(f"{call}: inj_conf sig={value!r} is not supported, only 'ps', 'prior' or 'transient'")
    chosen = {key: settings[key] for key in ("flux", "sindec_bandwidth") if settings.get(key) is not None}
    chosen |= {key: inj_conf[key] for key in _INJECTION_OPTIONS if key in inj_conf}
    return InjectionOptions(**chosen)


def _template(call: str, settings: dict[str, Any]) -> Sources | None:
    """``src_tr`` (or ``src_kw``): what every scanned position is to have; its own position does not matter."""
    from nusky.source import Sources, sources

    template = settings.get("src_tr")
    kw = dict(settings.get("src_kw") or {})
    if template is None and kw:
        template = sources(0.0, 0.0, **kw)
    if template is not None and not isinstance(template, Sources):
        raise TypeError(f"{call}: src_tr must come from nusky.sources(ra, dec), got {type(template).__name__}")
    return template


def _transient(call: str, settings: dict[str, Any], src: Sources | None) -> TransientOptions | None:
    """The time window of `src`, with what the settings say about it."""
    from nusky.transient import TransientOptions
    from nusky.window import TimeWindow

    window = None if src is None else TimeWindow.of(src)
    allowed = _STEADY if window is None else _WINDOW
    for key, values in allowed.items():
        value = settings.get(key)
        if not any(value is one or value == one for one in values):
            options = " or ".join(repr(one) for one in values if one is not None)
            if window is not None:
                raise ValueError(f"{call}: {key}={value!r} does not go with a time window, only {options}")
            mend = "; it needs a time window: mjd= and t_100= in src (or src_tr)" if value in _WINDOW[key] else ""
            raise ValueError(f"{call}: {key}={value!r} is not supported, only {options}{mend}")
    if window is None:
        if settings.get("off_days") is not None:
            raise ValueError(f"{call}: off_days needs a time window: mjd= and t_100= in src (or src_tr)")
        return None
    chosen = {key: settings[key] for key in ("scramble", "use_grl", "off_days") if settings.get(key) is not None}
    return TransientOptions(window, **chosen)


def _one_extension(src: Any) -> float:
    widths = np.unique(src.extension)
    if len(widths) > 1:
        raise ValueError(f"the sources have different extensions ({widths.tolist()} rad); the likelihood fits one")
    return float(widths[0])


def _given(settings: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: settings[key] for key in keys if settings.get(key) is not None}


def _select(settings: dict[str, Any], nside: int) -> PixelSet:
    from nusky.pixels import select_pixels

    return select_pixels(nside, **_given(settings, "min_dec", "max_dec", "pixmask", "cone"))


def _refine(call: str, settings: dict[str, Any], nside: int) -> Refinement | None:
    from nusky.refinement import Refinement

    if settings.get("refine") is not None and settings.get("refine_max") is not None:
        raise TypeError(f"{call}: give refine= or csky's refine_max=, not both")
    return Refinement.of(settings.get("refine", settings.get("refine_max")), nside)


def _report(settings: dict[str, Any], pixels: PixelSet | MultiOrderPixels) -> None:
    if settings.get("logging"):
        sys.stdout.write(pixels.describe() + "\n")


def get_trial_runner(
    conf: Mapping[str, Any] | None = None, inj_conf: Mapping[str, Any] | None = None, **kw: Any
) -> TrialRunner:
    """Make a runner for one source.

    Parameters
    ----------
    conf : dict, optional
        Settings; keywords win over it, it wins over `CONF`.
    inj_conf : dict, optional
        For the injected signal only: ``flux``, ``sindec_bandwidth``, ``extension`` (rad; that of the likelihood
        by default).
    ana : Analysis
    src : Sources
        One source, from `nusky.sources`. Its extension enters the likelihood and the injection; with a time window
        (``mjd=``, ``t_100=``, ``sigma_t=``) the search is a transient one, see `TransientOptions`.
    gamma : float, optional
        Fix γ. ``fitter_args={"gamma": …}`` does the same.
    energy : 'fit' or False
        False: no energy term.
    flux : Flux
        Of the injected signal; E⁻² by default.
    cut_n_sigma : float
        Default 5.
    sindec_bandwidth : float
        Half width, in sin δ, of the band simulated events are taken from.
    scramble : {"ra", "time"}
        With a time window: background at new right ascensions, or at new times from the same local direction.
    use_grl : bool
        With a time window: False takes the detector as always on.
    off_days : float
        With a time window: take the background from so many days on both sides of it; the whole season by default.
    mp_cpus : int
        Threads.

    Returns
    -------
    TrialRunner

    Raises
    ------
    TypeError
        For an unknown key; close matches are named.
    ValueError
        Without analysis or source, or for a value that is not supported.

    Examples
    --------
    >>> import nusky as cy                                                          # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana)   # doctest: +SKIP
    """
    from nusky.point_source import TrialRunner

    call = "get_trial_runner"
    settings = _settings(call, conf, kw)
    src = settings.get("src", settings.get("src_tr"))
    if src is None:
        raise ValueError(f"{call} needs a source: pass src=nusky.sources(ra, dec)")
    injected = _dictionary(call, "inj_conf", inj_conf)
    if "src" in injected:
        raise ValueError(f"{call}: inj_conf['src'] is not supported: signal is injected where it is fitted")
    known = hasattr(src, "extension")
    return TrialRunner(
        analysis=_analysis(call, settings),
        src=src,
        likelihood=_likelihood(call, settings, _one_extension(src) if known else 0.0),
        injection=_injection(call, settings, injected),
        transient=_transient(call, settings, src if known else None),
        mp_cpus=settings.get("mp_cpus"),
        ts_to_p=settings.get("ts_to_p"),
    )


def get_sky_scan_trial_runner(
    conf: Mapping[str, Any] | None = None, inj_conf: Mapping[str, Any] | None = None, **kw: Any
) -> SkyScanTrialRunner:
    """Make a runner that fits every pixel of the sky.

    Parameters
    ----------
    conf, inj_conf
        As for `get_trial_runner`; ``inj_conf["src"]`` says where signal is injected.
    nside : int
        HEALPix resolution.
    min_dec, max_dec : float
        rad; pixels whose centre is outside are not fitted.
    pixmask, cone
        Further limits, see `select_pixels`.
    refine : bool, int or Refinement
        Look again around the hottest pixel of every trial with finer ones, True: down to nside 1024; see `Refinement`.
        `refine_max` is csky's name for it.
    logging : bool
        Print how many pixels each limit leaves.
    src : Sources, optional
        Where signal is injected (same as ``inj_conf["src"]``).
    src_tr, src_kw : optional
        What every position is to have: an extension, a time window (which may also come with `src`).
    ts_to_p : callable, optional
        ``p = ts_to_p(dec, ts)``: fills the row mlog10p, which otherwise holds TS.
    ana, gamma, energy, flux, cut_n_sigma, sindec_bandwidth, scramble, use_grl, off_days, mp_cpus
        As for `get_trial_runner`.

    Returns
    -------
    SkyScanTrialRunner

    Examples
    --------
    >>> import nusky as cy                                                           # doctest: +SKIP
    >>> sstr = cy.get_sky_scan_trial_runner(nside=64, min_dec=-1.48, max_dec=1.48)   # doctest: +SKIP
    """
    from nusky.sky_scan_runner import SkyScanTrialRunner

    call = "get_sky_scan_trial_runner"
    settings = _settings(call, conf, kw)
    if settings.get("nside") is None:
        raise ValueError(f"{call} needs nside=, the resolution of the scan (64: 0.9 degrees)")
    injected = _dictionary(call, "inj_conf", inj_conf)
    src, template = injected.get("src", settings.get("src")), _template(call, settings)
    timed = src if template is None and hasattr(src, "is_transient") else template
    pixels = _select(settings, settings["nside"])
    _report(settings, pixels)
    return SkyScanTrialRunner(
        analysis=_analysis(call, settings),
        pixels=pixels,
        src=src,
        refine=_refine(call, settings, pixels.nside),
        likelihood=_likelihood(call, settings, 0.0 if template is None else _one_extension(template)),
        injection=_injection(call, settings, injected),
        transient=_transient(call, settings, timed),
        mp_cpus=settings.get("mp_cpus"),
        ts_to_p=settings.get("ts_to_p"),
    )


def _priors(call: str, settings: dict[str, Any], maps: Any, nest: bool) -> tuple[SpatialPrior, ...]:
    from nusky.policy import PriorPolicy
    from nusky.priors import as_priors

    policy = settings.get("prior_policy")
    fields = {"prior_weight": "weight", "prior_zero": "zero", "frame": "frame"}
    given = {name: settings[key] for key, name in fields.items() if settings.get(key) is not None}
    if policy is not None and given:
        raise TypeError(f"{call}: give prior_policy= or {', '.join(sorted(given))}, not both")
    if given:
        policy = PriorPolicy(**given)
    return as_priors(maps, nest=nest, policy=policy)


def get_spatial_prior_trial_runner(
    conf: Mapping[str, Any] | None = None, inj_conf: Mapping[str, Any] | None = None, **kw: Any
) -> SpatialPriorTrialRunner:
    """Make a runner that looks for the hottest spot of the sky after a spatial prior.

    Parameters
    ----------
    conf, inj_conf
        As for `get_trial_runner`. In ``inj_conf`` also ``priors`` (draw sources from other maps than those of the fit),
        ``in_pixel=True`` (anywhere inside the pixel, not its centre) and ``by="flux"`` or ``"fluence"``.
    llh_priors : map, or list of maps
        (npix,) RING arrays, objects with ``.map``, or `SpatialPrior`; the scan has their nside.
    nest : bool
        Arrays are NESTED.
    prior_weight : float
        w in TS + w ln(p/p_max), 2 by default.
    prior_zero : {"exclude", "floor"}
        What happens where p ≤ 0.
    prior_policy : PriorPolicy
        Instead of the two, and of `frame`.
    min_dec, max_dec, pixmask, cone
        Where a source can be; other pixels are neither fitted nor drawn.
    containment, prior_floor
        Fit the most probable pixels only, see `select_pixels`; sources are still drawn outside them.
    pixels : {"nside", "prior"}
        "prior": cells that follow the prior's own resolution, between `min_nside` (64) and `max_nside` (the prior's).
    refine : bool, int or Refinement
        Look again around each prior's hottest pixel with finer ones, True: down to nside 1024; see `Refinement`.
        `refine_max` is csky's name for it.
    combine : {"max", "sum"}
        Several priors: the trial's TS is that of the best of them, or the sum over them.
    logging : bool
        Print how many pixels each limit leaves.
    nside : int, optional
        Must be that of the priors.
    src_tr, src_kw : optional
        What every position is to have: an extension, a time window.
    ana, gamma, energy, flux, cut_n_sigma, sindec_bandwidth, scramble, use_grl, off_days, mp_cpus, ts_to_p
        As for `get_trial_runner`.

    Returns
    -------
    SpatialPriorTrialRunner

    Raises
    ------
    ValueError
        Without a prior, for a map of a wrong length or with nothing positive, for another nside.

    Examples
    --------
    >>> import nusky as cy                                                                          # doctest: +SKIP
    >>> sptr = cy.get_spatial_prior_trial_runner(llh_priors=prior_map, min_dec=-1.48, max_dec=1.48) # doctest: +SKIP
    >>> sptr.get_one_fit(20, seed=1)                                                                # doctest: +SKIP
    """
    from nusky.multiorder import MultiOrderMap
    from nusky.policy import check_nside
    from nusky.prior_pixels import prior_pixels
    from nusky.prior_runner import SpatialPriorTrialRunner

    call = "get_spatial_prior_trial_runner"
    settings = _settings(call, conf, kw)
    maps = settings.get("llh_priors")
    if maps is None:
        maps = getattr(settings.get("src_tr"), "prior", None)
    if maps is None:
        raise ValueError(f"{call} needs llh_priors=: a HEALPix map (RING), or a list of maps")
    nest = bool(settings.get("nest", False))
    priors = _priors(call, settings, maps, nest)
    nside = priors[0].nside
    if settings.get("nside") is not None and check_nside(settings["nside"]) != nside:
        raise ValueError(
            f"{call}: nside={settings['nside']} but the priors have nside {nside}, which is the scan's; "
            f"regrade them with prior_policy=PriorPolicy(regrade={settings['nside']})"
        )
    injected = _dictionary(call, "inj_conf", inj_conf)
    if "src" in injected:
        raise ValueError(f"{call}: sources are drawn from the priors; for a fixed one use inj_conf={{'priors': map}}")
    drawn_from = injected.get("priors")
    drawn = None if drawn_from is None else _priors(call, settings, drawn_from, bool(injected.get("nest", nest)))
    pixels = prior_pixels(
        priors,
        cells=maps if isinstance(maps, MultiOrderMap) else None,
        **_given(settings, "pixels", "min_nside", "max_nside", "containment", "prior_floor"),
        **_given(settings, "min_dec", "max_dec", "pixmask", "cone"),
    )
    _report(settings, pixels)
    template = _template(call, settings)
    if template is None and getattr(settings.get("src"), "is_transient", False):
        raise ValueError(
            f"{call}: src has a time window, but the sources are drawn from the priors; pass it as src_tr="
        )
    return SpatialPriorTrialRunner(
        analysis=_analysis(call, settings),
        priors=priors,
        pixels=pixels,
        allowed=_select(settings, nside if drawn is None else drawn[0].nside),
        injection_priors=drawn,
        refine=_refine(call, settings, nside),
        combine=settings.get("combine", "max"),
        likelihood=_likelihood(call, settings, 0.0 if template is None else _one_extension(template)),
        injection=_injection(call, settings, injected),
        transient=_transient(call, settings, template),
        mp_cpus=settings.get("mp_cpus"),
        ts_to_p=settings.get("ts_to_p"),
    )
