"""The embedded default season: synthetic, deterministic, shaped like IC86-2011.

Nothing here is copied from a release: every shape is a formula with a few coefficients, fitted by hand or by least
squares to the public first-year IC86 release (docs/howto/data.md compares the two). It lets the software be tried with
no download; it is no measurement and must not be quoted as one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nusky.data.cleaning import MIN_SIGMA, OnBad
from nusky.data.dataset import LOG10ENERGY_BINS, SINDEC_BINS, Dataset, silent
from nusky.data.specs import DataSpec
from nusky.events import Events
from nusky.files.hashing import content_hash
from nusky.response import AreaTable, StandInResponse, simulate_from_tables
from nusky.selections.repository import Log, Spec, own_key
from nusky.sphere.sidereal import local_azimuth
from nusky.typing import F64

__all__ = [
    "KEY",
    "VERSION",
    "SyntheticRepository",
    "effective_area",
    "fingerprint",
    "synthetic_season",
]


KEY = "IC86_2011_synthetic"
VERSION = "synthetic-v1"
N_EVENTS = 136_244
LIVETIME = 332.61
_SEED = 86_2011
_FIRST, _LAST = 55_694.99, 56_062.42
_N_RUNS = 1080
_N_SIMULATED = 400_000
_TWO_PI = 2.0 * np.pi


def _softplus(x: F64) -> F64:
    return np.asarray(np.logaddexp(0.0, x))


def _step(x: F64) -> F64:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def effective_area(log10_true_energy: ArrayLike, sindec: ArrayLike) -> F64:
    """Analytic ν_μ effective area, cm², of the synthetic season.

    A power law with one break and a threshold (detector and cross section), times absorption in the Earth for sin δ > 0
    (an optical depth that grows with sin δ and ever more slowly with energy), times the southern cuts against muons (a
    constant loss and a threshold that rises away from the horizon). Within 0.1 dex of the published first-year area for
    most of 1 TeV … 100 PeV.

    Parameters
    ----------
    log10_true_energy : array_like
        log10(E/GeV), 2 … 9.
    sindec : array_like
        sin δ; broadcast against the energies.

    Returns
    -------
    array
        cm²; 0 where the formula falls below 1 cm².

    Examples
    --------
    >>> from nusky.selections.synthetic import effective_area
    >>> [f"{float(effective_area(x, 0.1)):.1e}" for x in (3.0, 5.0, 7.0)]
    ['2.6e+03', '1.2e+06', '1.4e+07']
    """
    x = np.asarray(log10_true_energy, dtype=np.float64)
    s = np.asarray(sindec, dtype=np.float64)
    horizon = 6.404 + 0.475 * (x - 5.0)
    horizon = horizon - 1.101 * 0.5 * _softplus((4.784 - x) / 0.5) - 2.048 * 0.2 * _softplus((2.6 - x) / 0.2)
    north = np.clip(s, 0.0, 1.0)
    depth = (1.134 * north**1.124 + 0.815 * north**8) * 10 ** (0.366 * (x - 6.0))
    depth = depth / (1.0 + 10 ** (1.502 * (4.419 - x)))
    south = 0.027 * _softplus((-s - 0.083) / 0.027)
    threshold = 6.26 - 1.505 * south + 0.872 * south**2
    loss = 0.905 * (1.0 - np.exp(-south / 0.439))
    loss = loss + 1.514 * (1.0 - np.exp(-south / 0.18)) * 0.273 * _softplus((threshold - x) / 0.273)
    area = 10 ** (horizon - depth - loss)
    return np.asarray(np.where(area < 1.0, 0.0, area))


def _area_table() -> AreaTable:
    log_edges = np.linspace(2.0, 9.0, 71)
    sindec_edges = np.linspace(-1.0, 1.0, 101)
    x = 0.5 * (log_edges[1:] + log_edges[:-1])
    s = 0.5 * (sindec_edges[1:] + sindec_edges[:-1])
    return AreaTable(10**log_edges, sindec_edges, effective_area(x[:, None], s[None, :]))


def _good_runs(rng: np.random.Generator) -> Events:
    """Eight-hour runs with a few shorter ones, gaps of a minute to days; livetime and span as IC86-2011."""
    length = np.where(rng.random(_N_RUNS) < 0.85, 1.0 / 3.0, 0.02 + 0.31 * rng.random(_N_RUNS))
    length *= LIVETIME / length.sum()
    gap = rng.standard_exponential(_N_RUNS - 1) ** 4  # heavy tail: most of the dead time is in a few long stops
    least = 0.0004  # half a minute between runs
    gap = least + gap * ((_LAST - _FIRST - LIVETIME - least * len(gap)) / gap.sum())
    start = _FIRST + np.concatenate([[0.0], np.cumsum(length[:-1] + gap)])
    return Events({"run": np.arange(1, _N_RUNS + 1), "start": start, "stop": start + length})


def _draw_sindec(rng: np.random.Generator, n: int) -> F64:
    """Muons at constant rate per solid angle in the south, atmospheric neutrinos falling towards the north Pole."""
    edges = np.linspace(-1.0, 1.0, 4001)
    s = 0.5 * (edges[1:] + edges[:-1])
    density = 3790.0 * _step((-s - 0.095) / 0.012)
    density = density + 4750.0 * np.exp(-0.8 * s - 0.17 * s**2) * _step((s + 0.075) / 0.015)
    cumulative = np.concatenate([[0.0], np.cumsum(density)])
    return np.asarray(np.interp(rng.random(n) * cumulative[-1], cumulative, edges))


def _draw_log10energy(rng: np.random.Generator, sindec: F64) -> F64:
    """A Gaussian with an exponential tail on either side; its centre climbs from 3 at the horizon to 5 in the south."""
    n = len(sindec)
    north = np.clip(sindec, 0.0, 1.0)
    south = np.clip(-sindec - 0.1, 0.0, 1.0)
    climb = 1.0 - np.exp(-((south / 0.26) ** 1.5))
    centre = 2.92 - 0.05 * north + 2.18 * climb
    width = 0.11 + 0.19 * (1.0 - np.exp(-south / 0.1))
    right = 0.235 - 0.03 * north + 0.1 * _step((-sindec - 0.1) / 0.03) - 0.4 * np.clip(-sindec - 0.3, 0.0, 1.0)
    left = 0.09 + 0.26 * (1.0 - np.exp(-np.clip(-sindec - 0.15, 0.0, 1.0) / 0.15))
    # Exponentials end at 11 e-folds: one event in 60 000 further out would be an energy no detector has seen.
    above, below = -np.log1p(-rng.random((2, n)) * -np.expm1(-11.0))
    return np.asarray(centre + width * rng.standard_normal(n) + right * above - left * below)


def _draw_sigma(rng: np.random.Generator, sindec: F64, log10energy: F64) -> F64:
    """rad; log-normal with unlike widths below and above the median, which depends on energy and hemisphere."""
    x = log10energy
    north = np.clip(sindec, 0.0, 1.0)
    median_north = 0.6 + 0.25 * north + 4.0 * np.exp(-(np.maximum(x, 1.5) - 1.5) / 0.5) * 0.8
    median_north = median_north + 0.3 * np.clip(x - 3.6, 0.0, 2.0)
    median_south = 0.31 + 0.07 * np.clip(-2.5 * sindec - 0.75, 0.0, 1.0) + 1.25 * 0.25 * _softplus((x - 5.0) / 0.25)
    share = _step((-sindec - 0.13) / 0.02)
    median = np.exp(share * np.log(median_south) + (1.0 - share) * np.log(median_north))
    down = share * (0.55 + 0.35 * _step((x - 5.0) / 0.15)) + (1.0 - share) * (0.62 + 0.3 * north**2)
    up = share * 0.98 + (1.0 - share) * (0.78 + 0.2 * north**2)
    z = rng.standard_normal(len(x))
    return np.asarray(np.radians(np.minimum(median * np.exp(np.where(z < 0, down, up) * z), 90.0)))


def _data(rng: np.random.Generator, grl: Events) -> Events:
    n = N_EVENTS
    sindec = _draw_sindec(rng, n)
    log10energy = _draw_log10energy(rng, sindec)
    sigma = _draw_sigma(rng, sindec, log10energy)
    # Constant rate in uptime: uniform in accumulated livetime, sorted, then mapped to the run.
    length = grl.stop - grl.start
    ends = np.cumsum(length)
    elapsed = np.sort(rng.random(n)) * ends[-1]
    run = np.minimum(np.searchsorted(ends, elapsed, side="right"), len(ends) - 1)
    mjd = np.minimum(grl.start[run] + (elapsed - (ends[run] - length[run])), grl.stop[run])
    event = np.arange(n) - np.searchsorted(run, run)  # counts from 0 within each run
    # Azimuth with the 10 % six-fold ripple of the hexagonal array, by inverting Φ + (0.1/6) sin 6Φ = 2πU on a grid.
    grid = np.linspace(0.0, _TWO_PI, 721)
    azimuth = np.interp(_TWO_PI * rng.random(n), grid + 0.1 / 6.0 * np.sin(6.0 * grid), grid)
    dec = np.arcsin(np.clip(sindec, -1.0, 1.0))
    return Events(
        {
            "run": grl.run[run],
            "event": event,
            "subevent": np.zeros(n, dtype=np.int64),
            "mjd": mjd,
            "ra": local_azimuth(azimuth, mjd),
            "dec": dec,
            "sindec": np.sin(dec),
            "azimuth": np.where(azimuth >= _TWO_PI, 0.0, azimuth),
            "zenith": dec + 0.5 * np.pi,
            "sigma": sigma,
            "log10energy": log10energy,
        }
    )


def fingerprint(*, min_sigma: float = MIN_SIGMA) -> str:
    """Fingerprint of `synthetic_season`, without generating it."""
    return content_hash([VERSION, N_EVENTS, LIVETIME, _SEED, _N_SIMULATED, min_sigma])


def synthetic_season(*, min_sigma: float = MIN_SIGMA) -> Dataset:
    """The synthetic season: 136 244 events in 332.61 days, good-run list and simulation, made in about a second.

    Parameters
    ----------
    min_sigma : float
        Floor of σ, rad.

    Returns
    -------
    Dataset
        Key ``IC86_2011_synthetic``, version ``synthetic-v1``; always the same events (as far as NumPy guarantees: the
        stream of a PCG64 seed, and elementary functions to the last bit or so). Without signal: the sky is isotropic in
        right ascension, seen by a detector with a 10 % ripple in azimuth.

    Examples
    --------
    >>> from nusky.selections.synthetic import synthetic_season
    >>> synthetic_season()
    Dataset(IC86_2011_synthetic | synthetic-v1 | 136244 events, 400302 simulated, 332.61 days)
    """
    rng = np.random.default_rng(_SEED)
    grl = _good_runs(rng)
    data = _data(rng, grl)
    data = data.with_columns(sigma=np.maximum(data.sigma, min_sigma))
    sim = simulate_from_tables(
        _area_table(), StandInResponse(data), n_events=_N_SIMULATED, seed=_SEED, min_sigma=min_sigma
    )
    return Dataset(
        key=KEY,
        version=VERSION,
        data=data,
        sim=sim,
        grl=grl,
        livetime=LIVETIME,
        sindec_bins=SINDEC_BINS,
        log10energy_bins=LOG10ENERGY_BINS,
        notes=("synthetic: generated from formulas shaped like IC86-2011; no detector data, not for publication",),
        fingerprint=fingerprint(min_sigma=min_sigma),
    )


class SyntheticRepository:
    """The embedded synthetic season; it answers to ``IC86_2011`` too, so that `PSDataSpecs.ps_2011` runs on it.

    Examples
    --------
    >>> from nusky import selections
    >>> selections.demo.versions, selections.demo.specs("synthetic-v1")
    (('synthetic-v1',), (DataSpec('IC86_2011_synthetic'),))
    """

    def __repr__(self) -> str:
        return "SyntheticRepository()"

    @property
    def versions(self) -> tuple[str, ...]:
        """The one version."""
        return (VERSION,)

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        """The one season."""
        self._check(version, KEY)
        return (DataSpec(KEY, (), "", ()),)

    def _check(self, version: str, spec: Spec) -> None:
        if version != VERSION:
            raise ValueError(f"the synthetic data have version {VERSION!r}, not {version!r}")
        key = own_key(spec, self)
        if key not in (KEY, "IC86_2011"):
            raise KeyError(f"the synthetic data hold only {KEY} (asked for as IC86_2011 too), not {key!r}")

    def fingerprint(
        self, version: str, spec: Spec, *, on_bad: OnBad | None = None, min_sigma: float = MIN_SIGMA
    ) -> str:
        """See `DataRepository`."""
        self._check(version, spec)
        return fingerprint(min_sigma=min_sigma)

    def read(
        self,
        version: str,
        spec: Spec,
        *,
        on_bad: OnBad | None = None,
        min_sigma: float = MIN_SIGMA,
        log: Log = silent,
    ) -> Dataset:
        """See `DataRepository`; nothing is read, the season is generated."""
        self._check(version, spec)
        log(f"Generating {KEY} ({VERSION}) ...")
        return synthetic_season(min_sigma=min_sigma)
