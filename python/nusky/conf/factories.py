"""csky's factories and `CONF`: they gather settings from three places and hand them on as arguments.

Explicit keywords win over the `conf` dictionary, which wins over `CONF`. Nothing below this module reads a global.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.conf.flares import map_flare, of_several_flares
from nusky.conf.settings import Settings, one_extension, same_sources
from nusky.conf.template import template_runner
from nusky.progress import tell
from nusky.sphere import check_nest

if TYPE_CHECKING:
    from nusky.hypotheses.stacking import StackingTrialRunner
    from nusky.hypotheses.template import TemplateTrialRunner
    from nusky.pixels.multi_order import MultiOrderPixels
    from nusky.pixels.pixel_set import PixelSet
    from nusky.runners.point_source import TrialRunner
    from nusky.runners.sky_scan import SkyScanTrialRunner
    from nusky.runners.spatial_prior import SpatialPriorTrialRunner

# Probability of a prior outside the limits from which on it is warned of
_NOTED = 0.01

__all__ = [
    "CONF",
    "get_sky_scan_trial_runner",
    "get_spatial_prior_trial_runner",
    "get_trial_runner",
]

CONF: dict[str, Any] = {}
"""Settings of the session, such as ``CONF["ana"] = ana`` or ``CONF["mp_cpus"] = 4``; starts empty."""


def get_trial_runner(
    conf: Mapping[str, Any] | None = None, inj_conf: Mapping[str, Any] | None = None, **kw: Any
) -> TrialRunner | StackingTrialRunner | TemplateTrialRunner:
    """Make a runner for one source, for a stack of several, or for a template.

    Parameters
    ----------
    conf : dict, optional
        Settings; keywords win over it, it wins over `CONF`.
    inj_conf : dict, optional
        For the injected signal only: ``flux``, ``sindec_bandwidth``, ``extension`` (rad; that of the likelihood
        by default), ``src`` (other sources than those of the fit).
    ana : Analysis
    src : Sources
        From `nusky.sources`. Several are a stack: one n_s and γ for all, shared by weight (ratios of fluxes) and
        acceptance. The extension enters the likelihood and the injection; with a time window
        (``mjd=``, ``t_100=``, ``sigma_t=``) the search is a transient one, see `TransientOptions`.
    template : map, optional
        Instead of `src`: a map of the sky whose flux is fitted, as an array (RING, equatorial unless ``nest=True`` or
        ``frame=`` say otherwise) or from `read_sky_map`; see `TemplateTrialRunner`.
    sigsub : bool
        The signal-subtracted likelihood, of whole seasons; a single source is then a stack of one.
    update_bg : bool
        The background density is made anew from each trial's events.
    gamma : float, optional
        Fix γ. ``fitter_args={"gamma": …}`` does the same.
    energy : 'fit' or False
        False: no energy term.
    flux : Flux, or list of Flux
        Of the injected signal; E⁻² by default. A list has one for each source of a stack, which shines with its weight
        times its flux; with ``energy="customflux"`` the energy term is that of each source, too.
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
    time : {"utf"}, optional
        A flare of unknown start and length, with ``box=True``, `box_mode`, `dt_min`, `dt_max` (days),
        ``seeder=UTFSeeder(threshold=)``, ``fitter_args={"t0": MJD}``, ``prior=None``: see `FlareOptions`.
    sig : {"tw"}, optional
        Inject in the window of ``sig_kw=dict(t0=MJD, dt=days, box=True, box_mode="center")``.
    mp_cpus : int
        Threads.

    Returns
    -------
    TrialRunner; StackingTrialRunner for several sources, TemplateTrialRunner with `template`

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
    from nusky.conf.timed import timed_runner
    from nusky.hypotheses import StackingTrialRunner
    from nusky.runners import TrialRunner

    call = "get_trial_runner"
    settings = Settings.merge(call, CONF, conf, kw)
    if settings.get("template") is not None:
        return template_runner(settings, inj_conf)
    src = settings.get("src", settings.get("src_tr"))
    if src is None:
        raise ValueError(f"{call} needs a source: pass src=nusky.sources(ra, dec)")
    injected = settings.injected(inj_conf)
    other = injected.pop("src", None)
    other = None if other is None or same_sources(other, src) else settings.inject_src(other, src)
    known = hasattr(src, "extension")
    sigsub = bool(settings.get("sigsub", False))
    # Signal subtraction and signal from elsewhere take a single source as a stack of one
    stacked = known and (len(src) > 1 or sigsub or other is not None)
    stack = src if stacked else None
    likelihood = settings.likelihood(one_extension(src) if known and not stacked else 0.0, stack)
    common: dict[str, Any] = {
        "analysis": settings.analysis(),
        "src": settings.stack(src) if stacked else src,
        "likelihood": replace(likelihood, extension=0.0) if stacked else likelihood,
        "injection": settings.injection(injected, stack if other is None else other),
        "transient": settings.transient(src if known else None, injected, own_windows=stacked, flares=True),
        **settings.background(injected),
        "mp_cpus": settings.get("mp_cpus"),
        "ts_to_p": settings.get("ts_to_p"),
        "update_bg": bool(settings.get("update_bg", False)),
    }
    timed = timed_runner(settings, injected, common, f"src holds {len(src)}" if known and len(src) > 1 else "", sigsub)
    if timed is not None:
        return timed
    if not stacked:
        return TrialRunner(**common)
    return StackingTrialRunner(**common, sigsub=sigsub, inject_src=other, **settings.spectra(injected, src, other))


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
    multiflare : bool
        Several flares of each position add up, with `threshold`, `max_dt` and `ts_min` as for
        `get_multiflare_trial_runner`.
    ts_to_p : callable, optional
        ``p = ts_to_p(dec, ts)``: fills the row mlog10p, which otherwise holds TS.
    ana, gamma, energy, flux, cut_n_sigma, sindec_bandwidth, scramble, use_grl, off_days, time, sig, mp_cpus
        As for `get_trial_runner`.

    Returns
    -------
    SkyScanTrialRunner

    Examples
    --------
    >>> sstr = cy.get_sky_scan_trial_runner(nside=64, min_dec=-1.48, max_dec=1.48)   # doctest: +SKIP
    """
    from nusky.hypotheses import FlareSkyScanTrialRunner, MultiFlareSkyScanTrialRunner, SubtractedSkyScanTrialRunner
    from nusky.runners import SkyScanTrialRunner

    call = "get_sky_scan_trial_runner"
    settings = of_several_flares(Settings.merge(call, CONF, conf, kw))
    if settings.get("nside") is None:
        raise ValueError(f"{call} needs nside=, the resolution of the scan (64: 0.9 degrees)")
    injected = settings.injected(inj_conf)
    src, template = injected.get("src", settings.get("src")), settings.template()
    timed = src if template is None and hasattr(src, "is_transient") else template
    pixels = settings.pixels(settings.get("nside"))
    _report(settings, pixels)
    flare = map_flare(settings, injected)
    plain = SubtractedSkyScanTrialRunner if settings.subtracted(flare) else SkyScanTrialRunner
    timed_scan = MultiFlareSkyScanTrialRunner if "least_ts" in flare else FlareSkyScanTrialRunner
    return (timed_scan if flare else plain)(
        **flare,
        analysis=settings.analysis(),
        pixels=pixels,
        src=src,
        refine=settings.refine(pixels.nside),
        likelihood=settings.likelihood(0.0 if template is None else one_extension(template)),
        injection=settings.injection(injected),
        transient=settings.transient(timed, injected, flares=True),
        **settings.background(injected),
        mp_cpus=settings.get("mp_cpus"),
        ts_to_p=settings.get("ts_to_p"),
        update_bg=bool(settings.get("update_bg", False)),
    )


def _report(settings: Settings, pixels: PixelSet | MultiOrderPixels) -> None:
    if settings.get("logging"):
        tell(pixels.describe() + "\n")


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
    ana, gamma, energy, flux, cut_n_sigma, sindec_bandwidth, scramble, use_grl, off_days, time, sig, mp_cpus, ts_to_p
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
    from nusky.hypotheses import FlareSpatialPriorTrialRunner, SubtractedSpatialPriorTrialRunner
    from nusky.maps.multiorder import MultiOrderMap
    from nusky.pixels.of_priors import prior_pixels
    from nusky.runners import SpatialPriorTrialRunner
    from nusky.sphere.healpix import check_nside

    call = "get_spatial_prior_trial_runner"
    settings = Settings.merge(call, CONF, conf, kw)
    maps = settings.get("llh_priors")
    for src in (settings.get("src"), settings.get("src_tr")):
        maps = getattr(src, "prior", None) if maps is None else maps
    if "src" in kw and getattr(kw["src"], "prior", None) is None:
        raise ValueError(
            f"{call}: src has no prior=, and sources are drawn from the priors, not put at a position; pass it as "
            "src_tr= for its window or extension"
        )
    if maps is None:
        raise ValueError(f"{call} needs llh_priors=: a HEALPix map (RING), or a list of maps")
    nest = bool(check_nest(settings.get("nest", False)))
    priors = settings.priors(maps, nest)
    nside = priors[0].nside
    if settings.get("nside") is not None and check_nside(settings.get("nside")) != nside:
        raise ValueError(
            f"{call}: nside={settings.get('nside')} but the priors have nside {nside}, which is the scan's; "
            f"regrade them with prior_policy=PriorPolicy(regrade={settings.get('nside')})"
        )
    injected = settings.injected(inj_conf)
    if "src" in injected:
        raise ValueError(f"{call}: sources are drawn from the priors; for a fixed one use inj_conf={{'priors': map}}")
    drawn_from = injected.get("priors")
    drawn = None if drawn_from is None else settings.priors(drawn_from, bool(check_nest(injected.get("nest", nest))))
    pixels = prior_pixels(
        priors,
        cells=maps if isinstance(maps, MultiOrderMap) else None,
        **settings.given("pixels", "min_nside", "max_nside", "containment", "prior_floor"),
        **settings.given("min_dec", "max_dec", "pixmask", "cone"),
    )
    _report(settings, pixels)
    template = settings.template()
    if template is None and getattr(settings.get("src"), "is_transient", False):
        raise ValueError(
            f"{call}: src has a time window, but the sources are drawn from the priors; pass it as src_tr="
        )
    flare = map_flare(settings, injected)
    plain = SubtractedSpatialPriorTrialRunner if settings.subtracted(flare) else SpatialPriorTrialRunner
    runner = (FlareSpatialPriorTrialRunner if flare else plain)(
        **flare,
        analysis=settings.analysis(),
        priors=priors,
        pixels=pixels,
        allowed=settings.pixels(nside if drawn is None else drawn[0].nside),
        injection_priors=drawn,
        refine=settings.refine(nside),
        combine=settings.get("combine", "max"),
        likelihood=settings.likelihood(0.0 if template is None else one_extension(template)),
        injection=settings.injection(injected),
        transient=settings.transient(template, injected, flares=True),
        **settings.background(injected),
        mp_cpus=settings.get("mp_cpus"),
        ts_to_p=settings.get("ts_to_p"),
        update_bg=bool(settings.get("update_bg", False)),
    )
    _warn_of_outside(runner)
    return runner


def _warn_of_outside(runner: SpatialPriorTrialRunner) -> None:
    outside = np.asarray(runner.prior_outside)
    worst = int(outside.argmax())
    if outside[worst] > _NOTED:
        more = (
            f" ({np.count_nonzero(outside > _NOTED)} of {outside.size} priors: more than 1 %)"
            if outside.size > 1
            else ""
        )
        warnings.warn(
            f"{100 * outside[worst]:.3g} % of the probability of llh_priors[{worst}] lies outside the pixels that are "
            f"fitted{more}: a source there is not found, and the excluded probability is part of the result "
            "(fit.prior_outside; runner.pixels.describe() says which limit it is)",
            stacklevel=3,
        )
