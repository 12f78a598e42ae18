"""`MultiFlareSourcesRunner`: several flares of each source of a list, with csky's result by source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nusky.catalogs.timed_list import TimedSourceListTrialRunner
from nusky.hypotheses import SeveralFlares

if TYPE_CHECKING:
    from nusky.hypotheses import FlareTrialRunner
    from nusky.source import Sources

__all__ = ["MultiFlareSourcesRunner"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MultiFlareSourcesRunner(SeveralFlares, TimedSourceListTrialRunner):
    """A list whose sources may each have flared several times: what csky's multi-flare runner gives for a list.

    With ``flat=False`` a fit is a `FlaresBySource` of all of them, otherwise that of the best source.

    Parameters
    ----------
    least_ts : float
        TS, penalty included, that each flare has at least, ≥ 0.
    src : Sources
        At different places, of different names where they have any.
    flare, signal_windows, background, tail, analysis, likelihood, injection, mp_cpus, declinations
        See `TimedSourceListTrialRunner`.

    Examples
    --------
    >>> import nusky as cy                                                                    # doctest: +SKIP
    >>> mtr = cy.get_multiflare_trial_runner(src=cy.sources([1.0, 2.0], 0.1), ana=ana)        # doctest: +SKIP
    >>> mtr.get_one_fit(TRUTH=True, flat=False)["1"]                                          # doctest: +SKIP
    >>> print(mtr.with_background(1000, seed=1).test(TRUTH=True))                             # doctest: +SKIP
    """

    least_ts: float | None = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f"two sources have the name {twice!r}, by which their flares are found: name them apart")

    @property
    def _flaring(self) -> Sources:
        return replace(self.src, extension=self.stack_injector.extension)

    @property
    def _flare_runners(self) -> tuple[FlareTrialRunner, ...]:
        return self.runners
