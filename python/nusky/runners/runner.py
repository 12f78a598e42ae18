"""What every trial runner shares: making trials, fitting many of them, counts and fluxes, and its own description."""

from __future__ import annotations

import logging as logging_module
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from nusky.files.identity import config_hash
from nusky.hotspots.hottest import mlog10
from nusky.hyp.flux import Flux
from nusky.injection.background import BackgroundInjector
from nusky.injection.declination import DecRandomization
from nusky.injection.off_time import OffTimeInjector
from nusky.injection.seeding import RANDOM, TrialDraws, resolve_seed, trial_draws
from nusky.injection.signal import InjectionOptions, SignalInjector, check_signal
from nusky.likelihood.model import LikelihoodModel, LikelihoodOptions
from nusky.likelihood.window import WindowLikelihoodModel
from nusky.runners import counts as conversion
from nusky.runners.fitter_args import fitting, whole
from nusky.runners.injectors import SeasonBackground
from nusky.runners.many_fits import FitsMany
from nusky.sensitivity.limits import find_n_sig
from nusky.sensitivity.result import NSigResult
from nusky.source.window import TimeWindow
from nusky.threads import resolve_threads
from nusky.transients.on_time import OnTime, TransientOptions
from nusky.trial.fit import Fit, result_columns
from nusky.trial.status import Status
from nusky.trial.trial import Scramble, Trial, as_trial
from nusky.typing import F64
from nusky.version import code_version

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nusky.analysis.analysis import Analysis
    from nusky.likelihood.trial_index import TrialIndex
    from nusky.sensitivity.search import NSigOptions

__all__ = ["Background", "Made", "Runner"]

TsToP = Callable[[F64, F64], Any]
Background = tuple[Scramble, ...]

_log = logging_module.getLogger("nusky")


class Made(TypedDict):
    """Which trial this is."""

    seed: int | None
    index: int | None
    TRUTH: bool
    window: TimeWindow | None


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Runner(FitsMany):
    """Makes and fits trials of one analysis; see `TrialRunner`, `SkyScanTrialRunner` and `SpatialPriorTrialRunner`.

    Parameters
    ----------
    analysis : Analysis
    likelihood : LikelihoodOptions
        γ, energy term, cut, source extension.
    injection : InjectionOptions
        Spectrum and band of injected events.
    mp_cpus : int or None
        Threads unless a call says otherwise; None or 0: all the process may use.
    ts_to_p : callable or None
        ``p = ts_to_p(dec, ts)``, vectorised, rad; fills mlog10p.
    transient : TransientOptions or None
        A time window: trials are Poisson draws of its background, the likelihood is the extended one, and acceptance,
        fluxes and fluences are those of the window. None: the whole livetime.
    declinations : DecRandomization or None
        Background events at new declinations, too.
    """

    analysis: Analysis
    likelihood: LikelihoodOptions = field(default_factory=LikelihoodOptions)
    injection: InjectionOptions = field(default_factory=InjectionOptions)
    mp_cpus: int | None = None
    ts_to_p: TsToP | None = None
    transient: TransientOptions | None = None
    declinations: DecRandomization | None = None

    def __post_init__(self) -> None:
        if self.declinations is not None and self.transient is not None:
            raise ValueError("declinations are not randomised in a time window, whose background is few events anyway")
        resolve_threads(self.mp_cpus)
        if not len(self.analysis):
            raise ValueError("the analysis has no seasons")
        _ = self.model  # checks γ against the nodes, and the window against the livetime

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes build the core's objects themselves: what was made from the options stays here
        return {option.name: getattr(self, option.name) for option in fields(self)}

    # What the kinds of runner differ in

    @abstractmethod
    def _with_signal(self, background: Background, draws: TrialDraws, n_sig: float, poisson: bool, made: Made) -> Trial:
        """Trial with `n_sig` events injected; `made` holds its seed and index."""

    @abstractmethod
    def _background_only(self, background: Background, made: Made) -> Trial:
        """Trial of these events, with nothing injected."""

    def _summary(self, table: NDArray[np.void]) -> np.void:
        """The trial's own row: that of the best prior."""
        best: np.void = table[table["ts_raw"].argmax()] if len(table) > 1 else table[0]
        return best

    @abstractmethod
    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        """Result of a single fit."""

    @abstractmethod
    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        """Events per flux, from the acceptance summed over seasons as a function of declination."""

    @abstractmethod
    def _describe(self) -> dict[str, Any]:
        """What `config` adds for this kind of runner."""

    # Shared machinery

    @cached_property
    def on_time(self) -> OnTime | None:
        """Uptime and expected background of each season in the time window; None without one."""
        return None if self.transient is None else OnTime(self.analysis, self.transient)

    @cached_property
    def model(self) -> LikelihoodModel:
        """The likelihood of the analysis under the options."""
        if self.on_time is None:
            return LikelihoodModel(self.analysis, self.likelihood)
        return WindowLikelihoodModel(self.analysis, self.likelihood, on_time=self.on_time)

    @cached_property
    def background_injector(self) -> BackgroundInjector | OffTimeInjector:
        """Scrambles the seasons' events, or brings off-time events into the window."""
        return BackgroundInjector(self.analysis) if self.on_time is None else OffTimeInjector(self.on_time)

    @cached_property
    def signal_injector(self) -> SignalInjector:
        """Puts simulated events onto a position."""
        return SignalInjector(self.analysis, self.injection, self.likelihood.extension, self.on_time)

    @property
    def bg_injs(self) -> tuple[SeasonBackground, ...]:
        """How each season's background is made."""
        return tuple(SeasonBackground(self, k) for k in range(len(self.analysis)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of `get_many_fits` and of a fit's array view."""
        return result_columns(sky=self._sky, gamma_free=self.likelihood.mode == "fit")

    @property
    def dtype(self) -> np.dtype[np.void]:
        """Structured dtype of a row of `get_many_fits`."""
        return np.dtype([(name, np.float64) for name in self.columns])

    def config(self) -> dict[str, Any]:
        """Everything that decides the numbers, as values JSON can hold.

        Two runners with equal ``config()`` make equal trials from equal seeds. Where the analysis lies on disk, the
        number of threads and the version of the code are left out: the trial store keeps the version beside it.
        """
        window = {} if self.transient is None else {"transient": self.transient.as_dict()}
        return {
            "runner": type(self).__name__,
            "random": RANDOM,
            "analysis": {
                "keys": list(self.analysis.keys),
                "fingerprint": self.analysis.fingerprint,
            },
            "likelihood": self.likelihood.as_dict(),
            "injection": self.injection.as_dict(),
            "mlog10p_is_ts": self.ts_to_p is None,
            **window,
            **({} if self.declinations is None else {"declinations": self.declinations.as_dict()}),
            **self._describe(),
        }

    @cached_property
    def config_hash(self) -> str:
        """Hash of `config`."""
        return config_hash(self.config())

    def __repr__(self) -> str:
        shown = (f"{key} {value}" for key, value in self._describe().items() if isinstance(value, (int, float)))
        return f"{type(self).__name__}({', '.join(self.analysis.keys)} | {', '.join(shown)})"

    def _threads(self, mp_cpus: int | None) -> int:
        return resolve_threads(self.mp_cpus if mp_cpus is None else mp_cpus)

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        return self.model.index(trial, n_threads)

    def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Trial:
        draws = trial_draws(seed, index)
        background = self.background_injector.scramble(draws)
        if self.declinations is not None:
            background = self.declinations.scramble(background, seed, index)
        made = self._made(seed, index)
        if n_sig == 0:
            return self._background_only(background, made)
        return self._with_signal(background, draws, n_sig, poisson, made)

    def _made(self, seed: int | None, index: int | None) -> Made:
        window = None if self.transient is None else self.transient.window
        return {"seed": seed, "index": index, "TRUTH": seed is None, "window": window}

    def _one_trial(self, n_sig: float, poisson: bool, seed: Any, TRUTH: bool) -> Trial:
        n_sig, poisson = check_signal(n_sig, poisson)
        if not isinstance(TRUTH, (bool, np.bool_)):
            raise TypeError(f"TRUTH must be True or False, got {TRUTH!r}")
        if TRUTH:
            if n_sig:
                raise ValueError(f"TRUTH=True takes the real sky as it is; n_sig={n_sig:g} cannot be injected into it")
            _log.warning("TRUTH=True: these are the real, unscrambled events of %s.", ", ".join(self.analysis.keys))
            return self._background_only(self.background_injector.truth(), self._made(None, None))
        return self.draw_trial(resolve_seed(whole("seed", seed)), 0, n_sig, poisson)

    def get_one_trial(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
    ) -> Trial:
        """Make one trial: scrambled background, and signal where the runner puts it.

        Parameters
        ----------
        n_sig : float
            Events to inject, over all seasons; whole unless `poisson`.
        poisson : bool
            Draw the number of injected events from a Poisson distribution of mean `n_sig`.
        seed : int, numpy.random.Generator or None
            The same seed gives the same trial, also inside `get_one_fit`, and trial 0 of `get_many_fits`. None: a new
            one, recorded in the trial.
        TRUTH : bool
            The real, unscrambled events; logged and recorded.
        mp_cpus : int or None
            Accepted as by the other calls; making a trial takes one thread.
        logging : bool
            Accepted as by the other calls.

        Returns
        -------
        Trial

        Raises
        ------
        ValueError, TypeError
            For `n_sig`, `poisson`, `seed` or `mp_cpus` out of range, or signal with ``TRUTH=True``.
        """
        self._threads(mp_cpus)
        return self._one_trial(n_sig, poisson, seed, TRUTH)

    def get_one_fit(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        flat: bool = True,
        **fitter_args: Any,
    ) -> Fit:
        """Make one trial and fit it; arguments as for `get_one_trial`.

        Parameters
        ----------
        mp_cpus : int or None
            Threads.
        logging : bool
            Print csky's progress lines.
        flat : True
            Accepted as csky has it: the fit is an array with names.
        **fitter_args
            ``gamma=`` holds γ in this call; csky's settings of its minimiser are accepted and not needed.

        Returns
        -------
        Fit
        """
        fits = fitting("get_one_fit", self, flat, fitter_args)
        n_threads = self._threads(mp_cpus)
        return fits._fit_trial(self._one_trial(n_sig, poisson, seed, TRUTH), n_threads, logging)

    def get_one_fit_from_trial(
        self,
        trial: Any,
        mp_cpus: int | None = None,
        logging: bool = False,
        flat: bool = True,
        **fitter_args: Any,
    ) -> Fit:
        """Fit a trial.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)
            From any runner of the same analysis, or `Trial.from_events`.
        mp_cpus, logging, flat, fitter_args
            As for `get_one_fit`.

        Returns
        -------
        Fit
        """
        fits = fitting("get_one_fit_from_trial", self, flat, fitter_args)
        return fits._fit_trial(as_trial(trial, len(self.analysis)), self._threads(mp_cpus), logging)

    def format_result(self, fit: Any) -> str:
        """A fit as lines of name and value.

        Parameters
        ----------
        fit : Fit, or numbers in the order of `columns`
        """
        width = max(map(len, self.columns))
        return "\n".join(f"{name:{width}s}  {float(value):.6g}" for name, value in zip(self.columns, fit, strict=True))

    def _window(self, trial: Trial) -> dict[str, Any] | None:
        """What a result says about the time window."""
        if self.transient is None or self.on_time is None:
            return None
        options = self.transient.as_dict()
        return {
            **options.pop("window"),
            **options,
            "n_background": [on.n_background for on in self.on_time],
            "n_events": self.on_time.n_events(trial),
        }

    def _fit_trial(self, trial: Trial, n_threads: int, logging: bool) -> Fit:
        table = self._table(trial, n_threads, logging)
        if self.model.fits_flux:
            table["gamma"] = np.nan
        best = self._summary(table)
        about: dict[str, Any] = {
            "columns": self.columns,
            "status": Status(int(best["status"])),
            "mlog10p_is_ts": self.ts_to_p is None,
            "energy": self.likelihood.mode,
            "gamma_fixed": None if self.model.fits_flux else self.model.fixed_gamma,
            "window": self._window(trial),
            "TRUTH": trial.TRUTH,
            "seed": trial.seed,
            "index": trial.index,
            "config_hash": self.config_hash,
        }
        for name in ("ts_raw", "ts", "ns", "gamma", "ra", "dec"):
            about[name] = float(best[name])
        nodes = self.analysis.gamma_nodes
        about["gamma_at_bound"] = self.likelihood.mode == "fit" and about["gamma"] in (nodes[0], nodes[-1])
        if self.ts_to_p is not None:
            about["mlog10p"] = float(mlog10(self.ts_to_p, np.array([about["dec"]]), np.array([about["ts"]]))[0])
        return self._fit(table, about)

    def provenance(self, trial: Trial) -> dict[str, Any]:
        """What is written with a scan of `trial`: values JSON can hold."""
        return {
            "version": code_version(),
            "seed": trial.seed,
            "index": trial.index,
            "TRUTH": trial.TRUTH,
            "n_events": list(trial.n_events),
            "n_injected": trial.n_injected,
            "window": self._window(trial),
            "energy": self.likelihood.mode,
            "gamma_fixed": None if self.model.fits_flux else self.model.fixed_gamma,
            "mlog10p_is_ts": self.ts_to_p is None,
            "config": self.config(),
            "config_hash": self.config_hash,
        }

    # Many trials

    @property
    def _gamma_free(self) -> bool:
        return self.likelihood.mode == "fit"

    @property
    def _n_events(self) -> int:
        return sum(len(season.data) for season in self.analysis)

    def _prepare(self, n_sig: float) -> None:
        self.model.prepare()
        if n_sig:
            self.signal_injector.prepare()

    def fill_p(self, rows: NDArray[np.void]) -> None:
        if self.ts_to_p is not None and self._sky:
            rows["mlog10p"] = mlog10(self.ts_to_p, rows["dec"], rows["ts"])

    def find_n_sig(self, ts: float, beta: float, **options: Unpack[NSigOptions]) -> NSigResult:
        """Signal events for which a fraction `beta` of trials has TS > `ts`; see `nusky.sensitivity.find_n_sig`."""
        return find_n_sig(self, ts, beta, **options)

    # Counts and fluxes

    @property
    def _default_flux(self) -> Flux | None:
        """Spectrum of a conversion that names none; None: it must."""
        return None

    get_acc_total = conversion.get_acc_total
    to_E2dNdE = conversion.to_E2dNdE
    to_dNdE = conversion.to_dNdE
    to_fluence = conversion.to_fluence
    to_model_norm = conversion.to_model_norm
    to_ns = conversion.to_ns
