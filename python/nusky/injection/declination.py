"""`DecRandomization`: background events at new declinations, near their own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.events import Events
from nusky.sphere import radians
from nusky.trial import Scramble
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from nusky.injection.seeding import TrialDraws

__all__ = ["DecRandomization"]


@dataclass(frozen=True)
class DecRandomization:
    """csky's ``gaussian_fixed``: each declination moves by a Gaussian of one width, away from the poles.

    Small samples repeat their declinations in every scramble; moving them makes scrambles differ there, too. An event
    at δ with \\|δ\\| ≤ π/2 − `pole_exclusion` moves to δ + N(0, width), the Gaussian cut at ±(π/2 − `pole_exclusion`);
    nearer to a pole it stays where it is. B and ln R are taken at the new declination.

    Parameters
    ----------
    width : float or None
        rad, > 0; None: the angular error of each event.
    pole_exclusion : float
        rad, 0 … π/2.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> moves = DecRandomization(width=0.05, pole_exclusion=0.1)
    >>> dec = moves.moved(np.array([0.0, 1.5]), np.array([0.4, 0.4]))
    >>> bool(abs(dec[0]) < 0.3), float(dec[1])
    (True, 1.5)
    """

    width: float | None
    pole_exclusion: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (("width", np.nextafter(0, 1), np.pi), ("pole_exclusion", 0.0, np.pi / 2)):
            if getattr(self, name) is None and name == "width":
                continue
            value = radians(name, getattr(self, name))
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not low <= value <= high:
                raise ValueError(f"{name}={value!r} must be rad, {low:.3g} … {high:.3g}")
            object.__setattr__(self, name, float(value))

    def moved(self, dec: F64, uniform: F64, sigma: F64 | None = None) -> F64:
        """New declinations (N,) rad, for numbers (N,) uniform in [0, 1); `sigma` (N,) are the widths without one."""
        from scipy.special import ndtr, ndtri

        dec = numbers("dec", dec, "rad")
        width: Any = sigma if self.width is None else self.width
        edge = np.pi / 2 - self.pole_exclusion
        low, high = ndtr((-edge - dec) / width), ndtr((edge - dec) / width)
        inside = np.abs(dec) <= edge
        with np.errstate(invalid="ignore"):
            new = dec + width * ndtri(low + (high - low) * uniform)
        return np.where(inside, np.clip(new, -edge, edge), dec)

    def scramble(self, background: tuple[Scramble | Events, ...], draws: TrialDraws) -> tuple[Scramble | Events, ...]:
        """The same background at new declinations: that of event i of season k is item i of its season."""
        seasons: list[Scramble | Events] = []
        for k, season in enumerate(background):
            events = season.season.data if isinstance(season, Scramble) else season
            uniform = draws.uniforms("declination", len(events), k)[:, 0]
            dec = self.moved(events["dec"], uniform, events["sigma"])
            if isinstance(season, Scramble):
                seasons.append(Scramble(season.season, season.ra, dec=dec))
            else:
                seasons.append(season.with_columns(dec=dec, sindec=np.sin(dec)))
        return tuple(seasons)

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        method = "gaussian_sigma" if self.width is None else "gaussian_fixed"
        return {"method": method, "drawn": "by counter", **asdict(self)}
