"""Setting up a season: its models from its data, or the season from its cache file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.analysis.acceptance import Acceptance
from nusky.analysis.background import Background
from nusky.analysis.cache import SCHEMA, DamagedCache, GivenEvents, StaleCache, cache_path, check_writable
from nusky.analysis.energy import EmptyRule, EnergyRatio
from nusky.analysis.gamma import GAMMA_NODES
from nusky.analysis.narration import Narration
from nusky.analysis.season import EventRatio, SubAnalysis, open_season
from nusky.data.dataset import Dataset
from nusky.files.hashing import content_hash
from nusky.hyp import PowerLawFlux
from nusky.response import SigmaRatio, TabulatedSignal
from nusky.typing import F64
from nusky.version import code_version

if TYPE_CHECKING:
    from nusky.selections.repository import DataRepository, Spec

__all__ = ["ModelOptions", "SeasonSetup", "input_hash", "season_name", "set_up"]

Say = Callable[[str], object]


@dataclass(frozen=True)
class ModelOptions:
    """How the models of a season are built; part of its cache's identity.

    Parameters
    ----------
    gammas : tuple of float
        γ nodes, increasing.
    empty : {"continued", "nearest", "percentile99"}
        See `EnergyRatio.from_events`.
    smooth : bool
        Smooth sparse cells of the background's energy histogram.
    sigma_term : bool or None
        Whether ln R has the factor of the angular errors; None: where there are smearing matrices.

    Examples
    --------
    >>> from nusky.analysis.set_up import ModelOptions
    >>> len(ModelOptions().gammas)
    49
    """

    gammas: tuple[float, ...] = tuple(GAMMA_NODES.tolist())
    empty: EmptyRule = "continued"
    smooth: bool = True
    sigma_term: bool | None = None


def input_hash(dataset_fingerprint: str, options: ModelOptions) -> str:
    """Identity of a season with its models: its data, the options, and the code that makes the one from the other.

    Parameters
    ----------
    dataset_fingerprint : str
        See `nusky.files.hashing.content_hash`.
    options : ModelOptions

    Examples
    --------
    >>> from nusky.analysis.set_up import ModelOptions, input_hash
    >>> input_hash("data", ModelOptions()) == input_hash("data", ModelOptions(empty="nearest"))
    False
    """
    return content_hash(["subanalysis", SCHEMA, code_version(), dataset_fingerprint, sorted(asdict(options).items())])


def set_up(
    dataset: Dataset,
    options: ModelOptions | None = None,
    *,
    say: Say = lambda _: None,
    redraw: Say = lambda _: None,
) -> SubAnalysis:
    """Build the models of a season.

    Parameters
    ----------
    dataset : Dataset
    options : ModelOptions, optional
    say : callable
        Gets each line of csky's narration.
    redraw : callable
        Gets the lines that replace each other.

    Raises
    ------
    ValueError
        The season's data and models do not go together; the message names the season.

    Examples
    --------
    >>> from nusky import selections
    >>> from nusky.analysis.set_up import set_up
    >>> set_up(selections.demo.read("synthetic-v1", "IC86_2011"))                               # doctest: +SKIP
    SubAnalysis(IC86_2011_synthetic | synthetic-v1 | 136244 events, 332.61 days, 49 gamma nodes 1 ... 4)
    """
    options = ModelOptions() if options is None else options
    gammas = np.asarray(options.gammas, dtype=np.float64)
    data = dataset.data
    try:
        background = Background.from_data(data["sindec"], dataset.sindec_bins)
        say("Energy PDF Ratio Model...")
        bins, sim = (dataset.sindec_bins, dataset.log10energy_bins), dataset.sim
        energy = EnergyRatio.from_events(
            data,
            sim if dataset.response is None else TabulatedSignal(dataset.response, *bins),
            sindec_bins=dataset.sindec_bins,
            log10energy_bins=dataset.log10energy_bins,
            gamma_nodes=gammas,
            empty=options.empty,
            smooth=options.smooth,
            progress=lambda gamma: redraw(f"  * gamma = {gamma:.4f} ..."),
        )
        say("Signal Acceptance Model...")
        if dataset.area is None:
            acceptance = Acceptance.from_sim(sim, dataset.livetime, gamma_nodes=gammas)
        else:
            acceptance = Acceptance.from_area(dataset.area, dataset.livetime, gamma_nodes=gammas)
        redraw(f"  * gamma = {gammas[-1]:.4f} ...")
        sigma = _sigma_ratio(dataset, options, gammas)
    except ValueError as error:
        raise ValueError(f"season {dataset.key}: {error}") from error
    density = np.asarray(background(data["sindec"]), dtype=np.float64)
    log_ratio = EventRatio(energy, sigma)(data)
    for array in (density, log_ratio):
        array.setflags(write=False)
    return SubAnalysis(
        key=dataset.key,
        version=dataset.version,
        data=data,
        grl=dataset.grl,
        livetime=dataset.livetime,
        background=background,
        energy=energy,
        acceptance=acceptance,
        background_density=density,
        log_energy_ratio=log_ratio,
        notes=(*dataset.notes, *_model_notes(background, energy, sigma)),
        fingerprint=input_hash(dataset.fingerprint, options),
        sim_source=GivenEvents(sim),
        response=dataset.response,
        sigma=sigma,
    )


def season_name(repo: DataRepository, spec: Spec) -> str:
    """The season's key as the repository writes it (the synthetic season answers to IC86_2011, too).

    Parameters
    ----------
    repo : DataRepository
    spec : str, DataSpec or CustomDataSpec

    Examples
    --------
    >>> from nusky import selections
    >>> from nusky.analysis.set_up import season_name
    >>> season_name(selections.demo, "IC86_2011")
    'IC86_2011_synthetic'
    """
    from nusky.selections.synthetic import KEY, SyntheticRepository

    if isinstance(repo, SyntheticRepository):
        return KEY
    return spec if isinstance(spec, str) else spec.key


@dataclass(frozen=True, eq=False)
class SeasonSetup:
    """How `get_analysis` sets up each of its seasons.

    Parameters
    ----------
    repo : DataRepository
    version : str
    reading : mapping
        ``on_bad`` and ``min_sigma``, for the repository.
    options : ModelOptions
    folder : Path or None
        Where cache files are looked for and written; None: nowhere.
    must_write : bool
        A folder that cannot be written to is an error; False: a message is printed, and no cache is kept.
    narration : Narration
    """

    repo: DataRepository
    version: str
    reading: Mapping[str, Any]
    options: ModelOptions
    folder: Path | None
    must_write: bool
    narration: Narration

    def __call__(self, spec: Spec) -> SubAnalysis:
        """One season, from its cache file where that is whole and of the same inputs.

        Parameters
        ----------
        spec : str, DataSpec or CustomDataSpec

        Raises
        ------
        OSError
            The folder cannot be written to; before the season's files are read.
        """
        name = season_name(self.repo, spec)
        self.narration.line(f"Setting up {name}...")
        path = None if self.folder is None else cache_path(self.folder, name, self.version)
        season = None if path is None else self._opened(path, spec)
        if season is not None:
            return season
        kept = path if self._writable else None
        dataset = self.repo.read(self.version, spec, log=self.narration.line, **self.reading)
        season = set_up(dataset, self.options, say=self.narration.line, redraw=self.narration.redraw)
        for note in season.notes:
            self.narration.line(f"  {note}")
        if kept is not None:
            season = season.save(kept)
            self.narration.line(f"-> {kept}")
        return season

    @cached_property
    def _writable(self) -> bool:
        if self.folder is None:
            return False
        try:
            check_writable(self.folder)
        except OSError as error:
            if self.must_write:
                raise
            self.narration.line(f"No cache is kept: {error}")
            return False
        return True

    def _opened(self, path: Path, spec: Spec) -> SubAnalysis | None:
        """The season of a cache file, or None where there is none that can be used."""
        expected = input_hash(self.repo.fingerprint(self.version, spec, **self.reading), self.options)
        try:
            season = open_season(path, expected)
        except (FileNotFoundError, NotADirectoryError):  # the latter is reported when the folder is tried
            return None
        except (DamagedCache, StaleCache) as reason:
            state = "stale" if isinstance(reason, StaleCache) else "damaged"
            self.narration.line(f"The cache is {state} and is rebuilt: {reason}")
            return None
        self.narration.line(f"<- {path}")
        return season


def _sigma_ratio(dataset: Dataset, options: ModelOptions, gammas: F64) -> SigmaRatio | None:
    if options.sigma_term is False or (options.sigma_term is None and dataset.response is None):
        return None
    if dataset.response is None:
        raise ValueError(
            "sigma_term=True asks how the angular errors of signal are spread, and this season has no smearing matrix; "
            "leave it out, or read a release with irfs/*_smearing.csv"
        )
    return SigmaRatio.of(
        dataset.response,
        dataset.data,
        sindec_bins=dataset.sindec_bins,
        log10energy_bins=dataset.log10energy_bins,
        fluxes=[PowerLawFlux(gamma) for gamma in gammas.tolist()],
    )


def _model_notes(background: Background, energy: EnergyRatio, sigma: SigmaRatio | None) -> tuple[str, ...]:
    notes = []
    if background.empty_bins:
        edges = background.sindec_bins
        where = ", ".join(f"{edges[i]:.3g} … {edges[i + 1]:.3g}" for i in background.empty_bins)
        notes.append(f"no events in {len(background.empty_bins)} bin(s) of sin(dec), half an event assumed: {where}")
    notes.append(f"energy term: {energy!r}")
    if sigma is not None:
        notes.append(f"term of the angular errors: {sigma!r}")
    return tuple(notes)
