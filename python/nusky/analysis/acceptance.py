"""`Acceptance`: how many events of a season a flux is expected to give, by declination."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.analysis.gamma import GAMMA_NODES, check_gamma_nodes
from nusky.analysis.interpolation import HermiteAxis
from nusky.hyp.flux import Flux
from nusky.hyp.power_laws import PowerLawFlux
from nusky.response import AreaTable, centres, energy_points
from nusky.sphere import at_limits
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.hyp import PixelSpectra

__all__ = ["Acceptance", "FluxAcceptance"]


SECONDS_PER_DAY = 86400.0

#: Nodes in sin δ, evenly from pole to pole; fewer where the simulation is small.
SINDEC_NODES = 101
_EVENTS_PER_NODE = 100

# True energies within 0.01 in log10 E are taken together, at their weighted mean ln E: what is lost is of second order,
# ½ γ² var(ln E) = 1e-4 for γ = 2.
_BINS_PER_DECADE = 100

# ln A where nothing is accepted, below the largest value: e^−200 is nothing, and its logarithm still a number.
_NOTHING = 200.0


@dataclass(frozen=True, eq=False)
class FluxAcceptance:
    """Expected events for one flux by declination: ln A is a straight line in sin δ between the nodes.

    Parameters
    ----------
    sindec_nodes : (D,) increasing
    log_acceptance : (D,)

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.analysis.acceptance import FluxAcceptance
    >>> round(FluxAcceptance(np.array([-1.0, 1.0]), np.log([1.0, 4.0]))(0.0), 12)
    2.0
    """

    sindec_nodes: F64
    log_acceptance: F64

    def __call__(self, dec: ArrayLike) -> Any:
        """Expected events for a source at `dec`.

        Parameters
        ----------
        dec : (…) rad, −π/2 … π/2

        Returns
        -------
        (…) events; a float for a scalar
        """
        value = np.exp(np.interp(_sindec(dec), self.sindec_nodes, self.log_acceptance))
        return float(value) if np.ndim(value) == 0 else value


@dataclass(frozen=True, eq=False)
class Acceptance:
    """A(δ, γ) = T Σ oneweight · E_true^−γ / Ω: expected events of the season for φ = (E/GeV)^−γ GeV⁻¹ cm⁻² s⁻¹.

    The sum runs over the simulated events around δ, weighted with a triangle in sin δ that reaches from the node before
    to the node after; Ω is its solid angle. What is kept is the sum's spectrum (`exposure`, in steps of 0.01 in
    log10 E_true), so that any flux can be folded with it later without the simulation.

    Parameters
    ----------
    sindec_nodes : (D,) increasing
    energy : (M,) GeV, increasing, > 0
    exposure : (D, M) GeV cm² s, ≥ 0
        T Σ oneweight / Ω of the events near each energy.
    gamma_nodes : (G,) increasing

    Attributes
    ----------
    log_acceptance : (D, G)
        ln A at the nodes. Between nodes it is linear in sin δ and a local cubic in γ (`HermiteAxis`); the core
        interpolates alike.

    Raises
    ------
    ValueError
        Shapes that do not fit, a negative exposure, or none at all.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.analysis.acceptance import Acceptance
    >>> acceptance = Acceptance(np.array([-1.0, 1.0]), np.array([1e3]), np.array([[2e7], [2e7]]), np.array([2.0, 3.0]))
    >>> round(acceptance(0.3, 2.0), 9), round(acceptance(0.3, 3.0), 9)
    (20.0, 0.02)
    """

    sindec_nodes: F64
    energy: F64
    exposure: F64
    gamma_nodes: F64 = field(default_factory=lambda: GAMMA_NODES)
    log_acceptance: F64 = field(init=False, repr=False)
    _gamma: HermiteAxis = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, least in (("sindec_nodes", 2), ("energy", 1)):
            axis = np.array(getattr(self, name), dtype=np.float64)
            if axis.ndim != 1 or len(axis) < least or not np.all(np.isfinite(axis)) or not np.all(np.diff(axis) > 0):
                raise ValueError(f"{name} must be at least {least} increasing finite number(s), got {axis!r}")
            axis.setflags(write=False)
            object.__setattr__(self, name, axis)
        # C order: the sums below would else differ in the last bit between a fresh season and one from its cache file
        exposure = np.array(self.exposure, dtype=np.float64, order="C")
        shape = (len(self.sindec_nodes), len(self.energy))
        if exposure.shape != shape or not np.all(np.isfinite(exposure)) or exposure.min() < 0:
            raise ValueError(f"exposure must be finite, nowhere negative and of shape {shape}, got {exposure.shape}")
        if exposure.max() == 0:
            raise ValueError("the simulation has no weight anywhere: no flux would give an event; check oneweight")
        exposure.setflags(write=False)
        object.__setattr__(self, "exposure", exposure)
        nodes = check_gamma_nodes(self.gamma_nodes)
        object.__setattr__(self, "gamma_nodes", nodes)
        object.__setattr__(self, "_gamma", HermiteAxis(nodes))
        table = np.stack([self._log_expected(PowerLawFlux(float(gamma))) for gamma in nodes], axis=1)
        table.setflags(write=False)
        object.__setattr__(self, "log_acceptance", table)

    @classmethod
    def from_sim(
        cls, sim: Events, livetime: float, *, gamma_nodes: F64 = GAMMA_NODES, n_nodes: int | None = None
    ) -> Acceptance:
        """The acceptance of a season.

        Parameters
        ----------
        sim : Events
            `true_dec` (rad), `true_energy` (GeV), `oneweight` (GeV cm² sr).
        livetime : float
            Days.
        gamma_nodes : (G,) increasing
        n_nodes : int, optional
            Nodes in sin δ; by default 101, or fewer where that would leave under 100 simulated events to a node.

        Raises
        ------
        ValueError

        Examples
        --------
        >>> import numpy as np
        >>> from nusky import Events
        >>> from nusky.analysis.acceptance import Acceptance
        >>> sin_true = (np.arange(1000) + 0.5) / 500 - 1
        >>> sim = Events({"true_dec": np.arcsin(sin_true), "true_energy": np.full(1000, 1e3),
        ...               "oneweight": np.full(1000, 4 * np.pi * 1e6)})
        >>> acceptance = Acceptance.from_sim(sim, livetime=1.0, n_nodes=11)
        >>> f"{acceptance(0.2, 2.0):.4g}"      # 1000 events of 1e6 GeV cm² each, 86 400 s, E^-2 = 1e-6
        '8.64e+07'
        """
        if not (np.isfinite(livetime) and livetime > 0):
            raise ValueError(f"livetime={livetime!r} days: must be finite and positive")
        if n_nodes is None:
            n_nodes = int(np.clip(len(sim) // _EVENTS_PER_NODE, 5, SINDEC_NODES))
        if n_nodes < 2:
            raise ValueError(f"n_nodes={n_nodes}: at least the two poles are needed")
        nodes = np.linspace(-1.0, 1.0, n_nodes)
        oneweight, log_energy = sim["oneweight"], np.log(sim["true_energy"])
        column = np.floor(log_energy * (_BINS_PER_DECADE / np.log(10.0))).astype(np.int64)
        column -= column.min()
        # The mean is weighted for E^−2; an empty step keeps no column.
        weight = oneweight * np.exp(-2.0 * log_energy)
        total = np.bincount(column, weights=weight)
        used = np.flatnonzero(total > 0)
        if not len(used):
            raise ValueError("the simulation has no weight: no flux would give an event; check oneweight")
        energy = np.exp(np.bincount(column, weights=weight * log_energy)[used] / total[used])
        n_bins = len(total)
        step = 2.0 / (n_nodes - 1)
        position = (np.sin(sim["true_dec"]) + 1.0) / step
        below = np.clip(position.astype(np.int64), 0, n_nodes - 2)
        share = np.clip(position - below, 0.0, 1.0)
        exposure = np.zeros(n_nodes * n_bins)
        for node, part in ((below, 1.0 - share), (below + 1, share)):
            exposure += np.bincount(node * n_bins + column, weights=part * oneweight, minlength=n_nodes * n_bins)
        # ∫ triangle d sin δ · 2π; at a pole only half the triangle is on the sphere.
        solid_angle = np.full(n_nodes, 2.0 * np.pi * step)
        solid_angle[[0, -1]] *= 0.5
        per_node = exposure.reshape(n_nodes, n_bins)[:, used] * (livetime * SECONDS_PER_DAY / solid_angle[:, None])
        return cls(nodes, energy, per_node, gamma_nodes)

    @classmethod
    def from_area(cls, area: AreaTable, livetime: float, *, gamma_nodes: F64 = GAMMA_NODES) -> Acceptance:
        """The acceptance of a published effective area, without a simulation.

        The area of a cell is taken for the area at its middle in sin δ; ln A is a straight line from one middle to the
        next, and constant from the outermost ones to the poles. ∫ A φ dE is exact: the area is constant in a cell of
        energy.

        Parameters
        ----------
        area : AreaTable
        livetime : float
            Days.
        gamma_nodes : (G,) increasing

        Examples
        --------
        >>> import numpy as np
        >>> from nusky.analysis.acceptance import Acceptance
        >>> from nusky.response import AreaTable
        >>> table = AreaTable(np.array([1e3, 1e4]), np.linspace(-1, 1, 5), np.full((1, 4), 2e6))
        >>> acceptance = Acceptance.from_area(table, livetime=1.0)
        >>> f"{acceptance(0.2, 2.0):.6g}"      # 2e6 cm² · 86 400 s · (1e-3 − 1e-4)
        '1.5552e+08'
        """
        of, energy, weight = energy_points(area.energy_edges)
        nodes = centres(area.sindec_edges)
        at_nodes = livetime * SECONDS_PER_DAY * weight * area.area[of].T
        nodes = np.concatenate([[-1.0], nodes, [1.0]])
        return cls(nodes, energy, np.concatenate([at_nodes[:1], at_nodes, at_nodes[-1:]]), gamma_nodes)

    def __call__(self, dec: ArrayLike, gamma: ArrayLike) -> Any:
        """Expected events for an E^−γ flux of norm 1 (at 1 GeV) at declination `dec`.

        Parameters
        ----------
        dec : (…) rad, −π/2 … π/2
        gamma : (…) within the nodes; broadcast against `dec`

        Returns
        -------
        (…) events; a float for two scalars

        Raises
        ------
        ValueError
            γ outside the nodes (`for_flux` takes any), or a declination off the sphere.
        """
        s, g = np.broadcast_arrays(_sindec(dec), at_limits(numbers("gamma", gamma), *self.gamma_nodes[[0, -1]]))
        low, high = self.gamma_nodes[0], self.gamma_nodes[-1]
        if not np.all((g >= low) & (g <= high)):
            bad = g[~((g >= low) & (g <= high))].ravel()[0]
            raise ValueError(
                f"gamma={bad!r} is outside the nodes {low:g} … {high:g}; use for_flux(PowerLawFlux(gamma)), or set the "
                "analysis up with gammas= that reach there"
            )
        flat_s, flat_g = np.ravel(s), np.ravel(g)
        nodes = self.sindec_nodes
        below = np.clip(nodes.searchsorted(flat_s, side="right") - 1, 0, len(nodes) - 2)
        share = np.clip((flat_s - nodes[below]) / (nodes[below + 1] - nodes[below]), 0.0, 1.0)
        index, weight = self._gamma.weights(flat_g)
        lower = (self.log_acceptance[below[:, None], index] * weight).sum(axis=1)
        upper = (self.log_acceptance[below[:, None] + 1, index] * weight).sum(axis=1)
        value = np.exp(lower + share * (upper - lower)).reshape(s.shape)
        return float(value) if value.ndim == 0 else value

    def for_flux(self, flux: Flux) -> FluxAcceptance:
        """Expected events for any flux, its norm included.

        Parameters
        ----------
        flux : Flux
            See `nusky.hyp`.

        Returns
        -------
        FluxAcceptance
            Call it with declinations in rad.

        Raises
        ------
        ValueError
            The flux gives no event at any declination (its energy range misses the simulation).

        Examples
        --------
        >>> import numpy as np
        >>> from nusky import hyp
        >>> from nusky.analysis.acceptance import Acceptance
        >>> acceptance = Acceptance(np.array([-1.0, 1.0]), np.array([1e3, 1e5]), np.ones((2, 2)))
        >>> full = acceptance.for_flux(hyp.PowerLawFlux(2.0, norm=3.0))(0.1)
        >>> round(full / acceptance(0.1, 2.0), 9)
        3.0
        """
        return FluxAcceptance(self.sindec_nodes, self._log_expected(flux))

    def in_bins(self, spectra: PixelSpectra, dec: F64) -> F64:
        """(M, D) expected events for φ = 1 in each energy bin of a map's spectra, at declinations (D,), rad."""
        found = np.zeros((len(spectra.energy_bins) - 1, len(dec)))
        for m in range(len(found)):
            flux = spectra.bin(m)
            if np.any(self.exposure[:, flux(self.energy) > 0]):
                found[m] = self.for_flux(flux)(dec)
        return found

    def _log_expected(self, flux: Flux) -> F64:
        """(D,) ln Σ exposure · φ at the nodes."""
        expected = self.exposure @ flux(self.energy)
        largest = expected.max()
        if not (np.isfinite(largest) and largest > 0):
            raise ValueError(
                f"{flux!r} gives {largest!r} events at its best declination: its energies miss the simulated ones "
                f"({self.energy[0]:.3g} … {self.energy[-1]:.3g} GeV)"
            )
        with np.errstate(divide="ignore"):
            return np.asarray(np.maximum(np.log(expected), np.log(largest) - _NOTHING))

    def __repr__(self) -> str:
        return f"Acceptance({len(self.sindec_nodes)} sindec nodes, {self.energy[0]:.3g} ... {self.energy[-1]:.3g} GeV)"


def _sindec(dec: ArrayLike) -> F64:
    # One step beyond a pole is rounding, a degree value taken for radians is not.
    d = at_limits(numbers("dec", dec, "rad"), -0.5 * np.pi, 0.5 * np.pi)
    good = np.abs(d) <= 0.5 * np.pi
    if not np.all(good):
        raise ValueError(f"dec={np.ravel(d)[~np.ravel(good)][0]!r} is off the sphere; give radians, −π/2 … π/2")
    return np.sin(d)
