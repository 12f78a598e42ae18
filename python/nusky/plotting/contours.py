"""Contours of a map: the smallest regions that hold some of the probability, as smooth lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.plotting.mesh import as_full_map
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["containment", "draw_borders", "draw_contours", "smooth"]

_STYLES = ("-", "--", "-.", ":")


def containment(m: Any, nest: bool = False) -> tuple[F64, bool]:
    """For each pixel the probability of the smallest region that holds it, and whether pixels are NESTED.

    Parameters
    ----------
    m : map
        Probability per pixel, up to a factor; what is not finite counts as 0.

    Returns
    -------
    (npix,) in 0 … 1
        Small at the maximum.

    Raises
    ------
    ValueError
        For negative values, or nothing positive.

    Examples
    --------
    >>> containment(np.r_[6.0, 3.0, 1.0, np.zeros(9)])[0][:3].round(9).tolist()
    [0.6, 0.9, 1.0]
    """
    values, nest = as_full_map(m, nest)
    p = np.where(np.isfinite(values), values, 0.0)
    if p.min() < 0 or not p.max() > 0:
        raise ValueError("m: contours need a map of probabilities: not negative, and positive somewhere")
    order = np.argsort(-p, kind="stable")
    out = np.empty_like(p)
    out[order] = np.cumsum(p[order] / p.sum())
    return np.minimum(out, 1.0), nest


def smooth(values: F64, ra: F64, dec: F64, nest: bool) -> F64:
    """Values of a map between its pixels' centres, by interpolation; rad."""
    import healpy as hp

    return np.asarray(hp.get_interp_val(values, np.pi / 2 - dec, ra, nest=nest))


def _entry(i: int, level: float, label: str | None) -> dict[str, Any]:
    """Line style and legend entry of the i-th level, the innermost first."""
    name = f"{100 * level:g} %" if label is None else f"{label}, {100 * level:g} %"
    return {"ls": _STYLES[i % len(_STYLES)], "label": name}


def draw_borders(
    ax: Axes,
    where: Any,
    levels: Sequence[float],
    to_axes: Callable[[F64, F64], tuple[Any, Any]],
    color: str,
    label: str | None,
) -> None:
    """Lines of a localization, brought from right ascension and declination to the axes by `to_axes`."""
    for i, level in enumerate(sorted(levels)):
        how = _entry(i, level, label)
        for line in where.contour(level):
            ax.plot(*to_axes(line[:, 0], line[:, 1]), color=color, lw=1.3, **how)
            how["label"] = "_"


def draw_contours(
    ax: Axes, x: F64, y: F64, values: F64, levels: Sequence[float], color: str, label: str | None, **kw: Any
) -> None:
    """Lines of `values` (Y, X) at the levels, with an entry each for the legend."""
    levels = sorted(levels)
    if not all(0 < level < 1 for level in levels):
        raise ValueError(f"levels={levels}: give probabilities between 0 and 1")
    for i, level in enumerate(levels):
        how = _entry(i, level, label)
        ax.contour(x, y, values, levels=[level], colors=[color], linestyles=[how["ls"]], **{"linewidths": 1.3, **kw})
        ax.plot([], [], color=color, lw=1.3, **how)
