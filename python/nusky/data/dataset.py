"""`Dataset`: one season, read and cleaned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nusky.events import Events
from nusky.response import AreaTable, TabulatedResponse
from nusky.sphere import at_limits

__all__ = [
    "DATA_COLUMNS",
    "LOG10ENERGY_BINS",
    "OPTIONAL_DATA_COLUMNS",
    "SIM_COLUMNS",
    "SINDEC_BINS",
    "Dataset",
    "silent",
]


DATA_COLUMNS = ("ra", "dec", "sindec", "sigma", "log10energy", "mjd")
OPTIONAL_DATA_COLUMNS = ("run", "event", "subevent", "azimuth", "zenith")
SIM_COLUMNS = (
    "ra",
    "dec",
    "sindec",
    "sigma",
    "log10energy",
    "true_ra",
    "true_dec",
    "true_energy",
    "oneweight",
)

#: sin(dec) edges IceCube's track analyses use with csky (public user code quotes them).
SINDEC_BINS = np.unique(
    np.concatenate(
        [np.linspace(-1, -0.93, 5), np.linspace(-0.93, -0.3, 11), np.linspace(-0.3, 0.05, 10), np.linspace(0.05, 1, 19)]
    )
)
SINDEC_BINS.setflags(write=False)

#: log10(E/GeV) edges.
LOG10ENERGY_BINS = np.linspace(1.0, 9.5, 69)
LOG10ENERGY_BINS.setflags(write=False)


# so many events tell whether edges fit them
_FEW = 100


@dataclass(frozen=True, eq=False)
class Dataset:
    """One season: observed events, simulated signal events, good-run list and livetime.

    Parameters
    ----------
    key : str
        Name of the season, such as ``IC86_2011``.
    version : str
        Version of the files.
    data : Events
        Observed events, in time order: `ra` (rad, 0 … 2π), `dec` (rad), `sindec`, `sigma` (rad, > 0), `log10energy`
        (log10 E/GeV), `mjd` (d); where known also `run, event, subevent, azimuth, zenith` (rad).
    sim : Events
        Simulated signal: `ra, dec, sindec, sigma, log10energy` as reconstructed, `true_ra, true_dec` (rad),
        `true_energy` (GeV), `oneweight` (GeV cm² sr): Σ oneweight·φ(true_energy)·T is the number of events that a
        flux φ (GeV⁻¹ cm⁻² s⁻¹ sr⁻¹) gives in T seconds.
    grl : Events or None
        Good-run list with `start` and `stop` (MJD), sorted; None where the release has none.
    livetime : float
        Days.
    sindec_bins, log10energy_bins : (M,) array
        Increasing edges for the season's histograms.
    notes : tuple of str
        What was repaired, dropped, assumed or noticed; one line each.
    fingerprint : str
        Hash of the inputs (see `content_hash`); equal fingerprints mean equal content.
    area : AreaTable, optional
        Published effective area: the acceptance is made of it. Without it, of the simulation.
    response : TabulatedResponse, optional
        Published area and smearing: signal's energies and angular errors are those of it.

    Raises
    ------
    ValueError
        No events, a missing column, a livetime that is not positive, edges that do not increase, or edges of energy
        that leave out most of the data.

    Examples
    --------
    >>> from nusky import selections
    >>> season = selections.demo.read("synthetic-v1", "IC86_2011_synthetic")
    >>> len(season.data), season.livetime
    (136244, 332.61)
    """

    key: str
    version: str
    data: Events
    sim: Events
    grl: Events | None
    livetime: float
    sindec_bins: NDArray[np.float64]
    log10energy_bins: NDArray[np.float64]
    notes: tuple[str, ...]
    fingerprint: str
    area: AreaTable | None = None
    response: TabulatedResponse | None = None

    def __post_init__(self) -> None:
        where = f"season {self.key!r}"
        for part, needed in ((self.data, DATA_COLUMNS), (self.sim, SIM_COLUMNS)):
            name = "data" if part is self.data else "sim"
            missing = [column for column in needed if column not in part]
            if missing:
                raise ValueError(f"{where}: {name} lacks the column(s) {missing}; it has {list(part.columns)}")
            if len(part) == 0:
                raise ValueError(f"{where}: {name} holds no events; check the files, cuts and on_bad")
        if not (np.isfinite(self.livetime) and self.livetime > 0):
            raise ValueError(f"{where}: livetime is {self.livetime!r} days; it must be finite and positive")
        for name in ("sindec_bins", "log10energy_bins"):
            edges = np.array(getattr(self, name), dtype=np.float64)
            if name == "sindec_bins":
                edges = at_limits(edges, -1.0, 1.0)
            if edges.ndim != 1 or len(edges) < 2 or not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0):
                raise ValueError(f"{where}: {name} must be at least two increasing finite edges, got {edges!r}")
            edges.setflags(write=False)
            object.__setattr__(self, name, edges)
        if self.sindec_bins[0] < -1 - 1e-12 or self.sindec_bins[-1] > 1 + 1e-12:
            raise ValueError(
                f"{where}: sindec_bins run {self.sindec_bins[0]} to {self.sindec_bins[-1]}; "
                "sin(dec) lies in [-1, 1] (edges in degrees or radians?)"
            )

        edges, energies = self.log10energy_bins, self.data.log10energy
        outside = float(np.mean((energies < edges[0]) | (energies > edges[-1])))
        if len(energies) >= _FEW and outside > 0.5:
            raise ValueError(
                f"{where}: {100 * outside:.0f} % of the data lie outside log10energy_bins ({edges[0]:g} … "
                f"{edges[-1]:g}; their median is {np.median(energies):.3g}): they are log10(E / GeV)"
            )

    def __repr__(self) -> str:
        return (
            f"Dataset({self.key} | {self.version} | {len(self.data)} events, {len(self.sim)} simulated, "
            f"{self.livetime:.2f} days)"
        )


def silent(_: str) -> None:
    """Take a progress line and drop it: the default of every `log` argument."""
