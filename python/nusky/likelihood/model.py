"""From an analysis and a few options to the objects the core fits with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from nusky import _core
from nusky.analysis.energy import GammaMode, check_gamma
from nusky.events import Events
from nusky.likelihood.trial_index import TrialIndex
from nusky.source.positions import MAX_EXTENSION
from nusky.sphere import radians
from nusky.trial.trial import Scramble, Trial
from nusky.typing import F64, I64
from nusky.units import in_unit

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis


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

    Examples
    --------
    >>> LikelihoodOptions().fixed_gamma, LikelihoodOptions("fixed", gamma=2.5).fixed_gamma
    (None, 2.5)
    """

    mode: GammaMode = "fit"
    gamma: float | None = None
    cut_n_sigma: float = 5.0
    extension: float = 0.0

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
        if self.mode == "fit" and self.gamma is not None:
            raise ValueError(f"mode='fit' takes no gamma, got gamma={self.gamma:g}; mode='fixed' fixes it")
        if self.mode == "fixed" and self.gamma is None:
            raise ValueError("mode='fixed' takes a gamma, got gamma=None; mode='fit' fits it")

    @property
    def fixed_gamma(self) -> float | None:
        """γ as the core takes it: None where it is fitted or there is no energy term."""
        return self.gamma if self.mode == "fixed" else None

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold; the form that trial stores compare, in which `energy` is false without the term."""
        return {
            "gamma": self.gamma,
            "energy": self.mode != "off",
            "cut_n_sigma": self.cut_n_sigma,
            "extension": self.extension,
        }


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
        return self.options.fixed_gamma

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
        if self.options.mode != "off":
            return self.analysis.event_columns(self.options.cut_n_sigma, self.options.extension)
        return tuple(self._spatial_columns(k, season.data) for k, season in enumerate(self.analysis))

    def prepare(self) -> None:
        """Make what all trials share."""
        _ = self.likelihood, self.columns

    def columns_for(self, k: int, events: Events) -> _core.EventColumns:
        """Injected or foreign events of season k."""
        if self.options.mode != "off":
            return self.analysis.columns_for(k, events, self.options.cut_n_sigma, self.options.extension)
        return self._spatial_columns(k, events)

    def _spatial_columns(self, k: int, events: Events) -> _core.EventColumns:
        background = np.ascontiguousarray(self.analysis[k].background(events["sindec"]), dtype=np.float64)
        return _core.EventColumns(
            events["dec"],
            events["sigma"],
            background,
            None,
            np.empty(0),
            cut_n_sigma=self.options.cut_n_sigma,
            extension=self.options.extension,
        )

    def index(self, trial: Trial, n_threads: int, rows: tuple[I64, ...] | None = None) -> TrialIndex:
        """Index the events of one trial for the core.

        Parameters
        ----------
        trial : Trial
        n_threads : int
        rows : tuple of (M_k,) int64, optional
            Rows of each season's own events that can matter; the others still count in N.
        """
        if trial.window is not None:
            raise ValueError(
                f"the trial holds only the events of {trial.window}; fit it with a runner for this window (src with "
                "mjd= and t_100=)"
            )
        parts = []
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            if isinstance(background, Scramble) and background.season is self.analysis[k]:
                chosen = None if rows is None else rows[k]
                ra = background.ra if chosen is None else background.ra[chosen]
                parts.append((self.columns[k], ra, k, chosen, None))
            else:
                events = background.events() if isinstance(background, Scramble) else background
                parts.append((self.columns_for(k, events), events["ra"], k, None, None))
            if injected is not None and len(injected):
                parts.append((self.columns_for(k, injected), injected["ra"], k, None, None))
        return TrialIndex(_core.EventIndex(parts, np.array(trial.n_events, dtype=np.float64), n_threads=n_threads))
