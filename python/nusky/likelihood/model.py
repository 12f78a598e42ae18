"""From an analysis and a few options to the objects the core fits with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.analysis.gamma import GammaMode, check_gamma
from nusky.events import Events
from nusky.hyp import Flux
from nusky.injection.simulated import DrawnEvents
from nusky.likelihood.trial_index import PartOfTrials, TrialIndex
from nusky.source.positions import MAX_EXTENSION
from nusky.sphere import radians
from nusky.trial.trial import Scramble, Trial
from nusky.typing import F64, I64
from nusky.units import in_unit

if TYPE_CHECKING:
    from nusky.analysis import Analysis, EventRatio


Part = tuple[Any, ...]

__all__ = ["LikelihoodModel", "LikelihoodOptions"]


@dataclass(frozen=True)
class LikelihoodOptions:
    """What is fitted, and which events count.

    Parameters
    ----------
    mode : {"fit", "fixed", "off"}
        γ is fitted; γ is fixed at `gamma`; there is no energy term, W = S/B.
    gamma : float or None
        "fit": None. "fixed": the value. "off": the spectrum whose acceptance shares n_s among the seasons, 2 by
        default.
    cut_n_sigma : float
        S = 0 beyond this many σ of an event (not renormalised).
    extension : float
        Width of the source, rad; adds to every event's σ in quadrature.
    flux : Flux or None
        The energy term, and the shares of the seasons, are those of this spectrum; n_s is all that is fitted.
    flux_bins : (sin δ edges, log10 E edges) or None
        Cells of the energy term of `flux`; None: the season's.

    Examples
    --------
    >>> LikelihoodOptions().fixed_gamma, LikelihoodOptions("fixed", gamma=2.5).fixed_gamma
    (None, 2.5)
    """

    mode: GammaMode = "fit"
    gamma: float | None = None
    cut_n_sigma: float = 5.0
    extension: float = 0.0
    flux: Flux | None = None
    flux_bins: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(GammaMode):
            raise ValueError(f"mode={self.mode!r} is not known; use 'fit', 'fixed' or 'off' (no energy term)")
        object.__setattr__(self, "extension", radians("extension", self.extension))
        object.__setattr__(self, "cut_n_sigma", in_unit("cut_n_sigma", self.cut_n_sigma, ""))
        for name, low, high in (("cut_n_sigma", 0.0, np.inf), ("extension", -1e-300, MAX_EXTENSION + 1e-12)):
            if isinstance(getattr(self, name), bool) or not isinstance(getattr(self, name), Real):
                raise TypeError(f"{name} must be a number, got {getattr(self, name)!r}")
            value = float(getattr(self, name))
            if not low < value < high:
                unit = "rad, at most 20 degrees" if name == "extension" else "a finite number of σ above 0"
                raise ValueError(f"{name}={value!r} must be {unit}")
            object.__setattr__(self, name, value)
        if self.gamma is not None:
            if isinstance(self.gamma, bool) or not isinstance(self.gamma, Real):
                raise TypeError(f"gamma must be a number or None (fitted), got {self.gamma!r}")
            object.__setattr__(self, "gamma", float(self.gamma))
        if (self.mode == "flux") != (self.flux is not None):
            raise ValueError(f"mode={self.mode!r} with flux={self.flux!r}: mode='flux' and flux= belong together")
        if self.flux is not None:
            if not isinstance(self.flux, Flux):
                raise TypeError(f"flux must be a flux such as hyp.PowerLawFlux(2), got {self.flux!r}")
            if self.gamma is not None:
                raise ValueError(f"gamma={self.gamma:g}: with flux= the spectrum is given")
        if self.mode == "fit" and self.gamma is not None:
            raise ValueError(f"mode='fit' takes no gamma, got gamma={self.gamma:g}; mode='fixed' fixes it")
        if self.mode == "fixed" and self.gamma is None:
            raise ValueError("mode='fixed' takes a gamma, got gamma=None; mode='fit' fits it")

    @property
    def fixed_gamma(self) -> float | None:
        """γ as the core takes it: None where it is fitted or there is no energy term.

        The energy term of one given flux has one node, γ = 0, which means that flux.
        """
        if self.mode == "flux":
            return 0.0
        return self.gamma if self.mode == "fixed" else None

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold; the form that trial stores compare, in which `energy` is false without the term."""
        values = {
            "gamma": self.gamma,
            "energy": self.mode != "off",
            "cut_n_sigma": self.cut_n_sigma,
            "extension": self.extension,
        }
        if self.flux is None:
            return values
        bins = None if self.flux_bins is None else [list(edges) for edges in self.flux_bins]
        return {**values, "flux": self.flux.to_json(), "flux_bins": bins}


@dataclass(frozen=True, eq=False)
class LikelihoodModel:
    """The likelihood of an analysis under some options: what is the same for every trial is made once.

    Parameters
    ----------
    analysis : Analysis
    options : LikelihoodOptions

    Raises
    ------
    ValueError
        For γ outside the analysis' nodes.
    """

    analysis: Analysis
    options: LikelihoodOptions

    def __post_init__(self) -> None:
        check_gamma(self.options.gamma, self.analysis.gamma_nodes)

    @property
    def fixed_gamma(self) -> float | None:
        """γ as the core takes it: None where it is fitted or there is no energy term."""
        gamma = self.options.fixed_gamma
        return check_gamma(gamma, self.analysis.gamma_nodes) if self.options.mode == "fixed" else gamma

    @property
    def fits_flux(self) -> bool:
        """Whether the energy term is that of one given flux, so that γ is undefined."""
        return self.options.flux is not None

    @cached_property
    def _flux_ratios(self) -> tuple[EventRatio, ...]:
        assert self.options.flux is not None
        return tuple(season.ratio_of_flux(self.options.flux, self.options.flux_bins) for season in self.analysis)

    @cached_property
    def likelihood(self) -> _core.Likelihood:
        """n_s and γ to ln Λ: γ nodes and acceptance shares."""
        return _core.Likelihood(*self.acceptances())

    def acceptances(self) -> tuple[F64, F64, F64]:
        """γ nodes, sin δ nodes and ln A_k as the core takes them; without an energy term there are no γ nodes.

        Returns
        -------
        gamma_nodes : (G,)
        sindec_nodes : (D,)
        log_acceptance : (K, D, G), or (K, D, 1) without an energy term
        """
        sindec, log_acceptance = self.analysis.acceptance_table()
        if self.options.flux is not None:
            dec = np.arcsin(np.clip(sindec, -1.0, 1.0))
            each = [np.log(season.acceptance.for_flux(self.options.flux)(dec)) for season in self.analysis]
            return np.zeros(1), sindec, np.ascontiguousarray(np.stack(each)[:, :, None])
        if self.options.mode != "off":
            return np.array(self.analysis.gamma_nodes), sindec, log_acceptance
        gamma = 2.0 if self.options.gamma is None else self.options.gamma
        dec = np.arcsin(np.clip(sindec, -1.0, 1.0))
        share = np.stack([np.asarray(season.acceptance(dec, gamma), dtype=np.float64) for season in self.analysis])
        # Where a season accepts nothing the table holds a very small value instead of ln 0; so does this one
        with np.errstate(divide="ignore"):
            log_share = np.maximum(np.log(share), float(log_acceptance.min()))
        return np.empty(0), sindec, np.ascontiguousarray(log_share[:, :, None])

    @cached_property
    def columns(self) -> tuple[_core.EventColumns, ...]:
        """The seasons' own events."""
        if self.options.mode in ("fit", "fixed"):
            return self.analysis.event_columns(self.options.cut_n_sigma, self.options.extension)
        return tuple(self.columns_for(k, season.data) for k, season in enumerate(self.analysis))

    @cached_property
    def records(self) -> tuple[_core.PointRecords, ...]:
        """The seasons' own events as fits of one position read them."""
        if self.options.mode in ("fit", "fixed"):
            return self.analysis.point_records(self.options.cut_n_sigma, self.options.extension, self.fixed_gamma)
        return tuple(self.records_of(columns) for columns in self.columns)

    def records_of(self, columns: _core.EventColumns) -> _core.PointRecords:
        """Any events as fits of one position read them."""
        return _core.PointRecords(columns, self.fixed_gamma)

    def log_energy_ratio(self, k: int, events: Events) -> NDArray[np.float32] | None:
        """(N, G) ln R of any events of season k at the γ nodes of the energy term; None without one."""
        if self.options.mode == "off":
            return None
        ratio = self._flux_ratios[k] if self.fits_flux else self.analysis[k].ratio
        return ratio(events)

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self.likelihood, self.columns

    @cached_property
    def _simulated(self) -> dict[int, _core.EventColumns]:
        return {}

    def prepare_simulation(self) -> None:
        """Work out what the whole simulation has, for trials whose background is drawn from it."""
        for k, season in enumerate(self.analysis):
            if k not in self._simulated:
                self._simulated[k] = self.columns_for(k, season.sim)

    def columns_for(self, k: int, events: Events) -> _core.EventColumns:
        """Injected or foreign events of season k."""
        if self.options.mode in ("fit", "fixed"):
            return self.analysis.columns_for(k, events, self.options.cut_n_sigma, self.options.extension)
        return self._own_columns(k, events)

    def _own_columns(self, k: int, events: Events) -> _core.EventColumns:
        sindec = events["sindec"]
        background = np.ascontiguousarray(self.analysis[k].background(sindec), dtype=np.float64)
        ratio = self.log_energy_ratio(k, events)
        return _core.EventColumns(
            events["dec"],
            events["sigma"],
            background,
            ratio,
            np.empty(0) if ratio is None else np.zeros(1),
            cut_n_sigma=self.options.cut_n_sigma,
            extension=self.options.extension,
        )

    def injected_of_trials(
        self, k: int, columns: _core.EventColumns, ra: F64, rows: I64, mjd: F64 | None, first: I64
    ) -> PartOfTrials:
        """Injected events of many trials, of season k: rows of some columns, trial by trial; `mjd` is not used."""
        return PartOfTrials(columns, ra, k, rows, None, first)

    def parts(self, trial: Trial, rows: tuple[I64, ...] | None = None) -> list[Part]:
        """The events of one trial as the core takes them: see `index`."""
        if trial.window is not None:
            raise ValueError(
                f"the trial holds only the events of {trial.window}; fit it with a runner for this window (src with "
                "mjd= and t_100=)"
            )
        parts: list[Part] = []
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            chosen = None if rows is None else rows[k]
            own = isinstance(background, Scramble) and background.season is self.analysis[k]
            if isinstance(background, Scramble) and own and background.dec is None:
                ra = background.ra if chosen is None else background.ra[chosen]
                parts.append((self.columns[k], ra, k, chosen, None))
            else:
                events = background.events() if isinstance(background, Scramble) else background
                if chosen is not None and own:
                    events = events[chosen]
                drawn = events if isinstance(events, DrawnEvents) and k in self._simulated else None
                if drawn is not None and drawn.table is self.analysis[k].sim:
                    parts.append((self._simulated[k], events["ra"], k, drawn.rows, None))
                else:
                    parts.append((self.columns_for(k, events), events["ra"], k, None, None))
            if injected is not None and len(injected):
                parts.append((self.columns_for(k, injected), injected["ra"], k, None, None))
        return parts

    def index(self, trial: Trial, n_threads: int, rows: tuple[I64, ...] | None = None) -> TrialIndex:
        """Index the events of one trial for the core.

        Parameters
        ----------
        trial : Trial
        n_threads : int
        rows : tuple of (M_k,) int64, optional
            Rows of each season's own events that can matter; the others still count in N.
        """
        n_events = np.array(trial.n_events, dtype=np.float64)
        return TrialIndex(_core.EventIndex(self.parts(trial, rows), n_events, n_threads=n_threads))
