"""`MultiFlareSourcesRunner`: several flares of each of several sources, all on one trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nusky.hypotheses.multiflare import FlaresBySource, MultiFlareTrialRunner, with_given_flares, write_injected
from nusky.source import check_distinct

if TYPE_CHECKING:
    from nusky.source import Sources
    from nusky.trial.trial import Trial

__all__ = ["MultiFlareSourcesRunner"]


@dataclass(frozen=True, eq=False, repr=False)
class MultiFlareSourcesRunner:
    """The flares of each source of a list, fitted to the same events: what csky's multi-flare runner gives for a list.

    Each source is fitted by itself, with the numbers that its own `MultiFlareTrialRunner` gives for the trial. For many
    trials and their p-values take the runner of each source, ``runners[i]``.

    Parameters
    ----------
    src : Sources
        At different places, of different names where they have any.
    runners : tuple of MultiFlareTrialRunner
        One for each source.

    Examples
    --------
    >>> import nusky as cy                                                                    # doctest: +SKIP
    >>> mtr = cy.get_multiflare_trial_runner(src=cy.sources([1.0, 2.0], 0.1), ana=ana)        # doctest: +SKIP
    >>> mtr.get_one_fit(TRUTH=True, flat=False)["1"]                                          # doctest: +SKIP
    """

    src: Sources
    runners: tuple[MultiFlareTrialRunner, ...]

    def __post_init__(self) -> None:
        check_distinct(self.src)
        if len(self.src) != len(self.runners):
            raise ValueError(f"{len(self.runners)} runners for {len(self.src)} sources: give one for each")
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f"two sources have the name {twice!r}, by which their flares are found: name them apart")

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of the result: names of the sources, or their numbers."""
        return self.src.name or tuple(str(i) for i in range(len(self.src)))

    def __repr__(self) -> str:
        return f"MultiFlareSourcesRunner({len(self.src)} sources | {self.runners[0]!r})"

    def get_one_trial(
        self,
        n_sig: float = 0,
        poisson: bool = False,
        seed: Any = None,
        TRUTH: bool = False,
        mp_cpus: int | None = None,
        logging: bool = False,
        replace_evts: bool = False,
        *,
        injflares: Sequence[Any] | None = None,
        deltaT: Any = None,
        save_evts: Any = None,
    ) -> Trial:
        """Make one trial, see `MultiFlareTrialRunner.get_one_trial`; signal comes from `injflares` only.

        Raises
        ------
        ValueError, TypeError
            As there, or `n_sig`: of which source would they be?
        """
        if injflares is None:
            if n_sig:
                raise ValueError(f"n_sig={n_sig:g} does not say which source flares, and when; give injflares")
            return self.runners[0].get_one_trial(
                0, poisson, seed, TRUTH, mp_cpus, logging, replace_evts, deltaT=deltaT, save_evts=save_evts
            )
        trial = with_given_flares(self.runners[0], self.src, injflares, n_sig, seed, TRUTH)
        trial = trial.replaced() if replace_evts else trial
        if save_evts is not None:
            write_injected(trial, save_evts)
        return trial

    def get_one_fit_from_trial(
        self,
        trial: Any,
        mp_cpus: int | None = None,
        logging: bool = False,
        flat: bool = True,
        *,
        decorrelate: bool = False,
        **fitter_args: Any,
    ) -> FlaresBySource:
        """The flares of every source in a trial.

        Parameters
        ----------
        trial : Trial or (evss, n_exs)
        mp_cpus, logging, fitter_args
            See `Runner.get_one_fit_from_trial`.
        flat : False
            Has to be said: several sources are no array.
        decorrelate : False
            Sources near each other share events.

        Raises
        ------
        ValueError
            Another `flat`, or `decorrelate`.
        """
        if flat is not False:
            raise ValueError(
                "several sources give no array of numbers: flat=False gives the flares of each by its name"
            )
        if decorrelate:
            raise ValueError("decorrelate=True is not there: sources near each other are fitted to the same events")
        found = FlaresBySource()
        for name, runner in zip(self.names, self.runners, strict=True):
            fit = runner.get_one_fit_from_trial(trial, mp_cpus, logging, **fitter_args)
            found[name] = FlaresBySource.of(fit)
        return found

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
    ) -> FlaresBySource:
        """Make one trial and find the flares of every source in it, see `get_one_fit_from_trial`."""
        trial = self.get_one_trial(n_sig, poisson, seed, TRUTH)
        return self.get_one_fit_from_trial(trial, mp_cpus, logging, flat, **fitter_args)
