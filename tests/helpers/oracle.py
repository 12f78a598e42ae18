"""The slow, obvious reference of the likelihood fit: NumPy and SciPy, double precision, straight from the definitions.

    ln L(ns, gamma) = sum_k sum_{i in k} ln[ 1 + (n_k / N_k) (W_i - 1) ],   n_k = ns f_k,   TS = 2 max(0, max ln L)
    W_i(gamma)      = S(psi_i, sigma_i) / B_i * exp(ln R_i(gamma)) * factor_i
    f_k(gamma)      = A_k(dec, gamma) / sum_j A_j(dec, gamma)

and the extended likelihood  ln L = -ns + sum ln[ 1 + n_k W_i / N_k ]  with N_k the expected background.
Nothing here is shared with the package and nothing is optimised: what it says is what every other fit is held against.
An event outside the cut has S = 0, so it adds ln(1 - n_k/N_k); all of those together are one exact term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

VMF_FROM_SIGMA = np.radians(7.0)
"""Above this width the spatial term is von Mises-Fisher, below (and at it) the flat Gaussian."""

NS_BOUND = 1.0 - 1e-9
"""n_k stays below N_k: the fraction of the bound at which a fit that wants more is stopped."""


@dataclass(frozen=True)
class Season:
    """Events of one season as the core sees them. All (N,), except ``log_energy_ratio`` (N, G) or None."""

    ra: F64
    dec: F64
    sigma: F64
    background: F64
    log_energy_ratio: NDArray[np.floating] | None = None
    n_events: float | None = None
    """N_k (default: the number of rows); in the extended likelihood the expected background N_b,k."""
    factor: F64 | None = None
    """Multiplies W (T_S / T_B of a transient)."""


class OracleFit(NamedTuple):
    """Global maximum; ``ns`` = 0 and ``gamma`` = NaN where no positive ns is better than none."""

    ts: float
    ns: float
    gamma: float


def separation(ra: F64, dec: F64, src_ra: float, src_dec: float) -> F64:
    """Great-circle distance in rad by the haversine, exact for small and (with the clip) for antipodal pairs."""
    h = np.sin((dec - src_dec) / 2) ** 2 + np.cos(dec) * np.cos(src_dec) * np.sin((ra - src_ra) / 2) ** 2
    return np.asarray(2 * np.arcsin(np.sqrt(np.clip(h, 0, 1))), dtype=np.float64)


def spatial_pdf(psi: F64, sigma: F64) -> F64:
    """S in sr^-1, without any cut: Gaussian up to 7 degrees, von Mises-Fisher with kappa = 1/sigma^2 above."""
    gauss = np.exp(-(psi**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
    kappa = 1 / sigma**2
    # kappa / (4 pi sinh kappa) exp(kappa cos psi) with exp(kappa) divided out of both sides.
    vmf = kappa / (2 * np.pi) * np.exp(-2 * kappa * np.sin(psi / 2) ** 2) / -np.expm1(-2 * kappa)
    return np.where(sigma > VMF_FROM_SIGMA, vmf, gauss)


def hermite(nodes: F64, values: NDArray[np.floating], x: F64) -> F64:
    """Cubic Hermite through ``values`` (..., G) at ``nodes`` (G,), evaluated at ``x`` (X,) -> (..., X).

    The slope at node g is that of the parabola through nodes g-1, g, g+1; at an end, of the parabola through the three
    nodes there, taken at the end. Two nodes: the straight line. One node: constant.
    """
    y = np.asarray(values, dtype=np.float64)
    if nodes.size == 1:
        return np.repeat(y, x.size, axis=-1)
    h = np.diff(nodes)
    secant = np.diff(y, axis=-1) / h
    slope = np.empty_like(y)
    if nodes.size == 2:
        slope[..., 0] = slope[..., 1] = secant[..., 0]
    else:
        slope[..., 1:-1] = (h[:-1] * secant[..., 1:] + h[1:] * secant[..., :-1]) / (h[:-1] + h[1:])
        slope[..., 0] = ((2 * h[0] + h[1]) * secant[..., 0] - h[0] * secant[..., 1]) / (h[0] + h[1])
        slope[..., -1] = ((2 * h[-1] + h[-2]) * secant[..., -1] - h[-1] * secant[..., -2]) / (h[-1] + h[-2])
    g = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, nodes.size - 2)
    width = h[g]
    t = (x - nodes[g]) / width
    return np.asarray(
        (1 + 2 * t) * (1 - t) ** 2 * y[..., g]
        + t * (1 - t) ** 2 * width * slope[..., g]
        + t**2 * (3 - 2 * t) * y[..., g + 1]
        - t**2 * (1 - t) * width * slope[..., g + 1]
    )


def acceptance_shares(src_dec: float, gammas: F64, gamma_nodes: F64, sindec_nodes: F64, log_acceptance: F64) -> F64:
    """f_k (K, X) at the gammas (X,): ln A (K, D, G) linear in sin dec (flat outside its nodes), Hermite in gamma."""
    at_dec = np.array(
        [
            [np.interp(np.sin(src_dec), sindec_nodes, per_gamma) for per_gamma in season.T]
            for season in np.asarray(log_acceptance, dtype=np.float64)
        ]
    )  # (K, G)
    nodes = gamma_nodes if gamma_nodes.size else np.zeros(1)
    log_a = hermite(nodes, at_dec, gammas)
    a = np.exp(log_a - log_a.max(axis=0))
    return np.asarray(a / a.sum(axis=0))


class _Term(NamedTuple):
    """One season at a set of gammas: x = f_k / N_k (X,), W (X, m), number of events outside the cut."""

    x: F64
    w: F64
    n_outside: float


class Profile:
    """ln L at one direction: terms built for gammas on demand, n_s profiled by bisection of the derivative."""

    def __init__(
        self,
        seasons: Sequence[Season],
        src_ra: float,
        src_dec: float,
        *,
        gamma_nodes: F64,
        sindec_nodes: F64 | None = None,
        log_acceptance: F64 | None = None,
        cut_n_sigma: float = 5.0,
        extension: float = 0.0,
        extended: bool = False,
    ) -> None:
        self.extended = extended
        self.gamma_nodes = np.asarray(gamma_nodes, dtype=np.float64)
        self.src_dec = src_dec
        self.sindec_nodes, self.log_acceptance = sindec_nodes, log_acceptance
        if len(seasons) > 1 and (sindec_nodes is None or log_acceptance is None):
            raise ValueError("several seasons need sindec_nodes and log_acceptance")
        self.n_events: list[float] = []
        self.spatial: list[F64] = []
        self.log_ratio: list[NDArray[np.floating] | None] = []
        for season in seasons:
            sigma = np.hypot(season.sigma, extension)
            psi = separation(season.ra, season.dec, src_ra, src_dec)
            inside = np.flatnonzero(psi <= cut_n_sigma * sigma)
            w = spatial_pdf(psi[inside], sigma[inside]) / season.background[inside]
            if season.factor is not None:
                w = w * season.factor[inside]
            self.spatial.append(np.asarray(w))
            self.log_ratio.append(None if season.log_energy_ratio is None else season.log_energy_ratio[inside])
            self.n_events.append(float(len(season.ra) if season.n_events is None else season.n_events))

    def terms(self, gammas: F64) -> list[_Term]:
        if len(self.n_events) == 1:
            shares = np.ones((1, gammas.size))
        else:
            assert self.sindec_nodes is not None
            assert self.log_acceptance is not None
            shares = acceptance_shares(self.src_dec, gammas, self.gamma_nodes, self.sindec_nodes, self.log_acceptance)
        out = []
        for n, spatial, log_ratio, share in zip(self.n_events, self.spatial, self.log_ratio, shares, strict=True):
            if log_ratio is None or self.gamma_nodes.size == 0:
                w = np.broadcast_to(spatial, (gammas.size, spatial.size))
            else:
                w = spatial * np.exp(hermite(self.gamma_nodes, log_ratio, gammas).T)
            out.append(_Term(share / n, w, n - spatial.size))
        return out

    def lnl(self, ns: F64, terms: list[_Term]) -> F64:
        """ln L (X,) at ns (X,)."""
        total = np.zeros_like(ns)
        for x, w, n_outside in terms:
            r = ns * x
            if self.extended:
                total += np.log1p(r[:, None] * w).sum(axis=1)
            else:
                total += np.log1p(r[:, None] * (w - 1)).sum(axis=1)
                if n_outside:
                    total += n_outside * np.log1p(-r)
        return total - ns if self.extended else total

    def slope(self, ns: F64, terms: list[_Term]) -> F64:
        """d ln L / d ns (X,) at ns (X,); decreases monotonically in ns."""
        total = np.zeros_like(ns)
        for x, w, n_outside in terms:
            r = ns * x
            if self.extended:
                total += x * (w / (1 + r[:, None] * w)).sum(axis=1)
            else:
                total += x * ((w - 1) / (1 + r[:, None] * (w - 1))).sum(axis=1)
                if n_outside:
                    total -= x * n_outside / (1 - r)
        return total - 1 if self.extended else total

    def best_ns(self, terms: list[_Term]) -> F64:
        """The ns (X,) that maximises ln L at each gamma: 0 where the slope at 0 is not positive."""
        if self.extended:
            # slope <= sum_i 1/ns - 1: no maximum lies beyond the number of events that take part.
            high = np.full(terms[0].x.size, float(sum(t.w.shape[1] for t in terms)) + 1.0)
        else:
            high = NS_BOUND / np.max([t.x for t in terms], axis=0)
        low = np.zeros_like(high)
        rises = self.slope(low, terms) > 0
        at_bound = self.slope(high, terms) > 0
        low = np.where(at_bound, high, low)
        for _ in range(70):
            middle = 0.5 * (low + high)
            up = self.slope(middle, terms) > 0
            low, high = np.where(up, middle, low), np.where(up, high, middle)
        return np.where(rises, 0.5 * (low + high), 0.0)

    def profile(self, gammas: F64) -> tuple[F64, F64]:
        """(max over ns of ln L, the ns of it), each (X,); in pieces, so that broad events need no huge arrays."""
        m = max(1, sum(s.size for s in self.spatial))
        step = max(1, 4_000_000 // m)
        best, value = np.empty_like(gammas), np.empty_like(gammas)
        for start in range(0, gammas.size, step):
            piece = slice(start, start + step)
            terms = self.terms(gammas[piece])
            best[piece] = self.best_ns(terms)
            value[piece] = self.lnl(best[piece], terms)
        return value, best


def fit(
    seasons: Sequence[Season],
    src_ra: float,
    src_dec: float,
    *,
    gamma_nodes: F64,
    sindec_nodes: F64 | None = None,
    log_acceptance: F64 | None = None,
    gamma: float | None = None,
    cut_n_sigma: float = 5.0,
    extension: float = 0.0,
    extended: bool = False,
    n_grid: int = 601,
) -> OracleFit:
    """Global maximum over ns >= 0 and gamma (within the nodes) at one direction.

    Parameters
    ----------
    seasons : one Season per entry of ``log_acceptance``
    gamma_nodes : (G,), ascending; (0,) means no energy term
    sindec_nodes, log_acceptance : (D,) and (K, D, G) (with G = 0: (K, D, 1)); needed with more than one season
    gamma : fixes gamma; None fits it
    n_grid : points of the even gamma grid; the nodes are added to it, and each local maximum is polished
    """
    profile = Profile(
        seasons,
        src_ra,
        src_dec,
        gamma_nodes=gamma_nodes,
        sindec_nodes=sindec_nodes,
        log_acceptance=log_acceptance,
        cut_n_sigma=cut_n_sigma,
        extension=extension,
        extended=extended,
    )
    return maximum(profile, gamma, n_grid)


def fit_values(
    values: Sequence[F64],
    log_ratio: Sequence[NDArray[np.floating] | None],
    n_events: Sequence[float],
    *,
    gamma_nodes: F64,
    log_acceptance: F64,
    gamma: float | None = None,
    extended: bool = False,
    n_grid: int = 601,
) -> OracleFit:
    """The same for events whose S/B is given.

    Each season has ``values`` (m,) and ``log_ratio`` (m, G); ``log_acceptance`` is (K, G).
    """
    profile = Profile((), 0.0, 0.0, gamma_nodes=gamma_nodes, extended=extended)
    profile.sindec_nodes, profile.log_acceptance = np.zeros(1), np.asarray(log_acceptance)[:, None, :]
    profile.spatial, profile.log_ratio = [np.asarray(v) for v in values], list(log_ratio)
    profile.n_events = [float(n) for n in n_events]
    return maximum(profile, gamma, n_grid)


def maximum(profile: Profile, gamma: float | None, n_grid: int) -> OracleFit:
    """Global maximum of a profile: an even grid of gamma and the nodes, and every local maximum polished."""
    from scipy.optimize import minimize_scalar

    nodes = profile.gamma_nodes
    if gamma is not None:
        grid = np.array([gamma], dtype=np.float64)
    elif nodes.size < 2:
        grid = nodes if nodes.size else np.zeros(1)
    else:
        grid = np.union1d(np.linspace(nodes[0], nodes[-1], n_grid), nodes)
    value, ns = profile.profile(grid)
    k = int(np.argmax(value))
    best = (float(value[k]), float(ns[k]), float(grid[k]))
    if grid.size > 1:
        padded = np.concatenate([[-np.inf], value, [-np.inf]])
        peaks = np.flatnonzero((value > 0) & (value >= padded[:-2]) & (value >= padded[2:]))
        for peak in peaks[value[peaks] > best[0] - 1.0]:
            bracket = (grid[max(peak - 1, 0)], grid[min(peak + 1, grid.size - 1)])
            found = minimize_scalar(
                lambda g: -float(profile.profile(np.array([g]))[0][0]),
                bounds=bracket,
                method="bounded",
                options={"xatol": 1e-9},
            )
            v, n = profile.profile(np.array([found.x]))
            best = max(best, (float(v[0]), float(n[0]), float(found.x)))
    lnl, best_ns, best_gamma = best
    if lnl <= 0 or best_ns == 0:
        return OracleFit(0.0, 0.0, float("nan"))
    return OracleFit(2 * lnl, best_ns, best_gamma if nodes.size or gamma is not None else float("nan"))
