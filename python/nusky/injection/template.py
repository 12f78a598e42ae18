"""`TemplateInjector`: signal of a whole map of the sky, each event from a place of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.injection.signal import Injected, SignalInjector
from nusky.sphere import inside_pixels, map_nside

if TYPE_CHECKING:
    from nusky.injection.seeding import TrialDraws
    from nusky.typing import F64, I64

__all__ = ["TemplateInjector"]


@dataclass(frozen=True, eq=False)
class TemplateInjector:
    """Signal of a map: a pixel in proportion to flux × acceptance, a place anywhere in it, then as from a source there.

    Parameters
    ----------
    signal : SignalInjector
    flux : (npix,)
        RING, equatorial: share of the flux of each pixel.
    """

    signal: SignalInjector
    flux: F64

    @cached_property
    def _ends(self) -> tuple[I64, F64]:
        """Pixels with flux and acceptance, and the events up to and with each of them."""
        import healpy

        nside = map_nside(self.flux.size)
        theta, _ = healpy.pix2ang(nside, np.arange(self.flux.size))
        dec, ring = np.unique(np.pi / 2 - theta, return_inverse=True)
        accepted = self.signal.acceptance(dec).sum(axis=0)
        events = self.flux * accepted[ring]
        pixels = np.flatnonzero(events > 1e-30 * accepted.max(initial=0.0))
        if not len(pixels):
            raise ValueError("the template is zero wherever a season accepts signal: nothing can be injected")
        return pixels, np.cumsum(events[pixels])

    def prepare(self) -> None:
        """Make what all trials share."""
        self.signal.prepare()
        _ = self._ends

    def inject(self, draws: TrialDraws, n_sig: float, poisson: bool) -> Injected:
        """Signal of one trial; None for each season without any."""
        count = draws.signal_count(n_sig, poisson)
        if not count:
            return (None,) * len(self.signal.analysis)
        pixels, ends = self._ends
        uniform = draws.uniforms("source", count)
        at = np.minimum(np.searchsorted(ends, uniform[:, 0] * ends[-1], side="right"), len(ends) - 1)
        ra, dec = inside_pixels(map_nside(self.flux.size), pixels[at], uniform[:, 1])
        return self.signal.inject(draws, ra, dec, np.ones(count, dtype=np.int64))
