"""`Analysis`: the seasons of a search with their models, set up once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky import _core
from nusky.analysis.cache import StaleCache, cache_path, check_writable
from nusky.analysis.energy import EmptyRule
from nusky.analysis.gamma import GAMMA_NODES, check_gamma_nodes
from nusky.analysis.narration import Narration
from nusky.analysis.season import SubAnalysis, open_season
from nusky.analysis.set_up import ModelOptions, SeasonSetup, season_name
from nusky.data.cleaning import MIN_SIGMA, OnBad, check_min_sigma
from nusky.events import Events
from nusky.files import as_path, content_hash, user_cache_dir
from nusky.notebook import html_table
from nusky.releases import check_combination
from nusky.sphere import radians
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.selections.repository import DataRepository, Spec

__all__ = ["Analysis", "get_analysis"]


@dataclass(eq=False, init=False)
class Analysis:
    """Seasons that are fitted together.

    Parameters
    ----------
    anas : sequence of SubAnalysis
        At least one, of different keys, with the same γ nodes. As in csky a repository may stand here.
    *more, **options
        Of `get_analysis`, after a repository.

    Attributes
    ----------
    name : str
        A label, which decides nothing; it can be set, nothing else can.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> ana = cy.get_analysis(cy.selections.demo)                # doctest: +SKIP
    >>> ana                                                      # doctest: +SKIP
    Analysis(IC86_2011_synthetic | 136244 events, 332.61 days, 49 gamma nodes 1 ... 4)
    """

    anas: Sequence[SubAnalysis]
    name: str = field(default="", init=False)
    # What the core needs of every season, by (cut_n_sigma, extension), and by these and γ; made when first asked for.
    _columns: dict[tuple[float | None, ...], tuple[Any, ...]] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __init__(self, anas: Any, *more: Any, **options: Any) -> None:
        if hasattr(anas, "versions"):
            anas = get_analysis(anas, *more, **options).anas
        elif more or options:
            raise TypeError(
                "Analysis(seasons) takes nothing else; Analysis(repo, specs, dir=…) starts with a repository"
            )
        anas = tuple(anas)
        self.anas, self.name, self._columns, self._lock = anas, "", {}, threading.Lock()
        if not anas:
            raise ValueError("an analysis needs at least one season")
        for ana in anas:
            if not isinstance(ana, SubAnalysis):
                raise TypeError(f"an analysis is made of SubAnalysis objects (see get_analysis), got {ana!r}")
        twice = sorted({key for key in self.keys if self.keys.count(key) > 1})
        if twice:
            raise ValueError(f"season(s) named twice: {', '.join(twice)}; their events would count twice")
        check_combination((ana.key, ana.version) for ana in anas)
        for ana in anas[1:]:
            if not np.array_equal(ana.gamma_nodes, anas[0].gamma_nodes):
                raise ValueError(
                    f"{ana.key} and {anas[0].key} have different gamma nodes; set both up with the same gammas="
                )

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "name" and name in self.__dict__:
            raise AttributeError(
                f"an Analysis stays as it was made ({name}); make another one: nusky.Analysis([ana[0]])"
            )
        object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[type[Analysis], tuple[Sequence[SubAnalysis]]]:
        return Analysis, (self.anas,)

    def __len__(self) -> int:
        return len(self.anas)

    def __iter__(self) -> Iterator[SubAnalysis]:
        return iter(self.anas)

    @overload
    def __getitem__(self, k: int | str) -> SubAnalysis: ...
    @overload
    def __getitem__(self, k: slice) -> Analysis: ...
    def __getitem__(self, k: int | str | slice) -> SubAnalysis | Analysis:
        """A season by number or key; a slice gives an Analysis of fewer seasons."""
        if isinstance(k, slice):
            return Analysis(self.anas[k])
        if isinstance(k, str):
            if k not in self.keys:
                raise KeyError(f"no season {k!r}; this analysis has {', '.join(self.keys)}")
            return self.anas[self.keys.index(k)]
        return self.anas[k]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the seasons."""
        return tuple(ana.key for ana in self.anas)

    @property
    def gamma_nodes(self) -> F64:
        """(G,) γ nodes, the same for all seasons."""
        return self.anas[0].gamma_nodes

    @property
    def livetime(self) -> float:
        """Days, over all seasons."""
        return float(sum(ana.livetime for ana in self.anas))

    @property
    def mjd_min(self) -> float:
        """Start of the first season, MJD."""
        return min(ana.mjd_min for ana in self.anas)

    @property
    def mjd_max(self) -> float:
        """End of the last season, MJD."""
        return max(ana.mjd_max for ana in self.anas)

    @property
    def fingerprint(self) -> str:
        """Hash of everything the seasons were made from, in their order."""
        return content_hash(["analysis", *(ana.fingerprint for ana in self.anas)])

    def acceptance_table(self) -> tuple[F64, F64]:
        """ln A_k for the core.

        Returns
        -------
        sindec_nodes : (D,) increasing
            The nodes of all seasons together; ln A is linear between a season's own nodes, so nothing is lost.
        log_acceptance : (K, D, G)
        """
        nodes = np.unique(np.concatenate([ana.acceptance.sindec_nodes for ana in self.anas]))
        table = np.empty((len(self.anas), len(nodes), len(self.gamma_nodes)))
        for k, ana in enumerate(self.anas):
            for g, log_a in enumerate(ana.acceptance.log_acceptance.T):
                table[k, :, g] = np.interp(nodes, ana.acceptance.sindec_nodes, log_a)
        return nodes, table

    def likelihood(self, extended: bool = False) -> _core.Likelihood:
        """The likelihood of these seasons.

        Parameters
        ----------
        extended : bool
            The extended likelihood of a transient search.
        """
        return _core.Likelihood(np.array(self.gamma_nodes), *self.acceptance_table(), extended=extended)

    def event_columns(self, cut_n_sigma: float = 5.0, extension: float = 0.0) -> tuple[_core.EventColumns, ...]:
        """What the core keeps of every season's own events, one for each season; built once for each setting.

        Parameters
        ----------
        cut_n_sigma : float
            S = 0 beyond so many σ.
        extension : float
            Width of the source, rad.
        """
        setting = (float(cut_n_sigma), float(radians("extension", extension)))
        with self._lock:
            if setting not in self._columns:
                self._columns[setting] = tuple(
                    _core_columns(ana, ana.data, ana.background_density, ana.log_energy_ratio, *setting)
                    for ana in self.anas
                )
            return self._columns[setting]

    def point_records(
        self, cut_n_sigma: float = 5.0, extension: float = 0.0, gamma: float | None = None
    ) -> tuple[_core.PointRecords, ...]:
        """The same as fits of one position read them, γ free (None) or fixed."""
        columns = self.event_columns(cut_n_sigma, extension)
        setting = (float(cut_n_sigma), float(radians("extension", extension)), gamma)
        with self._lock:
            if setting not in self._columns:
                self._columns[setting] = tuple(_core.PointRecords(one, gamma) for one in columns)
            return self._columns[setting]

    def columns_for(
        self, k: int, events: Events, cut_n_sigma: float = 5.0, extension: float = 0.0
    ) -> _core.EventColumns:
        """The same for other events of season k: injected or foreign ones.

        Parameters
        ----------
        k : int
            Season.
        events : Events
            `dec, sigma, log10energy` (and `sindec`, which is else made from `dec`).
        cut_n_sigma, extension
            See `event_columns`.
        """
        ana = self.anas[k]
        return _core_columns(ana, events, *ana.columns(events), float(cut_n_sigma), float(extension))

    def save(self, dir: str | os.PathLike[str]) -> Analysis:
        """Write the cache files to a folder, as ``get_analysis(dir=)`` does; gives the analysis that lives there.

        Parameters
        ----------
        dir : path
            Made if missing.

        Raises
        ------
        OSError
            The folder cannot be written to.
        """
        check_writable(dir)
        narration = Narration(True)
        saved = []
        for ana in self.anas:
            path = cache_path(dir, ana.key, ana.version)
            saved.append(ana.save(path))
            narration.line(f"-> {path}")
        return Analysis(saved)

    @classmethod
    def open(cls, paths: Iterable[str | os.PathLike[str]], *, fingerprint: str | None = None) -> Analysis:
        """Open cache files without the repository they came from: how an analysis travels to another process.

        Parameters
        ----------
        paths : iterable of path
            One for each season (see `SubAnalysis.path`).
        fingerprint : str, optional
            What `Analysis.fingerprint` must be.

        Raises
        ------
        FileNotFoundError, DamagedCache, StaleCache
            A file is missing, not whole, or has another fingerprint.

        Examples
        --------
        >>> from nusky import Analysis
        >>> ana = Analysis.open([season.path for season in ana], fingerprint=ana.fingerprint)    # doctest: +SKIP
        """
        ana = cls([open_season(as_path(path)) for path in paths])
        if fingerprint is not None and ana.fingerprint != fingerprint:
            names = ", ".join(str(season.path) for season in ana)
            raise StaleCache(
                f"{names}: fingerprint {ana.fingerprint[:12]}…, expected {fingerprint[:12]}…; data changed"
            )
        return ana

    def _repr_html_(self) -> str:
        nodes = self.gamma_nodes
        seasons = [(ana.key, f"{len(ana.data)} events, {ana.livetime:.2f} days") for ana in self.anas]
        return html_table("Analysis", [*seasons, ("γ nodes", f"{len(nodes)}, {nodes[0]:g} … {nodes[-1]:g}")])

    def __repr__(self) -> str:
        nodes = self.gamma_nodes
        return (
            f"Analysis({', '.join(self.keys)} | {sum(len(ana.data) for ana in self.anas)} events, "
            f"{self.livetime:.2f} days, {len(nodes)} gamma nodes {nodes[0]:g} ... {nodes[-1]:g})"
        )


def get_analysis(
    repo: DataRepository,
    version: str | Spec | Iterable[Spec] | None = None,
    specs: Spec | Iterable[Spec] | None = None,
    *more: str | Spec | Iterable[Spec],
    dir: str | os.PathLike[str] | None = None,
    min_sigma: float = MIN_SIGMA,
    gammas: ArrayLike = GAMMA_NODES,
    load_sig: bool = True,
    on_bad: OnBad | None = None,
    empty: EmptyRule = "continued",
    smooth: bool = True,
    sigma_term: bool | None = None,
    logging: bool = True,
) -> Analysis:
    """Set up the seasons of a search, or open them from their cache files.

    Parameters
    ----------
    repo : DataRepository
        `selections.repo`, `selections.demo`, `selections.PublicRelease(path)`, …
    version : str, optional
        Default: the only one there is. May be left out: ``get_analysis(repo, specs)``.
    specs : data specification(s) or key(s), optional
        Default: all seasons of the version.
    *more
        Further versions and their specifications, in pairs: ``get_analysis(repo, v1, specs1, v2, specs2)``.
    dir : path, optional
        Folder of the cache files, made if missing. Without it nothing is kept, except for the synthetic season, which
        goes to the user's cache folder.
    min_sigma : float
        Floor of the events' σ, rad (default 0.2°); 0 for none.
    gammas : (G,)
        γ nodes, increasing; fits stay within them.
    load_sig : bool
        False keeps no simulation in memory; nothing can then be injected.
    on_bad : {"raise", "drop"}, optional
        What to do with impossible rows; by default they raise, except a public release's known defects.
    empty : {"continued", "nearest", "percentile99"}
        R of energies at which the season has no events; see `EnergyRatio.from_events`.
    smooth : bool
        Smooth sparse cells of the background's energies.
    sigma_term : bool, optional
        Whether R has the factor P_S(σ | E, δ) / P_B(σ | E, δ) of the angular errors (see `nusky.response.SigmaRatio`).
        Default: where the season has smearing matrices; True is an error where it has none.
    logging : bool
        Print what is done.

    Returns
    -------
    Analysis

    Raises
    ------
    FileNotFoundError, KeyError, ValueError
        As the repository finds; or unusable options.
    OSError
        `dir` cannot be written to; found before any work is done.

    Examples
    --------
    >>> import nusky as cy
    >>> ana = cy.get_analysis(cy.selections.demo, "synthetic-v1", cy.selections.PSDataSpecs.ps_2011)    # doctest: +SKIP
    Setting up Analysis for:
    IC86_2011_synthetic
    Setting up IC86_2011_synthetic...
    <- /home/me/.cache/nusky/IC86_2011_synthetic.subanalysis.synthetic-v1.npz
    Done.
    """
    from nusky.selections.repository import resolve
    from nusky.selections.synthetic import SyntheticRepository

    narration = Narration(logging)
    if len(more) % 2:
        raise TypeError("get_analysis: after the first specification come pairs, a version and its specifications")
    pairs = [(version, specs), *zip(more[::2], more[1::2], strict=True)]
    found = [resolve(repo, v, s) for v, s in pairs]
    reading = {"on_bad": on_bad, "min_sigma": check_min_sigma(min_sigma)}
    options = ModelOptions(tuple(check_gamma_nodes(gammas).tolist()), empty, bool(smooth), sigma_term)
    folder, must_write = (None if dir is None else as_path(dir, "dir")), True
    if folder is None and isinstance(repo, SyntheticRepository):
        folder, must_write = user_cache_dir(), False
    check_combination((season_name(repo, spec), v) for v, chosen in found for spec in chosen)
    narration.line("Setting up Analysis for:")
    narration.line(", ".join(season_name(repo, spec) for _, chosen in found for spec in chosen))
    seasons = []
    for chosen_version, chosen in found:
        season = SeasonSetup(repo, chosen_version, reading, options, folder, must_write, narration)
        for spec in chosen:
            ana = season(spec)
            seasons.append(ana if load_sig else ana.without_sim())
    narration.line("Done.")
    return Analysis(seasons)


def _core_columns(
    ana: SubAnalysis,
    events: Events,
    background: F64,
    log_ratio: NDArray[np.float32],
    cut_n_sigma: float,
    extension: float,
) -> _core.EventColumns:
    return _core.EventColumns(
        events["dec"],
        events["sigma"],
        background,
        log_ratio,
        np.array(ana.gamma_nodes),
        cut_n_sigma=cut_n_sigma,
        extension=extension,
    )
