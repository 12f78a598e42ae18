"""What a follow-up found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.dists import PValue, counted_p
from nusky.followup.background import more_background
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.followup.inputs import Target
    from nusky.followup.limits import Limits
    from nusky.followup.search import Search
    from nusky.hotspots import Localization
    from nusky.priors import SpatialPrior
    from nusky.runners import SpatialPriorTrialRunner
    from nusky.trial import Fit, SkyScan, Trial

__all__ = ["FollowUp"]


@dataclass(frozen=True, eq=False, repr=False)
class FollowUp:
    """What a follow-up found; `nusky.followup.follow_up` makes it, `write_follow_up` writes it.

    Attributes
    ----------
    search : Search
        Target, prior, runner and times.
    trial, fit
        The events that were searched and the hottest spot.
    background : (n,) float64
        TS of background trials; not more than the p-value needed.
    ns_interval, gamma_interval : (float, float)
        68 %, profile likelihood at the hottest spot, without the prior; NaN where there is none.
    localization : Localization or None
        Error region of the hottest spot; None where nothing was found, `unlocalized` says why.
    unlocalized : str
    limits : Limits or None
        None: not asked for.
    energy_range : (float, float)
        GeV, central 90 % of the events expected from sources of equal flux drawn from the map.
    events : tuple of dict
        Those that carry the fit, see `fitted_events`.
    truth : bool
        The real sky; False: a scramble, which says nothing about it.
    seed : int
    library : str or None
        Name of the library of scans that `background` is from; None: trials of `runner`.
    """

    search: Search
    trial: Trial
    fit: Fit
    background: F64
    ns_interval: tuple[float, float]
    gamma_interval: tuple[float, float]
    localization: Localization | None
    unlocalized: str
    limits: Limits | None
    energy_range: tuple[float, float]
    events: tuple[dict[str, Any], ...]
    truth: bool
    seed: int
    library: str | None = None

    @property
    def target(self) -> Target:
        """What was followed up."""
        return self.search.target

    @property
    def prior(self) -> SpatialPrior:
        """The map as it was used, at the resolution of the search."""
        return self.search.prior

    @property
    def runner(self) -> SpatialPriorTrialRunner:
        """The search."""
        return self.search.runner

    @property
    def p_value(self) -> PValue:
        """Fraction of background trials with a TS as high or higher, with its error."""
        return counted_p(int(np.count_nonzero(self.background >= self.fit.ts)), len(self.background))

    @cached_property
    def scan(self) -> SkyScan:
        """TS, n_s and γ of every fitted pixel, without the prior."""
        return self.runner.get_one_scan_from_trial(self.trial)

    def more_trials(self, n: int) -> FollowUp:
        """The same with `n` background trials more; all of them are made.

        Parameters
        ----------
        n : int
            At least 1.

        Examples
        --------
        >>> better = result.more_trials(1000)                                        # doctest: +SKIP
        """
        if self.library is not None:
            raise ValueError(f"the background is that of the library {self.library}: add scans to it, and search again")
        more = more_background(self.runner, self.seed, len(self.background), n)
        return replace(self, background=np.concatenate([self.background, more]))

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        injected = f" with {self.trial.n_injected} injected events" if self.trial.n_injected else ""
        what = "the real sky" if self.truth else f"a SCRAMBLE{injected} (not the real sky)"
        p = self.p_value
        found = "no excess" if self.fit.ns <= 0 else f"TS {self.fit.ts:.2f} with n_s {self.fit.ns:.2f}"
        odds = f"p = {p.p:.3g} ± {p.error:.1g} from {p.n_trials} background trials"
        return f"{self.target.name}: in {what}, {found}; {odds}."

    def __repr__(self) -> str:
        return f"FollowUp({self.sentence})"
