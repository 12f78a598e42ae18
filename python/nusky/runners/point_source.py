"""`TrialRunner`: trials of one source at a known position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.hyp.flux import Flux
from nusky.likelihood.reach import event_reach, widened
from nusky.progress import scan_progress
from nusky.runners.runner import Background, Made, Runner
from nusky.source.positions import Sources
from nusky.source.window import TimeWindow
from nusky.transients.on_time import TransientOptions
from nusky.trial.fit import PER_PRIOR_DTYPE, Fit
from nusky.trial.trial import Scramble, Trial
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.likelihood.trial_index import TrialIndex


__all__ = ["TrialRunner", "check_sources"]


def check_sources(src: Sources | None, transient: TransientOptions | None, n: int | None = None) -> None:
    """Raise for sources that a runner cannot take.

    Raises
    ------
    TypeError
        Not `Sources`.
    ValueError
        Another time window than the runner's, or another number of sources than `n`.
    """
    if src is None:
        return
    if not isinstance(src, Sources):
        raise TypeError(f"src must come from nusky.sources(ra, dec), got {type(src).__name__}")
    window = None if transient is None else transient.window
    if src.is_transient and TimeWindow.of(src) != window:
        raise ValueError(
            f"src has the time window {TimeWindow.of(src)}, the runner {window or 'none'}; make it with nusky's "
            "get_*_runner functions, or pass transient=TransientOptions(TimeWindow.of(src))"
        )
    if n is not None and len(src) != n:
        raise ValueError(f"src holds {len(src)} sources; this runner fits {n}: make one runner for each, src[i]")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TrialRunner(Runner):
    """Trials of one source: scramble, inject at its position, fit n_s and γ there.

    Parameters
    ----------
    src : Sources
        One source.
    analysis, likelihood, injection, mp_cpus, ts_to_p, transient
        See `Runner`.

    Examples
    --------
    >>> import nusky as cy                                                          # doctest: +SKIP
    >>> tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana)   # doctest: +SKIP
    >>> ts, ns, gamma = tr.get_one_fit(10, seed=1)                                  # doctest: +SKIP
    """

    src: Sources

    _sky: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_sources(self.src, self.transient, 1)
        super().__post_init__()

    def _describe(self) -> dict[str, Any]:
        return {"ra": float(self.src.ra[0]), "dec": float(self.src.dec[0])}

    @cached_property
    def _directions(self) -> _core.Directions:
        return _core.Directions(np.array(self.src.ra), np.array(self.src.dec))

    @cached_property
    def _near_rows(self) -> tuple[tuple[I64, F64], ...]:
        """For each season the rows whose cut reaches the source's declination, and how far off in right ascension.

        No right ascension brings the other rows near. An index of what is left takes a hundredth of the time that one
        of all events takes, which would be nearly all of a trial of one source.
        """
        found = []
        source_dec = float(self.src.dec[0])
        for season in self.analysis:
            reach = np.minimum(widened(event_reach(season.data["sigma"], self.likelihood)), np.pi)
            rows = np.flatnonzero(np.abs(season.data["dec"] - source_dec) <= reach)
            dec = season.data["dec"][rows]
            with np.errstate(divide="ignore", invalid="ignore"):  # at a pole every right ascension is near
                cosine = (np.cos(reach[rows]) - np.sin(dec) * np.sin(source_dec)) / (np.cos(dec) * np.cos(source_dec))
            furthest = np.where(np.isfinite(cosine), np.arccos(np.clip(cosine, -1.0, 1.0)), np.pi)
            found.append((rows, widened(furthest)))
        return tuple(found)

    def index_trial(self, trial: Trial, n_threads: int) -> TrialIndex:
        if self.on_time is not None or trial.window is not None:
            return self.model.index(trial, n_threads)
        near = []
        for (rows, furthest), background in zip(self._near_rows, trial.background, strict=True):
            if not isinstance(background, Scramble):
                return self.model.index(trial, n_threads)
            away = np.abs(background.ra[rows] - self.src.ra[0])
            near.append(rows[np.minimum(away, 2 * np.pi - away) <= furthest])
        return self.model.index(trial, n_threads, tuple(near))

    def _prepare(self, n_sig: float) -> None:
        super()._prepare(n_sig)
        _ = self._directions
        if self.on_time is None:
            _ = self._near_rows

    def _with_signal(
        self, background: Background, rng: np.random.Generator, n_sig: float, poisson: bool, made: Made
    ) -> Trial:
        n = int(rng.poisson(n_sig)) if poisson else int(n_sig)
        injected = self.signal_injector.inject(rng, [float(self.src.ra[0])], [float(self.src.dec[0])], [n])
        return Trial(background, injected, (0,) * len(background), **made)

    def _background_only(self, background: Background, made: Made) -> Trial:
        return Trial(background, (None,) * len(background), (0,) * len(background), **made)

    def _best(self, index: TrialIndex, n_threads: int, logging: bool = False) -> NDArray[np.void]:
        with scan_progress(1, n_threads, logging):
            ts, ns, gamma, status = _core.scan(
                self.model.likelihood, index.core, self._directions, gamma=self.model.fixed_gamma, n_threads=n_threads
            )
        table = np.empty(1, dtype=PER_PRIOR_DTYPE)
        table[0] = (0, -1, 0, ts[0], ts[0], ns[0], gamma[0], self.src.ra[0], self.src.dec[0], status[0])
        return table

    def _fit(self, table: NDArray[np.void], about: dict[str, Any]) -> Fit:
        return Fit(n_scanned=1, **about)

    @property
    def _default_flux(self) -> Flux | None:
        return self.injection.flux

    def _acceptance(self, acceptance: Callable[[Any], Any], **where: Any) -> float:
        if where:
            raise TypeError(f"unknown argument {next(iter(where))!r}: the position is that of the source")
        return float(acceptance(self.src.dec[0]))
