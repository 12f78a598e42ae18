"""`SubAnalysis`: one season with its models, to and from its cache file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.analysis.acceptance import Acceptance
from nusky.analysis.background import Background
from nusky.analysis.cache import DamagedCache, Meta, NoEvents, StoredEvents, read_cache, write_cache
from nusky.analysis.energy import EnergyRatio
from nusky.events import Events, as_events
from nusky.files import content_hash
from nusky.hyp import Flux
from nusky.response import SigmaRatio, TabulatedResponse, TabulatedSignal
from nusky.typing import F32, F64
from nusky.version import code_version

__all__ = ["EventRatio", "SubAnalysis", "open_season"]


@dataclass(frozen=True, eq=False)
class EventRatio:
    """ln R of events: that of their energies, and that of their angular errors where the season has the term.

    Parameters
    ----------
    energy : EnergyRatio
    sigma : SigmaRatio or None
    """

    energy: EnergyRatio
    sigma: SigmaRatio | None

    def __call__(self, events: Events) -> F32:
        """(N, G) ln R of events with `log10energy`, `sigma` (rad), and `sindec` or `dec`."""
        sindec = events["sindec"] if "sindec" in events else np.sin(events["dec"])
        ratio = self.energy.log_ratio(sindec, events["log10energy"])
        if self.sigma is not None:
            ratio += self.sigma.log_ratio(sindec, events["log10energy"], events["sigma"])
        return ratio.astype(np.float32)


@dataclass(eq=False)
class SubAnalysis:
    """One season: its events, what is known about each of them, and its models. Made by `nusky.get_analysis`.

    Two things can be changed as in csky, until a runner uses the season: ``season.data = …`` (other events under the
    same models) and ``season.bg_space_param = Background(…)``. The fingerprint changes with them, so that no store and
    no cache takes it for the season it was.

    Parameters
    ----------
    key, version : str
    data : Events
        Observed events; see `Dataset`.
    grl : Events or None
        Good-run list, `start` and `stop` in MJD.
    livetime : float
        Days.
    background : Background
    energy : EnergyRatio
    acceptance : Acceptance
    background_density : (N,) sr⁻¹
        B of every observed event.
    log_energy_ratio : (N, G) float32
        ln R of every observed event on the γ nodes.
    notes : tuple of str
        What was repaired, dropped, assumed or noticed in the data and in the models.
    fingerprint : str
        Hash of everything this was made from.
    sim_source : callable
        Gives the simulation when `sim` is first used: a scan of data needs none of it.
    path : Path or None
        Cache file this was read from or written to.
    response : TabulatedResponse or None
        Published area and smearing, where the season has them.
    sigma : SigmaRatio or None
        The angular errors' part of ln R.

    Examples
    --------
    >>> import nusky as cy
    >>> ana = cy.get_analysis(cy.selections.demo)           # doctest: +SKIP
    >>> ana[0].log_energy_ratio.shape                       # doctest: +SKIP
    (136244, 49)
    """

    key: str
    version: str
    data: Events
    grl: Events | None
    livetime: float
    background: Background
    energy: EnergyRatio
    acceptance: Acceptance
    background_density: F64
    log_energy_ratio: F32
    notes: tuple[str, ...]
    fingerprint: str
    sim_source: Callable[[], Events]
    path: Path | None = None
    response: TabulatedResponse | None = None
    sigma: SigmaRatio | None = None

    def __post_init__(self) -> None:
        n, g = len(self.data), len(self.energy.gamma_nodes)
        if self.background_density.shape != (n,) or self.log_energy_ratio.shape != (n, g):
            raise ValueError(
                f"{self.key}: columns of {self.background_density.shape} and {self.log_energy_ratio.shape} do not fit "
                f"{n} events and {g} gamma nodes"
            )
        if not np.array_equal(self.acceptance.gamma_nodes, self.energy.gamma_nodes):
            raise ValueError(f"{self.key}: acceptance and energy term have different gamma nodes")
        self.__dict__["_made"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "_made" not in self.__dict__:
            return object.__setattr__(self, name, value)
        if name not in ("data", "background", "bg_space_param"):
            raise AttributeError(f"{self.key}: {name} stays as it was made; data and bg_space_param can be set")
        if "_used" in self.__dict__:
            raise AttributeError(f"{self.key}: a runner uses this season already; set {name} before runners are made")
        made = _with_data(self, value) if name == "data" else _with_background(self, value)
        for field, changed in {**made, "path": None}.items():
            object.__setattr__(self, field, changed)
        return None

    def in_use(self) -> None:
        """From now on nothing of this season changes."""
        self.__dict__["_used"] = True

    @cached_property
    def sim(self) -> Events:
        """Simulated signal events; read when first used."""
        return self.sim_source()

    @property
    def sig(self) -> Events:
        """csky's name for `sim`."""
        return self.sim

    @property
    def bg_data(self) -> Events:
        """csky's name for the events that background is made from: `data`."""
        return self.data

    @property
    def gamma_nodes(self) -> F64:
        """(G,) γ nodes."""
        return self.energy.gamma_nodes

    @property
    def mjd_min(self) -> float:
        """Start of the season, MJD: of its first good run, or of its first event where there is no list."""
        return float(self.data["mjd"].min() if self.grl is None else self.grl["start"].min())

    @property
    def mjd_max(self) -> float:
        """End of the season, MJD."""
        return float(self.data["mjd"].max() if self.grl is None else self.grl["stop"].max())

    @property
    def ratio(self) -> EventRatio:
        """ln R of any events at the γ nodes."""
        return EventRatio(self.energy, self.sigma)

    def ratio_of_flux(self, flux: Flux, bins: tuple[ArrayLike, ArrayLike] | None = None) -> EventRatio:
        """ln R of one given spectrum, made as `ratio` was; its one node, γ = 0, means this spectrum.

        Parameters
        ----------
        flux : Flux
        bins : (sindec edges, log10 energy edges), optional
            Cells of the energy term. Default: those of `energy`.

        Raises
        ------
        ValueError
            The flux gives no event, the bins are unusable, or the simulation is not loaded.
        """
        given = (self.energy.sindec_bins, self.energy.log10energy_bins) if bins is None else bins
        sindec_bins, energy_bins = (np.asarray(edges, dtype=np.float64) for edges in given)
        try:
            energy = EnergyRatio.from_events(
                self.data,
                self.sim if self.response is None else TabulatedSignal(self.response, sindec_bins, energy_bins),
                sindec_bins=sindec_bins,
                log10energy_bins=energy_bins,
                empty=self.energy.empty,
                smooth=self.energy.smooth,
                flux=flux,
            )
            if self.sigma is None or self.response is None:
                return EventRatio(energy, None)
            return EventRatio(energy, self.sigma.of_fluxes(self.response, [flux]))
        except ValueError as error:
            raise ValueError(f"season {self.key}: {error}") from error

    # csky's names of the models

    @property
    def bg_space_param(self) -> Background:
        """csky's name for `background`: ``bg_space_param(sindec=…)`` is B in sr⁻¹, ``.h`` its histogram."""
        return self.background

    @property
    def energy_pdf_ratio_model(self) -> EnergyRatio:
        """csky's name for `energy`: ``.gammas``, ``.hs_sig``, ``.h_bg``, ``.hs_ratio``, ``.ss_hl``."""
        return self.energy

    @property
    def acc_param(self) -> Acceptance:
        """csky's name for `acceptance`."""
        return self.acceptance

    @property
    def kw_space_bg(self) -> dict[str, Any]:
        """How the background was made."""
        return {"hkw": {"bins": self.background.sindec_bins}}

    @property
    def kw_energy(self) -> dict[str, Any]:
        """How the energy term was made."""
        bins = (self.energy.sindec_bins, self.energy.log10energy_bins)
        return {"hkw": {"bins": bins}, "gammas": self.energy.gamma_nodes, "empty": self.energy.empty}

    @property
    def kw_acc(self) -> dict[str, Any]:
        """How the acceptance was made."""
        return {"sindec_nodes": self.acceptance.sindec_nodes, "gammas": self.acceptance.gamma_nodes}

    @property
    def plot_key(self) -> str:
        """The key with a backslash before each underscore, for LaTeX."""
        return self.key.replace("_", r"\_")

    def columns(self, events: Events) -> tuple[F64, F32]:
        """B and ln R of any events, by this season's models.

        Parameters
        ----------
        events : Events
            `dec` or `sindec`, `log10energy`, and `sigma`.

        Returns
        -------
        background_density : (N,) sr⁻¹
        log_energy_ratio : (N, G) float32
        """
        sindec = events["sindec"] if "sindec" in events else np.sin(events["dec"])
        return np.ascontiguousarray(self.background(sindec), dtype=np.float64), self.ratio(events)

    def save(self, path: Path) -> SubAnalysis:
        """Write a cache file; gives the season that lives there.

        Parameters
        ----------
        path : Path
            See `nusky.analysis.cache.cache_path`.
        """
        groups: dict[str, Events] = {"data": self.data, "sim": self.sim}
        if self.grl is not None:
            groups["grl"] = self.grl
        arrays = {f"{group}/{name}": ev[name] for group, ev in groups.items() for name in ev.columns}
        arrays |= {
            "background/sindec_bins": self.background.sindec_bins,
            "background/counts": self.background.counts,
            "background/curve": np.asarray(self.background.curve),
            "energy/gamma_nodes": self.energy.gamma_nodes,
            "energy/sindec_bins": self.energy.sindec_bins,
            "energy/log10energy_bins": self.energy.log10energy_bins,
            "energy/table": self.energy.table,
            "energy/neutral": np.asarray(self.energy.neutral),
            "acceptance/sindec_nodes": self.acceptance.sindec_nodes,
            "acceptance/energy": self.acceptance.energy,
            "acceptance/exposure": self.acceptance.exposure,
            "background_density": self.background_density,
            "log_energy_ratio": self.log_energy_ratio,
        }
        for name, model in (("response", self.response), ("sigma", self.sigma)):
            if model is not None:
                arrays |= {f"{name}/{field.name}": getattr(model, field.name) for field in fields(model)}
        meta = {
            "input_hash": self.fingerprint,
            "code_version": code_version(),
            "key": self.key,
            "version": self.version,
            "livetime": self.livetime,
            "notes": list(self.notes),
            "energy": {
                "empty": self.energy.empty,
                "n_filled": self.energy.n_filled,
                "n_replaced": self.energy.n_replaced,
                "smooth": self.energy.smooth,
            },
        }
        write_cache(path, arrays, meta)
        return _replaced(self, sim_source=StoredEvents(path, "sim/", self.fingerprint), path=path)

    def with_background(self, background: Background) -> SubAnalysis:
        """The same season with another density in sin δ."""
        return _replaced(self, **_with_background(self, background), sim_source=lambda: self.sim, path=None)

    def without_sim(self) -> SubAnalysis:
        """The same season that refuses to give its simulation, and holds none in memory."""
        return _replaced(self, sim_source=NoEvents(self.key))

    def __repr__(self) -> str:
        return (
            f"SubAnalysis({self.key} | {self.version} | {len(self.data)} events, {self.livetime:.2f} days, "
            f"{len(self.gamma_nodes)} gamma nodes {self.gamma_nodes[0]:g} ... {self.gamma_nodes[-1]:g})"
        )


def open_season(path: Path, fingerprint: str | None = None) -> SubAnalysis:
    """Read a season's cache file; its simulation stays there until it is used.

    Parameters
    ----------
    path : Path
    fingerprint : str, optional
        Refuse anything made from other inputs (see `input_hash`).

    Raises
    ------
    FileNotFoundError, StaleCache, DamagedCache
        See `nusky.analysis.cache.read_cache`.

    Examples
    --------
    >>> from nusky.analysis.season import open_season
    >>> open_season(Path("ana/IC86_2011.subanalysis.version-003-p02.npz"))     # doctest: +SKIP
    SubAnalysis(IC86_2011 | version-003-p02 | 136244 events, 332.92 days, 49 gamma nodes 1 ... 4)
    """
    meta, arrays = read_cache(path, fingerprint)
    try:
        return _from_cache(path, meta, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedCache(f"{path}: {error}") from error


def _from_cache(path: Path, meta: Meta, arrays: Mapping[str, NDArray[Any]]) -> SubAnalysis:
    def group(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

    energy, acceptance, grl = group("energy/"), group("acceptance/"), group("grl/")
    response, sigma = group("response/"), group("sigma/")
    return SubAnalysis(
        key=meta["key"],
        version=meta["version"],
        data=Events(group("data/")),
        grl=Events(grl) if grl else None,
        livetime=float(meta["livetime"]),
        background=Background(**group("background/")),
        energy=EnergyRatio(**energy, **meta["energy"]),
        acceptance=Acceptance(**acceptance, gamma_nodes=energy["gamma_nodes"]),
        background_density=arrays["background_density"],
        log_energy_ratio=arrays["log_energy_ratio"],
        notes=tuple(meta["notes"]),
        fingerprint=meta["input_hash"],
        sim_source=StoredEvents(path, "sim/", meta["input_hash"]),
        path=path,
        response=TabulatedResponse(**response) if response else None,
        sigma=SigmaRatio(**sigma) if sigma else None,
    )


def _with_data(season: SubAnalysis, value: Any) -> dict[str, Any]:
    """Fields of a season that has other events."""
    data = as_events(value, f"{season.key}: the new data", season.data.columns)
    density, ratio = season.columns(data)
    mark = content_hash([season.fingerprint, "data", *(data[name] for name in data.columns)])
    return {"data": data, "background_density": density, "log_energy_ratio": ratio, "fingerprint": mark}


def _with_background(season: SubAnalysis, value: Any) -> dict[str, Any]:
    if not isinstance(value, Background):
        raise TypeError(f"{season.key}: it must be a Background, a density in sin δ, got {type(value).__name__}")
    density = np.ascontiguousarray(value(season.data["sindec"]), dtype=np.float64)
    mark = content_hash([season.fingerprint, "background", np.asarray(value.curve)])
    return {"background": value, "background_density": density, "fingerprint": mark}


def _replaced(season: SubAnalysis, **changes: Any) -> SubAnalysis:
    # dataclasses.replace would do, but the cached simulation must not come along.
    return SubAnalysis(**{**{name: getattr(season, name) for name in SubAnalysis.__dataclass_fields__}, **changes})
