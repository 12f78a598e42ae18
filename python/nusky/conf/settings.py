"""Settings of the factories: where they come from, which keys there are, and the options they turn into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.conf.custom_flux import custom_flux, one_flux, spectra_of
from nusky.conf.keywords import FITTER_NOT_NEEDED, INJECTION, KEYWORDS, hint, keys_of, same
from nusky.conf.randomizing import dec_randomization, simulated_background
from nusky.conf.template import check_template
from nusky.runners import check_ts_min

if TYPE_CHECKING:
    from nusky.analysis import GammaMode
    from nusky.injection.signal import InjectionOptions
    from nusky.likelihood.model import LikelihoodOptions
    from nusky.pixels.pixel_set import PixelSet
    from nusky.pixels.refinement import Refinement
    from nusky.priors.prior import SpatialPrior
    from nusky.source.positions import Sources
    from nusky.transients import FlareOptions, LightCurve, SignalWindow
    from nusky.transients.on_time import TransientOptions

__all__ = ["NO_SIGSUB", "Settings", "dictionary", "one_extension", "same_sources"]

NO_SIGSUB = "are fitted without signal subtraction: leave sigsub out (it moves their TS by 0.1 %)"
"""Of flares and light curves, and why, for messages; docs/statistics.md has the numbers."""

_INJECTION_OPTIONS = ("flux", "sindec_bandwidth", "in_pixel", "by", "extension")

_STEADY: dict[str, tuple[Any, ...]] = {
    "time": (None, False),
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


def same_sources(one: Any, other: Any) -> bool:
    """Whether two sets of sources are alike: at the same places, of the same weights and extensions.

    Examples
    --------
    >>> from nusky.source.positions import sources
    >>> same_sources(sources(1.0, 0.1), sources(1.0, 0.1)), same_sources(sources(1.0, 0.1), sources(1.0, 0.2))
    (True, False)
    """
    fields = ("ra", "dec", "weight", "extension")
    return one is other or all(np.array_equal(getattr(one, f, 0), getattr(other, f, 1)) for f in fields)


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
        merged: dict[str, Any] = {}
        for where, given in (("CONF", everywhere), ("conf", dictionary(call, "conf", conf)), ("keyword", explicit)):
            for name, value in given.items():
                # csky's models are keys as classes
                key = name.__name__ if isinstance(name, type) else name
                # Keys of another runner may stay in a dictionary that several calls share
                if call in (KEYWORDS[key].calls if key in KEYWORDS else ()):
                    merged[key] = value
                elif key not in KEYWORDS or where == "keyword":
                    raise TypeError(f"{call}: unknown {where} {key!r}{hint(key, keys_of(call))}")
        for key, value in merged.items():
            if not KEYWORDS[key].accepts(value):
                options = " or ".join(map(repr, KEYWORDS[key].values or ()))
                instead = f"; {KEYWORDS[key].instead}" if KEYWORDS[key].instead else ""
                raise ValueError(f"{call}: {key}={value!r} is not supported, only {options}{instead}")
        check_template(call, merged, explicit)
        return cls(call, merged)

    def injected(self, inj_conf: Mapping[str, Any] | None) -> dict[str, Any]:
        """Settings of the injected signal: those of the call, before those under ``inj_conf`` in `conf`."""
        from_conf = dictionary(self.call, "conf['inj_conf']", self.get("inj_conf"))
        return {**from_conf, **dictionary(self.call, "inj_conf", inj_conf)}

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

    @property
    def flares(self) -> bool:
        """Whether a flare is looked for."""
        return bool(same(self.get("time"), "utf"))

    @property
    def light_curves(self) -> bool:
        """Whether a light curve is fitted."""
        return bool(same(self.get("time"), "lc"))

    def light_curve(self) -> LightCurve | None:
        """The light curve of ``time='lc'``, without which its keywords have no meaning."""
        from nusky.conf.light_curve import CURVE_KEYS, light_curve

        if self.light_curves:
            return light_curve(self.call, self.values)
        injected = ("lcs",) if self.get("sig") == "lc" else ()
        if given := [key for key in CURVE_KEYS if self.get(key) is not None and key not in injected]:
            raise ValueError(f"{self.call}: {given[0]} is that of a light curve: add time='lc'")
        return None

    def flare(self) -> FlareOptions | None:
        """The flare that is looked for; None without ``time='utf'``, where its keywords have no meaning."""
        from nusky.conf.flares import FLARE_KEYS, flare_options

        if self.flares:
            return flare_options(self.call, self.values)
        if given := [key for key in (*FLARE_KEYS, "box") if self.get(key) is not None]:
            raise ValueError(f"{self.call}: {given[0]}={self.get(given[0])!r} is that of a flare: add time='utf'")
        return None

    def signal_window(self, inj_conf: Mapping[str, Any]) -> SignalWindow | None:
        """When injected signal comes, ``sig='tw'``."""
        from nusky.conf.flares import signal_window
        from nusky.conf.light_curve import curve_signal

        follows = curve_signal(self.call, self.values, inj_conf)
        return signal_window(self.call, self.values, inj_conf) if follows is None else follows

    def inject_src(self, other: Any, src: Any) -> Sources:
        """Sources that signal comes from, other than those that are fitted.

        Raises
        ------
        TypeError, ValueError
            No sources, or a search in time.
        """
        from nusky.source.positions import Sources

        if not isinstance(other, Sources):
            raise TypeError(f"{self.call}: inj_conf['src'] must come from nusky.sources, got {type(other).__name__}")
        if getattr(src, "is_transient", False) or self.flares or self.light_curves or self.get("sig") in ("tw", "lc"):
            raise ValueError(f"{self.call}: inj_conf['src']: in time windows signal is injected where it is fitted")
        return other

    def subtracted(self, flare: Mapping[str, Any]) -> bool:
        """Whether a map has the signal-subtracted likelihood.

        Raises
        ------
        ValueError
            With a flare.
        """
        if flare and self.get("sigsub"):
            raise ValueError(f"{self.call}: flares {NO_SIGSUB}")
        return bool(self.get("sigsub", False))

    def likelihood(self, extension: float, stack: Sources | None = None) -> LikelihoodOptions:
        """What is fitted; `extension` is that of the source, rad, `stack` holds the sources of a stack."""
        from nusky.likelihood.model import LikelihoodOptions

        energy = self.get("energy", "fit")
        if not any(same(energy, one) for one in ("fit", "customflux", True, False)):
            raise ValueError(
                f"{self.call}: energy={energy!r} is not supported, only 'fit', 'customflux' or False; gamma= fixes the "
                "spectrum"
            )
        gamma = self.get("gamma")
        for key, value in dict(self.get("fitter_args") or {}).items():
            if key == "gamma":
                gamma = value if gamma is None else gamma
            elif self.light_curves and key.removesuffix("_0000") in ("thresh", "lag"):
                continue
            elif key == "_ts_min":
                check_ts_min(self.call, value, self.flares or self.get("llh_priors") is not None)
            elif not (key == "t0" and self.flares) and key not in FITTER_NOT_NEEDED:
                raise TypeError(f"{self.call}: unknown fitter_args {key!r}; only gamma can be fixed")
        mode: GammaMode = "fit" if gamma is None else "fixed"
        # csky adds a model to a configuration by its class; energy=False then only takes the usual term away
        if not energy and self.get("CustomFluxEnergyPDFRatioModel"):
            energy = "customflux"
        if energy is False:
            mode = "off"
        elif energy == "customflux":
            mode = "flux"
        # csky's two keywords become one mode; without an energy term gamma is the spectrum of the acceptances
        return LikelihoodOptions(
            mode=mode,
            gamma=gamma,
            **(custom_flux(self.call, self.values, stack) if energy == "customflux" else {}),
            cut_n_sigma=self.get("cut_n_sigma", 5.0),
            extension=self.get("extension", extension),
        )

    def stack(self, src: Sources) -> Sources:
        """The sources of a stack; `extension`, where it is given, is that of each."""
        extension = self.get("extension")
        return src if extension is None else replace(src, extension=np.full(len(src), float(extension)))

    def spectra(self, inj_conf: Mapping[str, Any], src: Sources, other: Sources | None) -> dict[str, Any]:
        """Arguments of a stack for spectra of each source, of the signal (from `other`) and of the energy term."""
        fitted = (self.get("CustomFluxEnergyPDFRatioModel") or {}).get("flux", self.get("flux"))
        injected = spectra_of(self.call, inj_conf.get("flux", self.get("flux")), src if other is None else other)
        energy = spectra_of(self.call, fitted, src) if self.likelihood(0.0, src).mode == "flux" else None
        return {"spectra": injected, "energy_spectra": energy}

    def injection(self, inj_conf: Mapping[str, Any], stack: Sources | None = None) -> InjectionOptions:
        """How signal is injected; `stack` holds the sources of a stack that it comes from."""
        from nusky.injection.signal import InjectionOptions

        for key in inj_conf:
            if key in INJECTION and not INJECTION[key].accepts(inj_conf[key]):
                where = f"{self.call}: inj_conf {key}={inj_conf[key]!r}"
                raise ValueError(f"{where} is not supported; {INJECTION[key].instead}")
            if key not in keys_of(self.call, INJECTION):
                raise TypeError(f"{self.call}: unknown inj_conf key {key!r}{hint(key, keys_of(self.call, INJECTION))}")
        chosen = self.given("flux", "sindec_bandwidth")
        chosen |= {key: inj_conf[key] for key in _INJECTION_OPTIONS if key in inj_conf}
        if "flux" in chosen:
            chosen["flux"] = one_flux(self.call, chosen["flux"], stack)
        return InjectionOptions(**chosen)

    def background(self, inj_conf: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of a runner for how its background is made: at new declinations, from simulation."""
        given = {**self.values, **inj_conf}
        return {"declinations": dec_randomization(self.call, given), "simulated": simulated_background(given)}

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

    def transient(
        self, src: Sources | None, inj_conf: Mapping[str, Any], own_windows: bool = False, flares: bool = False
    ) -> TransientOptions | None:
        """The time window of `src`, or with `own_windows` that of each, with what the settings say about it.

        With `flares` the caller knows flares and light curves.
        """
        from nusky.source import TimeWindow, TimeWindows
        from nusky.transients.on_time import TransientOptions

        call = self.call
        window = None if src is None else (TimeWindows if own_windows else TimeWindow).of(src)
        allowed = dict(_STEADY if window is None else _WINDOW)
        if window is None and flares:
            allowed["time"] += ("utf", "lc")
            allowed["sig"] += ("tw", "lc")
            if self.flares or self.light_curves or self.get("sig") in ("tw", "lc"):
                allowed["use_grl"] = (True, False, None)
            if self.flares or self.light_curves:
                allowed["extended"] = (True, False, None)
        given = [(key, self.get(key), values) for key, values in allowed.items()]
        given.append(("inj_conf sig", inj_conf.get("sig"), allowed["sig"]))
        for key, value, values in given:
            if not any(same(value, one) for one in values):
                options = " or ".join(map(repr, values))
                if window is not None:
                    raise ValueError(f"{call}: {key}={value!r} does not go with a time window, only {options}")
                needs = any(same(value, one) for one in _WINDOW[key.split()[-1]])
                instead = "; it needs a time window: mjd= and t_100= in src (or src_tr)" if needs else ""
                raise ValueError(f"{call}: {key}={value!r} is not there yet, only {options}{instead}")
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
