"""What every trial runner shares: fits, counts and fluxes, and its own description."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.files.identity import config_hash
from nusky.hotspots.hottest import check_p_of_ts, mlog10
from nusky.hyp.flux import Flux
from nusky.injection.off_time import OffTimeInjector
from nusky.injection.seeding import RANDOM, BatchDraws, seed_key
from nusky.likelihood.model import LikelihoodModel
from nusky.likelihood.window import WindowLikelihoodModel
from nusky.notebook import html_table
from nusky.runners import counts as conversion
from nusky.runners.fitter_args import fitting
from nusky.runners.injectors import SeasonBackground, renewed_seasons
from nusky.runners.making import MakesTrials
from nusky.runners.many_fits import FitsMany
from nusky.sensitivity.limits import find_n_sig
from nusky.sensitivity.result import NSigResult
from nusky.trial.fit import Fit, result_columns
from nusky.trial.paired_fit import PairedFit
from nusky.trial.status import Status
from nusky.trial.trial import Trial, as_trial
from nusky.typing import F64, I64
from nusky.version import code_version

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from nusky.analysis import Analysis
    from nusky.likelihood.trial_index import PartOfTrials, TrialIndex
    from nusky.sensitivity.search import NSigOptions

__all__ = ["MANY_TRIALS", "Runner"]

MANY_TRIALS = 256
"""Trials of a time window that are drawn together: their events are few."""

TsToP = Callable[[F64, F64], Any]


def _shaped(fit: Fit, flat: bool) -> Fit:
    return PairedFit.of(fit) if flat is False else fit


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Runner(MakesTrials, FitsMany):
    """Makes and fits trials of one analysis; see `TrialRunner`, `SkyScanTrialRunner` and `SpatialPriorTrialRunner`.

    Parameters
    ----------
    ts_to_p : callable or None
        ``p = ts_to_p(dec, ts)``, vectorised, rad; fills mlog10p.
    update_bg : bool
        The background density of each trial is made anew from the trial's own events, so that injected signal is part
        of it as it is of real data; the energy term stays the season's. Where nothing is injected into a season, and
        in a time window, whose background comes from outside it, this is the season's own density anyway.
    analysis, likelihood, injection, mp_cpus, transient, declinations
        See `MakesTrials`.
    """

    ts_to_p: TsToP | None = None
    update_bg: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_p_of_ts(self.ts_to_p)
        _ = self.model  # checks γ against the nodes, and the window against the livetime

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes build the core's objects themselves: what was made from the options stays here
        return {option.name: getattr(self, option.name) for option in fields(self)}

    # What the kinds of runner differ in

    def _summaries(self, tables: NDArray[np.void]) -> NDArray[np.void]:
        """The trials' own rows: those of their best priors."""
        return np.asarray(tables[np.arange(len(tables)), tables["ts_raw"].argmax(axis=1)])

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
    def model(self) -> LikelihoodModel:
        """The likelihood of the analysis under the options."""
        if self.on_time is None:
            return LikelihoodModel(self.analysis, self.likelihood)
        return WindowLikelihoodModel(self.analysis, self.likelihood, on_time=self.on_time)

    @property
    def bg_injs(self) -> tuple[SeasonBackground, ...]:
        """How each season's background is made."""
        return tuple(SeasonBackground(self, k) for k in range(len(self.analysis)))

    @property
    def ana(self) -> Analysis:
        """csky's name of `analysis`."""
        return self.analysis

    @property
    def fitter_args(self) -> dict[str, float]:
        """What is held in fits, as csky has it: ``{"gamma": 2.5}`` where γ is fixed."""
        fixed = self.likelihood.gamma if self.likelihood.mode == "fixed" else None
        return {} if fixed is None else {"gamma": fixed}

    @property
    def param_names(self) -> tuple[str, ...]:
        """What is fitted: n_s, and γ where it is free."""
        return ("ns", "gamma") if self.likelihood.mode == "fit" else ("ns",)

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
        nodes = self.analysis.gamma_nodes
        gamma_range = {"gamma_range": [float(nodes[0]), float(nodes[-1])]} if self._gamma_free else {}
        return {
            "runner": type(self).__name__,
            "random": RANDOM,
            "analysis": {
                "keys": list(self.analysis.keys),
                "fingerprint": self.analysis.fingerprint,
            },
            "likelihood": {**self.likelihood.as_dict(), **gamma_range},
            "injection": self.injection.as_dict(),
            "mlog10p_is_ts": self.ts_to_p is None,
            **window,
            **({"update_bg": True} if self.update_bg else {}),
            **({} if self.declinations is None else {"declinations": self.declinations.as_dict()}),
            **({} if self.simulated is None else {"simulated": self.simulated.as_dict()}),
            **self._describe(),
        }

    @cached_property
    def config_hash(self) -> str:
        """Hash of `config`."""
        return config_hash(self.config())

    def _repr_html_(self) -> str:
        about = self._describe()
        shown = [(key.replace("_", " "), value) for key, value in about.items() if isinstance(value, (int, float))]
        energy = {"fit": "γ fitted", "off": "no energy term", "flux": "that of a given flux"}
        term = energy.get(self.likelihood.mode, f"γ = {self.likelihood.gamma}")
        window = None if self.transient is None else str(self.transient.window)
        rows = [("seasons", ", ".join(self.analysis.keys)), *shown, ("energy term", term), ("time window", window)]
        return html_table(type(self).__name__, [*rows, ("configuration", self.config_hash[:16])])

    def __repr__(self) -> str:
        shown = (f"{key} {value}" for key, value in self._describe().items() if isinstance(value, (int, float)))
        return f"{type(self).__name__}({', '.join(self.analysis.keys)} | {', '.join(shown)})"

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        return self.model.index(trial, n_threads)

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
        flat : bool
            True: an array with names, ``ts, ns, gamma = fit``. False: csky's pair, ``ts, params = fit``.
        **fitter_args
            ``gamma=`` holds γ in this call; csky's settings of its minimiser are accepted and not needed.

        Returns
        -------
        Fit
        """
        fits = fitting("get_one_fit", self, flat, fitter_args)
        n_threads = self._threads(mp_cpus)
        return _shaped(fits._fit_trial(self._one_trial(n_sig, poisson, seed, TRUTH), n_threads, logging), flat)

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
        return _shaped(fits._fit_trial(as_trial(trial, len(self.analysis)), self._threads(mp_cpus), logging), flat)

    def format_result(self, fit: Any) -> str:
        """A fit as lines of name and value.

        Parameters
        ----------
        fit : Fit, or numbers in the order of `columns`
        """
        width = max(map(len, self.columns))
        values = np.asarray(fit, dtype=np.float64)
        return "\n".join(f"{name:{width}s}  {value:.6g}" for name, value in zip(self.columns, values, strict=True))

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

    # A background of the trial's own

    def _renewed(self, trial: Trial) -> tuple[Self, Trial]:
        """The runner whose background density is that of the trial, and the trial over its seasons."""
        if not self.update_bg or self.on_time is not None:
            return self, trial
        seasons, background = renewed_seasons(self.analysis, trial)
        if all(new is old for new, old in zip(seasons, self.analysis, strict=True)):
            return self, trial
        return self._over(type(self.analysis)(seasons)), replace(trial, background=background)

    def _over(self, analysis: Analysis) -> Self:
        """The same runner over seasons that differ in their background only."""
        return replace(self, analysis=analysis, update_bg=False)

    def _table_of(self, trial: Trial, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        runner, made = self._renewed(trial)
        return runner._table(made, n_threads, logging)

    def _own_background(self, n_sig: float) -> bool:
        return self.update_bg and self.on_time is None and bool(n_sig or not self._scrambles)

    def _fit_trial(self, trial: Trial, n_threads: int, logging: bool) -> Fit:
        return self._fit_of(self._table_of(trial, n_threads, logging), trial)

    def _fit_of(self, table: NDArray[np.void], trial: Trial) -> Fit:
        if self.model.fits_flux:
            table["gamma"] = np.nan
        best = self._summaries(table[None])[0]
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
        about |= self._about(best)
        nodes = self.analysis.gamma_nodes
        about["gamma_at_bound"] = self.likelihood.mode == "fit" and about["gamma"] in (nodes[0], nodes[-1])
        if self.ts_to_p is not None:
            about["mlog10p"] = float(mlog10(self.ts_to_p, np.array([about["dec"]]), np.array([about["ts"]]))[0])
        return self._fit(table, about)

    def _about(self, best: np.void) -> dict[str, Any]:
        """What fits of this hypothesis say beyond those of others, from their row."""
        return {}

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
        if self.on_time is not None:
            return 1 + int(self.on_time.n_background)
        return sum(len(season.data) for season in self.analysis)

    def _parts_of_trials(self, numbers: I64, n_sig: float, poisson: bool, seed: int) -> list[PartOfTrials]:
        """The events of many trials of the time window."""
        assert isinstance(self.model, WindowLikelihoodModel)
        assert isinstance(self.background_injector, OffTimeInjector)
        draws = BatchDraws(seed_key(seed), numbers)
        parts = self.model.background_of_trials(self.background_injector.draw(draws))
        return parts + (self._injected_of_trials(draws, n_sig, poisson) if n_sig else [])

    def _injected_of_trials(self, draws: BatchDraws, n_sig: float, poisson: bool) -> list[PartOfTrials]:
        """The events that many trials inject."""
        parts = []
        for k, (events, first) in enumerate(self._inject_many(draws, n_sig, poisson)):
            if events is not None:
                columns, rows = self.model.columns_for(k, events), np.arange(len(events))
                mjd = None if self.on_time is None else events["mjd"]
                parts.append(self.model.injected_of_trials(k, columns, events["ra"], rows, mjd, first))
        return parts

    def _prepare(self, n_sig: float) -> None:
        self.model.prepare()
        if self._draws_rows:
            self.model.prepare_simulation()
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

    def _expected_events(self, gamma: float | None, flux: Flux, where: dict[str, Any]) -> float:
        """Expected events over all seasons for a flux, or for a power law of norm 1."""
        return self._acceptance(conversion.total_acceptance(self.analysis, gamma, flux, self.timing), **where)

    get_acc_total = conversion.get_acc_total
    to_E2dNdE = conversion.to_E2dNdE
    to_dNdE = conversion.to_dNdE
    to_fluence = conversion.to_fluence
    to_model_norm = conversion.to_model_norm
    to_ns = conversion.to_ns
