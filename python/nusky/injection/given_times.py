"""`GivenFlares`: signal whose events come at given times from given sources, csky's ``injflares=``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.injection.signal import Injected, SignalInjector
from nusky.sphere import moments
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.data import Uptime
    from nusky.events import Events
    from nusky.injection.seeding import TrialDraws
    from nusky.source import Sources

__all__ = ["GivenFlares"]


@dataclass(frozen=True, eq=False)
class GivenFlares:
    """Times of single signal events, and the source of each; make it with `of`.

    Attributes
    ----------
    mjd : (N,) MJD
    source : (N,) int64
    """

    mjd: F64
    source: I64

    @classmethod
    def of(cls, flares: Any, n_sources: int) -> GivenFlares:
        """From csky's list: one entry ``[times, number of the source]`` for each flare.

        Raises
        ------
        TypeError, ValueError
            Other entries, times that are no MJD, or a source that is not there.

        Examples
        --------
        >>> GivenFlares.of([[[55700.0, 55700.5], 0], [[55800.0], 0]], 1).mjd.tolist()
        [55700.0, 55700.5, 55800.0]
        """
        if isinstance(flares, (str, bytes)) or not isinstance(flares, (Sequence, np.ndarray)):
            raise TypeError(f"injflares must be a list of [times in MJD, number of the source], got {flares!r}")
        times: list[F64] = []
        of: list[I64] = []
        for i, flare in enumerate(flares):
            if isinstance(flare, (str, bytes)) or not hasattr(flare, "__len__") or len(flare) != 2:
                raise TypeError(f"injflares[{i}] must be [times in MJD, number of the source], got {flare!r}")
            number = flare[1]
            if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
                raise TypeError(f"injflares[{i}]: the number of the source must be an integer, got {number!r}")
            if not 0 <= number < n_sources:
                raise ValueError(f"injflares[{i}] is of source {number}, and there are {n_sources}, numbered from 0 on")
            mjd = np.atleast_1d(moments(flare[0]))
            if mjd.ndim != 1 or not np.isfinite(mjd).all():
                raise ValueError(f"injflares[{i}]: times must be finite MJD in one dimension")
            times.append(mjd)
            of.append(np.full(len(mjd), number, dtype=np.int64))
        none = np.empty(0), np.empty(0, dtype=np.int64)
        return cls(np.concatenate([none[0], *times]), np.concatenate([none[1], *of]))

    def inject(
        self, signal: SignalInjector, draws: TrialDraws, src: Sources, uptimes: Sequence[Uptime]
    ) -> tuple[Injected, int]:
        """Events of each season at these times, and how many times there are at which no season took data.

        Where several seasons took data, each event falls to one of them in proportion to its rate.

        Parameters
        ----------
        signal : SignalInjector
            Without times.
        draws : TrialDraws
        src : Sources
        uptimes : (K,) Uptime
        """
        ra, dec, width = (column[self.source] for column in (src.ra, src.dec, src.extension))
        uniform = draws.uniforms("signal", len(self.mjd))
        scatter = draws.uniforms("extension", len(self.mjd))
        days = np.array([up.days for up in uptimes])[:, None]
        live = np.array([up.contains(self.mjd) for up in uptimes])
        rate = np.where(live, signal.acceptance(dec) / days, 0.0)
        total = rate.sum(axis=0)
        season = (uniform[:, 1] * total >= np.cumsum(rate, axis=0)[:-1]).sum(axis=0)
        option = signal.options.extension
        width = width if option is None else np.full(len(width), option)
        if np.any(width > 0):
            ra, dec = signal.scattered(ra, dec, width, scatter)
        parts: list[Events | None] = []
        for k in range(len(uptimes)):
            some = np.flatnonzero((season == k) & (total > 0))
            if len(some):
                events = signal.placed(k, uniform[some, 0], ra[some], dec[some])
                parts.append(events.with_columns(mjd=self.mjd[some]))
            else:
                parts.append(None)
        return tuple(parts), int(np.count_nonzero(~live.any(axis=0)))
