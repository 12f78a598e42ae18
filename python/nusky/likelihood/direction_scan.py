"""Fits at many directions, of plain arrays."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky import _core
from nusky.analysis.gamma import check_gamma
from nusky.missing import without_missing
from nusky.sphere import at_limits
from nusky.threads import resolve_threads
from nusky.typing import F64
from nusky.units import in_unit

__all__ = ["DirectionScan", "scan_events"]


@dataclass(frozen=True, eq=False)
class DirectionScan:
    """Best fits of P directions.

    Attributes
    ----------
    ts : (P,) test statistic, ≥ 0
    ns : (P,) signal events, ≥ 0
    gamma : (P,) spectral index; NaN where ns = 0, and everywhere without an energy term
    status : (P,) int8
        See `Status`.
    """

    ts: F64
    ns: F64
    gamma: F64
    status: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ts)

    def __repr__(self) -> str:
        best = f", max TS {self.ts.max():.3f}" if len(self) else ""
        return f"DirectionScan({len(self)} directions{best})"


_UNITS = {
    **dict.fromkeys(("ra", "dec", "sigma", "src_ra", "src_dec"), "rad"),
    "background": "1 / sr",
}
# Events that are enough to tell, and the median of sigma (rad) from which degrees are likelier
_MANY, _WIDE = 10, 0.4
_LIMITS = {
    **dict.fromkeys(("ra", "src_ra"), (0.0, 2 * np.pi)),
    **dict.fromkeys(("dec", "src_dec"), (-np.pi / 2, np.pi / 2)),
    "sigma": (-np.inf, np.pi),
}


def _array(name: str, value: ArrayLike, shape: tuple[int | str, ...], sizes: dict[str, int]) -> F64:
    """Contiguous float64 of the given shape; letters in `shape` take the size they have in `sizes`, or define it."""
    value = in_unit(name, value, _UNITS.get(name, ""))
    try:
        plain, missing = without_missing(value, name)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers of shape {shape}, got {type(value).__name__}") from None
    if "masked" in missing or "unseen" in missing:
        raise ValueError(f"{name} has missing values ({missing}); leave those events out")
    array = np.ascontiguousarray(at_limits(plain, *_LIMITS[name]) if name in _LIMITS else plain)
    if array.ndim == 0 and len(shape) == 1:
        array = array.reshape(1)
    if array.ndim != len(shape):
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    for letter, size in zip(shape, array.shape, strict=True):
        expected = sizes.setdefault(str(letter), size)
        if size != expected:
            raise ValueError(f"{name} must have shape {shape} with {letter} = {expected}, got {array.shape}")
    return array


def _ask_of_degrees(sigma: F64) -> None:
    """Half of the events wider than 23 degrees: tracks have one degree, cascades ten."""
    if sigma.size >= _MANY and float(np.median(sigma)) > _WIDE:
        warnings.warn(
            f"sigma has a median of {np.median(sigma):.3g} rad, {np.degrees(np.median(sigma)):.3g} degrees: is it in "
            "degrees? Give np.radians(sigma), or a Quantity",
            UserWarning,
            stacklevel=3,
        )


def _check_rows(name: str, array: F64, good: NDArray[np.bool_], expected: str) -> None:
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        index = ", ".join(map(str, where))
        count = int(good.size - np.count_nonzero(good))
        more = f" ({count} such values)" if count > 1 else ""
        raise ValueError(f"{name}[{index}] = {array[where]} is not {expected}{more}")


def scan_events(
    ra: ArrayLike,
    dec: ArrayLike,
    sigma: ArrayLike,
    background: ArrayLike,
    log_energy_ratio: ArrayLike | None,
    gamma_nodes: ArrayLike | None,
    *,
    src_ra: ArrayLike,
    src_dec: ArrayLike,
    n_events: float | None = None,
    gamma: float | None = None,
    cut_n_sigma: float = 5.0,
    n_threads: int = 0,
) -> DirectionScan:
    """Fit n_s and γ at many directions, from one season's events and the user's own models.

    ln Λ(n_s, γ) = Σ_i ln[1 + (n_s/N)(S_i R_i(γ)/B_i − 1)], TS = 2 max(0, max ln Λ); everything else in nusky goes
    through the same core.

    Parameters
    ----------
    ra : (N,) rad, 0 ≤ ra ≤ 2π
    dec : (N,) rad, −π/2 … π/2
    sigma : (N,) rad, 0 < σ ≤ π
        Angular error.
    background : (N,) sr⁻¹, > 0
        Background density B at the events, normalised over the sphere.
    log_energy_ratio : (N, G) or None
        ln R at the γ nodes, finite. None: no energy term.
    gamma_nodes : (G,) increasing, G ≥ 1, or None
        None without an energy term.
    src_ra, src_dec : (P,) rad
        Directions to fit.
    n_events : float, optional
        N of the likelihood when events far from every direction were left out: ≥ len(ra). Default len(ra).
    gamma : float, optional
        Fix γ here, within the nodes.
    cut_n_sigma : float
        S = 0 beyond this many σ (not renormalised).
    n_threads : int
        0: all that the process may use.

    Returns
    -------
    DirectionScan
        `ts`, `ns`, `gamma`, `status`, each (P,).

    Raises
    ------
    ValueError
        For a value out of range, with argument, row and value; for shapes that do not agree.
    TypeError
        For what is not a number.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ra, dec = 2 * np.pi * rng.random(1000), np.arcsin(2 * rng.random(1000) - 1)
    >>> ra[:10], dec[:10] = 1.0, 0.2
    >>> sky = np.full(1000, 1 / (4 * np.pi))
    >>> fit = scan_events(ra, dec, np.full(1000, 0.01), sky, None, None, src_ra=[1.0], src_dec=[0.2])
    >>> bool(fit.ts[0] > 25), bool(8 < fit.ns[0] < 12)
    (True, True)
    """
    sizes: dict[str, int] = {}
    events = {
        name: _array(name, value, ("N",), sizes)
        for name, value in (("ra", ra), ("dec", dec), ("sigma", sigma), ("background", background))
    }
    if (log_energy_ratio is None) != (gamma_nodes is None):
        raise ValueError("log_energy_ratio and gamma_nodes belong together: give both, or neither (no energy term)")
    nodes = np.empty(0) if gamma_nodes is None else _array("gamma_nodes", gamma_nodes, ("G",), sizes)
    ratio: NDArray[np.float32] | None = None
    if log_energy_ratio is not None:
        full = _array("log_energy_ratio", log_energy_ratio, ("N", "G"), sizes)
        if len(nodes) == 0:
            raise ValueError("gamma_nodes is empty; give at least one node, or None for no energy term")
        _check_rows("gamma_nodes", nodes, np.isfinite(nodes), "finite")
        if np.any(np.diff(nodes) <= 0):
            row = int(np.flatnonzero(np.diff(nodes) <= 0)[0]) + 1
            raise ValueError(f"gamma_nodes must increase: gamma_nodes[{row}] = {nodes[row]} after {nodes[row - 1]}")
        # The core keeps ln R as float32; beyond ±87 its exponential would leave the range of float32
        _check_rows("log_energy_ratio", full, np.abs(full) <= 80.0, "between -80 and 80")
        ratio = full.astype(np.float32)
    directions = {
        name: _array(name, value, ("P",), sizes) for name, value in (("src_ra", src_ra), ("src_dec", src_dec))
    }
    for name in ("ra", "src_ra"):
        array = (events | directions)[name]
        _check_rows(name, array, (array >= 0) & (array <= 2 * np.pi), "in 0 … 2π rad (use ra % (2*np.pi))")
    for name in ("dec", "src_dec"):
        array = (events | directions)[name]
        _check_rows(name, array, np.abs(array) <= np.pi / 2, "in −π/2 … π/2 rad")
    sigmas, densities = events["sigma"], events["background"]
    _check_rows("sigma", sigmas, (sigmas > 0) & (sigmas <= np.pi), "in 0 … π rad, 0 excluded")
    _ask_of_degrees(sigmas)
    _check_rows("background", densities, (densities > 0) & np.isfinite(densities), "positive and finite")
    if not (isinstance(cut_n_sigma, (int, float)) and 0 < cut_n_sigma < np.inf):
        raise ValueError(f"cut_n_sigma must be a positive number, got {cut_n_sigma!r}")
    total = float(sizes["N"]) if n_events is None else float(in_unit("n_events", n_events, ""))
    if not (np.isfinite(total) and total >= sizes["N"]):
        raise ValueError(f"n_events={n_events!r} must be finite and not below the {sizes['N']} events given")
    if total < 1:
        raise ValueError("there are no events: ra is empty and n_events is not given; N of the likelihood must be ≥ 1")
    gamma = check_gamma(gamma, nodes)
    threads = resolve_threads(n_threads, "n_threads")

    columns = _core.EventColumns(
        events["dec"], sigmas, densities, ratio, nodes, cut_n_sigma=float(cut_n_sigma), extension=0.0
    )
    index = _core.EventIndex([(columns, events["ra"], 0, None, None)], np.array([total]), n_threads=threads)
    # One season: its share is 1 whatever the acceptance.
    likelihood = _core.Likelihood(nodes, np.array([-1.0, 1.0]), np.zeros((1, 2, max(1, len(nodes)))))
    where = _core.Directions(directions["src_ra"], directions["src_dec"])
    return DirectionScan(*_core.scan(likelihood, index, where, gamma=gamma, n_threads=threads))
