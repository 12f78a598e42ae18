"""The keywords of the factories: which ones there are, what each does, and which values mean something else.

One row a keyword. A keyword either decides something (`Keyword.what` says what), or the result cannot depend on it
(`acts` is False and `what` gives the reason), or only some of its values mean what the runners do (`values`); every
other value is an error. To teach a factory a keyword, add its row here and read it in `nusky.conf.settings`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from nusky.runners import FITTER_NOT_NEEDED

__all__ = ["FITTER_NOT_NEEDED", "INJECTION", "KEYWORDS", "NOT_NEEDED", "Keyword", "hint", "keys_of", "same"]

POINT = frozenset({"get_trial_runner"})
SCAN = frozenset({"get_sky_scan_trial_runner"})
PRIOR = frozenset({"get_spatial_prior_trial_runner"})
MAPS = SCAN | PRIOR
ALL = POINT | MAPS


@dataclass(frozen=True)
class Keyword:
    """One keyword of the factories.

    Attributes
    ----------
    what : str
        What it decides; or, where it does not act, why no result depends on it.
    calls : frozenset of str
        The factories that take it.
    acts : bool
    values : tuple or None
        The only values that are accepted; None: any, checked where it is used.
    instead : str
        For the message that refuses another value: what to do.
    """

    what: str
    calls: frozenset[str] = ALL
    acts: bool = True
    values: tuple[Any, ...] | None = None
    instead: str = ""

    def accepts(self, value: Any) -> bool:
        """Whether the value means what the runners do."""
        return self.values is None or any(same(value, one) for one in self.values)


def same(value: Any, one: Any) -> bool:
    """Whether two settings are alike; arrays and other things without a truth value never are.

    Examples
    --------
    >>> same(["ra"], ["ra"]), same(1, True)
    (True, False)
    """
    try:
        return value is one or (type(value) is type(one) and bool(value == one))
    except ValueError:
        return False


#: Keywords of `conf`, of `CONF` and of the calls themselves.
KEYWORDS: dict[str, Keyword] = {
    "ana": Keyword("the seasons"),
    "src": Keyword("the source; of a scan, where signal is injected; of a prior's runner, its priors"),
    "src_tr": Keyword("extension and time window of every scanned position; a point source's src"),
    "src_kw": Keyword("the same as a dictionary", MAPS),
    "flux": Keyword("spectrum of the injected signal"),
    "inj_conf": Keyword("settings of the injected signal only"),
    "gamma": Keyword("fixes γ"),
    "energy": Keyword("'fit': an energy term with free γ; 'customflux': that of flux, n_s only; False: none"),
    "CustomFluxEnergyPDFRatioModel": Keyword("flux and cells of the energy term of energy='customflux'"),
    "fitter_args": Keyword("gamma fixes γ; t0 that of a flare"),
    "cut_n_sigma": Keyword("S = 0 beyond so many σ"),
    "extension": Keyword("width of the source in the likelihood"),
    "sindec_bandwidth": Keyword("band of the simulation that signal is taken from"),
    "ts_to_p": Keyword("fills mlog10p"),
    # Time
    "time": Keyword(
        "None: no time term; 'transient': the window of src; 'utf': a flare of unknown start and length; 'lc': a light "
        "curve"
    ),
    "extended": Keyword("the extended likelihood, which a time window has, and where asked for a flare or light curve"),
    "sig": Keyword("how signal is injected, which follows from the source; 'tw': in the window of sig_kw"),
    "sig_kw": Keyword("t0, dt, box, box_mode of sig='tw'"),
    "box": Keyword("shape of a fitted flare: True a box, False a Gaussian"),
    "box_mode": Keyword("what t0 of a flare is"),
    "dt_min": Keyword("shortest flare"),
    "dt_max": Keyword("longest flare"),
    "seeder": Keyword("threshold of the events at which flares start and end"),
    "prior": Keyword("None: no penalty for short flares"),
    "multiflare": Keyword("several flares of each position add up", SCAN, values=(False, True, None)),
    "threshold": Keyword("of multiflare: that of the seeder", SCAN),
    "max_dt": Keyword("of multiflare: dt_max", SCAN),
    "ts_min": Keyword("of multiflare: TS that each flare has at least", SCAN),
    "lcs": Keyword("the light curve of time='lc' or sig='lc'", POINT),
    "threshs": Keyword("of sig='lc', the flux above which signal comes", POINT),
    "lags": Keyword("of sig='lc', days", POINT),
    "range_thresh": Keyword("fluxes above which a light curve may count", POINT),
    "range_lag": Keyword("how much later than a light curve neutrinos may come", POINT),
    "n_seeds_thresh": Keyword("thresholds of a light curve where its fit begins", POINT),
    "n_seeds_lag": Keyword("lags of a light curve where its fit begins", POINT),
    "kind": Keyword("form of a light curve", POINT, values=("binned", None)),
    "scramble": Keyword("how the background of a time window is made"),
    "use_grl": Keyword("whether a time window knows the detector's uptime"),
    "off_days": Keyword("where the background of a time window is taken from"),
    "rates_by": Keyword("rates are events by livetime", values=("livetime", None)),
    # Pixels
    "nside": Keyword("resolution of the scan", MAPS),
    "min_dec": Keyword("limit of the scan", MAPS),
    "max_dec": Keyword("limit of the scan", MAPS),
    "pixmask": Keyword("limit of the scan", MAPS),
    "cone": Keyword("limit of the scan", MAPS),
    "refine": Keyword("finer pixels around the hottest ones", MAPS),
    "refine_max": Keyword("csky's name of refine", MAPS),
    # Templates
    "template": Keyword("the map whose flux is fitted", POINT),
    "bins_energy": Keyword("edges of the energies of a template with a spectrum in each pixel", POINT),
    "fast_weight": Keyword("there is one way to weight simulated events, and it is fast", POINT, acts=False),
    # Priors
    "llh_priors": Keyword("the prior maps", PRIOR),
    "nest": Keyword("order of the maps' pixels", PRIOR | POINT),
    "prior_policy": Keyword("how a map becomes a term of TS", PRIOR),
    "prior_weight": Keyword("w in TS + w ln(p/p_max)", PRIOR),
    "prior_zero": Keyword("what p = 0 means", PRIOR),
    "frame": Keyword("frame of the maps", PRIOR | POINT),
    "containment": Keyword("fits the most probable pixels only", PRIOR),
    "prior_floor": Keyword("fits the most probable pixels only", PRIOR),
    "pixels": Keyword("cells of one size, or the prior's own", PRIOR),
    "min_nside": Keyword("coarsest of the prior's own cells", PRIOR),
    "max_nside": Keyword("finest of the prior's own cells", PRIOR),
    "combine": Keyword("several priors: the best, or the sum", PRIOR),
    "bg_weight_names": Keyword("background of trials from simulation: the columns that hold its rates"),
    # Names of models: what is there
    "space": Keyword(
        "the spatial term, which follows from src, llh_priors or template", values=("ps", "prior", "template")
    ),
    "sigsub": Keyword("signal subtraction, of sources, stacks and templates", values=(False, True)),
    "update_bg": Keyword("the background density made anew from each trial's events", values=(False, True)),
    "randomize": Keyword("how background is made: 'ra', or ['ra', inj.DecRandomizer]"),
    "dec_rand_method": Keyword("how declinations are randomised", values=("gaussian_fixed", None)),
    "dec_rand_kwargs": Keyword("randomization_width, rad; without it declinations move by each event's angular error"),
    "dec_rand_pole_exlusion": Keyword("events this near to a pole keep their declination; csky's spelling"),
    "TRUTH": Keyword(
        "the real sky", values=(False,), instead="ask get_one_fit(TRUTH=True), so that no runner unblinds by itself"
    ),
    # csky's that are not there: only None is accepted, for dictionaries that scripts share
    "func": Keyword("of space='generic'", values=(None,), instead="a hypothesis of your own is a runner of its own"),
    "features": Keyword("of space='generic'", values=(None,), instead="they belong to CustomFluxEnergyPDFRatioModel"),
    # Not needed
    "mp_cpus": Keyword("how many threads work: trials and fits are the same with any number", acts=False),
    "logging": Keyword("prints; numbers do not depend on it", MAPS, acts=False),
    "extra_keep": Keyword("events always keep all their columns", acts=False),
    "keep_extra": Keyword("events always keep all their columns", acts=False),
    "concat_evs": Keyword("events of all seasons go to the fit as they are", acts=False),
    "full_sky": Keyword("no band of declinations is cut out: cut_n_sigma alone decides which events count", acts=False),
    "get_pixmask": Keyword("pixels that cannot win are left out anyway, which changes no result", acts=False),
    "mp_scan_cpus": Keyword("mp_cpus holds for trials and scans", acts=False),
    "mp_nice": Keyword("use the operating system's nice", acts=False),
    "seed": Keyword("trials take their seed where they are made: get_many_fits(…, seed=)", acts=False),
    "corona_flux": Keyword("a spectrum says itself what it is: flux=", acts=False),
    "sigmas": Keyword("a template is smeared with the widths that its events have", POINT, acts=False),
    **{key: Keyword(reason, acts=False) for key, reason in FITTER_NOT_NEEDED.items()},
    "dir": Keyword("cache folder: belongs to get_analysis; no result depends on a cache", acts=False),
}

#: Keywords of `inj_conf`.
INJECTION: dict[str, Keyword] = {
    "flux": Keyword("spectrum of the injected signal"),
    "src": Keyword("where signal is injected; by default at the sources of the fit", SCAN | POINT),
    "sindec_bandwidth": Keyword("band of the simulation that signal is taken from"),
    "extension": Keyword("width of the injected source"),
    "in_pixel": Keyword("anywhere in the pixel, or its centre", PRIOR),
    "by": Keyword("what n_sig counts", PRIOR),
    "priors": Keyword("maps that sources are drawn from", PRIOR),
    "nest": Keyword("order of their pixels", PRIOR),
    "sig": Keyword("how signal is injected, which follows from the source; 'tw': in the window of t0 and dt"),
    "t0": Keyword("of sig='tw', MJD"),
    "dt": Keyword("of sig='tw', days"),
    "box": Keyword("shape of sig='tw'"),
    "box_mode": Keyword("what its t0 is"),
    "lcs": Keyword("of sig='lc', the light curve", POINT),
    "threshs": Keyword("of sig='lc', the flux above which signal comes", POINT),
    "lags": Keyword("of sig='lc', days", POINT),
    "randomize": KEYWORDS["randomize"],
    "dec_rand_method": KEYWORDS["dec_rand_method"],
    "dec_rand_kwargs": KEYWORDS["dec_rand_kwargs"],
    "dec_rand_pole_exlusion": KEYWORDS["dec_rand_pole_exlusion"],
    "bg_weight_names": KEYWORDS["bg_weight_names"],
    "update_bg": Keyword("the background model is the fit's business", acts=False),
    "template": Keyword("the map that is fitted: signal is injected where it is fitted", POINT),
    "space": KEYWORDS["space"],
    "fitter_args": Keyword("the fit is not the injection's business", POINT, acts=False),
    "corona_flux": KEYWORDS["corona_flux"],
}

#: Keywords that are accepted and have no effect on any number, with the reason.
NOT_NEEDED = {key: keyword.what for key, keyword in KEYWORDS.items() if not keyword.acts}


def keys_of(call: str, table: dict[str, Keyword] = KEYWORDS) -> set[str]:
    """Keywords that a factory takes.

    Examples
    --------
    >>> "nside" in keys_of("get_trial_runner")
    False
    """
    return {key for key, keyword in table.items() if call in keyword.calls}


def hint(key: Any, known: set[str]) -> str:
    """End of a message about an unknown key: names that are close to it.

    Examples
    --------
    >>> hint("min_dek", {"min_dec", "nside"})
    '; did you mean min_dec?'
    """
    close = difflib.get_close_matches(str(key), sorted(known), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known are {', '.join(sorted(known))}"
