"""Settings of the factories: where they come from, which keys there are, and the options they turn into."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nusky.injection.signal import InjectionOptions
    from nusky.likelihood.model import LikelihoodOptions
    from nusky.pixels.pixel_set import PixelSet
    from nusky.pixels.refinement import Refinement
    from nusky.priors.prior import SpatialPrior
    from nusky.source.positions import Sources
    from nusky.transients.on_time import TransientOptions

__all__ = ["NOT_NEEDED", "Settings", "dictionary", "one_extension"]

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

NOT_NEEDED = {
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


def dictionary(call: str, name: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    """`value` as a dictionary, empty for None.

    Raises
    ------
    TypeError
        If it is no mapping.

    Examples
    --------
    >>> dictionary("get_trial_runner", "conf", None)
    {}
    """
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(f"{call}: {name} must be a dictionary, got {type(value).__name__}")
    return dict(value or {})


def one_extension(src: Any) -> float:
    """The extension (rad) that all sources share.

    Raises
    ------
    ValueError
        If they have different ones.

    Examples
    --------
    >>> from nusky.source.positions import sources
    >>> one_extension(sources([1.0, 2.0], [0.0, 0.1], extension=0.02))
    0.02
    """
    widths = np.unique(src.extension)
    if len(widths) > 1:
        raise ValueError(f"the sources have different extensions ({widths.tolist()} rad); the likelihood fits one")
    return float(widths[0])


def _hint(key: str, known: set[str]) -> str:
    close = difflib.get_close_matches(str(key), sorted(known), n=3)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known are {', '.join(sorted(known))}"


@dataclass(frozen=True)
class Settings:
    """The settings of one call; make them with `merge`.

    Attributes
    ----------
    call : str
        Name of the factory, for messages.
    values : dict

    Examples
    --------
    >>> Settings.merge("get_trial_runner", {"gamma": 2.0}, {"gamma": 2.5}, {"cut_n_sigma": 4}).likelihood(0.0).gamma
    2.5
    """

    call: str
    values: dict[str, Any]

    @classmethod
    def merge(
        cls, call: str, everywhere: Mapping[str, Any], conf: Mapping[str, Any] | None, explicit: Mapping[str, Any]
    ) -> Settings:
        """One dictionary from three places, the last one winning, with every key known.

        Raises
        ------
        TypeError
            For an unknown key; close matches are named.
        ValueError
            For a value that selects something the runners do not do.
        """
        any_call = set().union(*_KEYS.values())
        merged: dict[str, Any] = {}
        for where, given, allowed in (
            ("CONF", everywhere, any_call),
            ("conf", dictionary(call, "conf", conf), any_call),
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
                elif key not in NOT_NEEDED:
                    known = allowed | set(NOT_NEEDED) | set(_ONLY)
                    raise TypeError(f"{call}: unknown {where} {key!r}{_hint(key, known)}")
        return cls(call, merged)

    def get(self, key: str, default: Any = None) -> Any:
        """Value of a setting, `default` where it is missing."""
        return self.values.get(key, default)

    def given(self, *keys: str) -> dict[str, Any]:
        """Those of the settings that have a value."""
        return {key: self.values[key] for key in keys if self.values.get(key) is not None}

    def analysis(self) -> Any:
        """The analysis, or an error that says where it comes from."""
        from nusky.analysis.analysis import Analysis

        ana = self.get("ana")
        if ana is None:
            raise ValueError(
                f"{self.call} needs an analysis: set nusky.CONF['ana'] = nusky.get_analysis(...), or pass ana="
            )
        if not isinstance(ana, Analysis):
            raise TypeError(f"{self.call}: ana must come from nusky.get_analysis, got {type(ana).__name__}")
        return ana

    def likelihood(self, extension: float) -> LikelihoodOptions:
        """What is fitted; `extension` is that of the source, rad."""
        from nusky.likelihood.model import LikelihoodOptions

        energy = self.get("energy", "fit")
        if energy not in ("fit", True, False):
            raise ValueError(
                f"{self.call}: energy={energy!r} is not supported, only 'fit' or False; gamma= fixes the spectrum"
            )
        gamma = self.get("gamma")
        for key, value in dict(self.get("fitter_args") or {}).items():
            if key == "gamma":
                gamma = value if gamma is None else gamma
            elif key not in _FITTER_NOT_NEEDED:
                raise TypeError(f"{self.call}: unknown fitter_args {key!r}; only gamma can be fixed")
        # csky's two keywords become one mode; without an energy term gamma is the spectrum of the acceptances
        return LikelihoodOptions(
            mode="off" if energy is False else "fit" if gamma is None else "fixed",
            gamma=gamma,
            cut_n_sigma=self.get("cut_n_sigma", 5.0),
            extension=self.get("extension", extension),
        )

    def injection(self, inj_conf: Mapping[str, Any]) -> InjectionOptions:
        """How signal is injected."""
        from nusky.injection.signal import InjectionOptions

        for key, value in inj_conf.items():
            if key not in _INJECTION:
                raise TypeError(f"{self.call}: unknown inj_conf key {key!r}{_hint(key, _INJECTION)}")
            if key == "sig" and value not in _WINDOW["sig"]:
                raise ValueError(
                    f"{self.call}: inj_conf sig={value!r} is not supported, only 'ps', 'prior' or 'transient'"
                )
        chosen = self.given("flux", "sindec_bandwidth")
        chosen |= {key: inj_conf[key] for key in _INJECTION_OPTIONS if key in inj_conf}
        return InjectionOptions(**chosen)

    def template(self) -> Sources | None:
        """``src_tr`` (or ``src_kw``): what every scanned position is to have; its own position does not matter."""
        from nusky.source.positions import Sources, sources

        template = self.get("src_tr")
        kw = dict(self.get("src_kw") or {})
        if template is None and kw:
            template = sources(0.0, 0.0, **kw)
        if template is not None and not isinstance(template, Sources):
            raise TypeError(f"{self.call}: src_tr must come from nusky.sources(ra, dec), got {type(template).__name__}")
        return template

    def transient(self, src: Sources | None) -> TransientOptions | None:
        """The time window of `src`, with what the settings say about it."""
        from nusky.source.window import TimeWindow
        from nusky.transients.on_time import TransientOptions

        call = self.call
        window = None if src is None else TimeWindow.of(src)
        allowed = _STEADY if window is None else _WINDOW
        for key, values in allowed.items():
            value = self.get(key)
            if not any(value is one or value == one for one in values):
                options = " or ".join(repr(one) for one in values if one is not None)
                if window is not None:
                    raise ValueError(f"{call}: {key}={value!r} does not go with a time window, only {options}")
                advice = "; it needs a time window: mjd= and t_100= in src (or src_tr)" if value in _WINDOW[key] else ""
                raise ValueError(f"{call}: {key}={value!r} is not supported, only {options}{advice}")
        if window is None:
            if self.get("off_days") is not None:
                raise ValueError(f"{call}: off_days needs a time window: mjd= and t_100= in src (or src_tr)")
            return None
        return TransientOptions(window, **self.given("scramble", "use_grl", "off_days"))

    def pixels(self, nside: int) -> PixelSet:
        """Pixels of `nside` within the limits on the sky."""
        from nusky.pixels.select import select_pixels

        return select_pixels(nside, **self.given("min_dec", "max_dec", "pixmask", "cone"))

    def priors(self, maps: Any, nest: bool) -> tuple[SpatialPrior, ...]:
        """Priors of some maps, with the policy of the settings."""
        from nusky.priors.policy import PriorPolicy
        from nusky.priors.prior import as_priors

        policy = self.get("prior_policy")
        fields = {"prior_weight": "weight", "prior_zero": "zero", "frame": "frame"}
        given = {fields[key]: value for key, value in self.given(*fields).items()}
        if policy is not None and given:
            raise TypeError(f"{self.call}: give prior_policy= or {', '.join(sorted(given))}, not both")
        return as_priors(maps, nest=nest, policy=PriorPolicy(**given) if given else policy)

    def refine(self, nside: int) -> Refinement | None:
        """Refinement of a scan of `nside`."""
        from nusky.pixels.refinement import Refinement

        given = self.given("refine", "refine_max")
        if len(given) > 1:
            raise TypeError(f"{self.call}: give refine= or csky's refine_max=, not both")
        return Refinement.of(next(iter(given.values()), None), nside)
