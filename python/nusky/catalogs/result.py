"""`SourceListResult`: what a list of sources says, corrected for trials, and the table to publish."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nusky.arrays import Arrays
from nusky.catalogs.binomial import binomial_test
from nusky.dists import PValue, counted_p
from nusky.files import atomic_write
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.catalogs.local_p import LocalP
    from nusky.sensitivity import NSigResult
    from nusky.source import Sources
    from nusky.typing import I64

__all__ = ["InterruptedListFits", "ListFits", "SourceListResult"]


class ListFits(NamedTuple):
    """Fits of every source in n trials.

    Attributes
    ----------
    ts, ns, gamma : (n, J)
        γ is NaN where it is undefined or fixed.
    t0, dt : (n, J) or None
        Of flares, MJD and days.
    thresh, lag : (n, J) or None
        Of light curves, lags in days.
    """

    ts: F64
    ns: F64
    gamma: F64
    t0: F64 | None = None
    dt: F64 | None = None
    thresh: F64 | None = None
    lag: F64 | None = None

    @classmethod
    def joined(cls, parts: list[ListFits]) -> ListFits:
        """Fits of some trials after those of others."""
        made: list[Any] = [None if one[0] is None else np.concatenate(one) for one in zip(*parts, strict=True)]
        return cls(*made)


class InterruptedListFits(KeyboardInterrupt):
    """Ctrl-C came while lists were fitted; `partial` (`ListFits`) has the finished trials, `indices` their numbers."""

    def __init__(self, partial: ListFits, indices: I64, n_trials: int) -> None:
        self.partial = partial
        self.indices = indices
        super().__init__(
            f"interrupted after {len(indices)} of {n_trials} trials; they are in this exception's .partial"
        )


@dataclass(frozen=True, eq=False)
class SourceListResult:
    """The test of a list of sources.

    Attributes
    ----------
    src : Sources
        (J,)
    ts, ns, gamma : (J,)
        Fit of each; γ is NaN where n_s = 0.
    p : (J,)
        Local p of each.
    best : int
        The source with the smallest local p.
    p_best : PValue
        How often the best of the list is as good in background trials: corrected for the number of sources, whatever
        their correlations.
    k : int
        How many sources the binomial test takes together.
    p_binomial : float
        Its smallest probability, before the correction for the choice of k.
    p_population : PValue
        How often background trials have one as small.
    times : dict of (J,)
        The further parameters of each: ``t0`` and ``dt`` of flares, ``thresh`` and ``lag`` of light curves.
    """

    src: Sources
    ts: F64
    ns: F64
    gamma: F64
    p: F64
    best: int
    p_best: PValue
    k: int
    p_binomial: float
    p_population: PValue
    times: Mapping[str, F64] = field(default_factory=dict)

    @classmethod
    def of(cls, src: Sources, table: NDArray[np.void], local: LocalP, largest: float = 1.0) -> SourceListResult:
        """From the rows (J,) of the fits and background trials; `largest` as for `binomial_test`."""
        ts: F64 = table["ts"]
        p = local.p(ts)
        lowest = np.flatnonzero(p == p.min())
        best = int(lowest[ts[lowest].argmax()])
        background = local.of_trials
        together, others = binomial_test(p, largest), binomial_test(background, largest)
        n = len(background)
        return cls(
            src=src,
            ts=ts,
            ns=table["ns"],
            gamma=table["gamma"],
            p=p,
            best=best,
            p_best=counted_p(n_above=int(np.sum(background.min(axis=1) <= p.min())), n_trials=n),
            k=int(together.k),
            p_binomial=float(together.p),
            p_population=counted_p(n_above=int(np.sum(others.p <= together.p)), n_trials=n),
            times={name: table[name] for name in ListFits._fields[3:] if name in (table.dtype.names or ())},
        )

    def name(self, j: int) -> str:
        """Name of a source, or its number."""
        return f"source {j}" if self.src.name is None else self.src.name[j]

    def __str__(self) -> str:
        j = self.best
        return (
            f"{len(self.src)} sources; best: {self.name(j)} with TS = {self.ts[j]:.2f}, n_s = {self.ns[j]:.1f}, "
            f"local p = {self.p[j]:.3g}; of the list {self.p_best}\n"
            f"binomial test: {self.k} sources with p = {self.p_binomial:.3g}; {self.p_population}"
        )

    def table(self, limits: Sequence[NSigResult] | None = None) -> Arrays:
        """One row a source, in the order of the list.

        Parameters
        ----------
        limits : sequence of NSigResult, optional
            Upper limits of the sources, see `SourceListTrialRunner.upper_limits`.

        Returns
        -------
        Arrays
            ``name``, ``ra_deg``, ``dec_deg``, ``ns``, ``gamma``, `times`, ``ts``, ``mlog10p`` (local) and with limits
            ``n_limit`` (events), ``E2dNdE`` (``unit`` GeV cm⁻² s⁻¹ at `E0`, see the first of the limits).
        """
        columns: dict[str, Any] = {
            "name": np.array([self.name(j) for j in range(len(self.src))]),
            "ra_deg": self.src.ra_deg,
            "dec_deg": self.src.dec_deg,
            "ns": self.ns,
            "gamma": self.gamma,
            **self.times,
            "ts": self.ts,
            "mlog10p": -np.log10(self.p),
        }
        if limits is not None:
            if len(limits) != len(self.src):
                raise ValueError(f"there are {len(limits)} limits for {len(self.src)} sources; give one for each")
            columns["n_limit"] = np.array([limit.n_sig for limit in limits])
            columns["E2dNdE"] = np.array([limit.E2dNdE for limit in limits])
        return Arrays(columns)

    def write_table(self, path: str | os.PathLike[str], limits: Sequence[NSigResult] | None = None) -> None:
        """Write the table: ``.tex`` as rows of a LaTeX tabular, anything else as CSV. The file appears whole or not."""
        table = self.table(limits)
        names = list(table.keys())
        latex = os.fspath(path).endswith(".tex")
        shown = [[_shown(table[name][j], latex) for name in names] for j in range(len(self.src))]
        between, end = (" & ", r" \\") if latex else (",", "")
        head = [name.replace("_", r"\_") if latex else name for name in names]
        lines = [between.join(row) + end for row in [head, *shown]]
        with atomic_write(path) as file:
            file.write(("\n".join(lines) + "\n").encode())


def _shown(value: Any, latex: bool) -> str:
    if isinstance(value, str):
        return value.replace("_", r"\_").replace("&", r"\&") if latex else value.replace(",", " ")
    number = float(value)
    if not np.isfinite(number):
        return r"\ldots" if latex else ""
    return f"{number:.4g}"
